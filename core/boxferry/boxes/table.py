"""Detections as a table, a box a row, and back; by duck typing: no table's library is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.labels import id_key
from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x_min", "y_min", "x_max", "y_max"), ("x1", "y1", "x2", "y2"))
IMAGES = ("image", "file_name", "filename", "image_name", "path")
SCORES, LABELS = ("score", "confidence", "conf"), ("label", "name", "class_name")
IDS = ("class", "class_id", "category_id")
WIDTHS, HEIGHTS = ("image_width", "img_width"), ("image_height", "img_height")


def columns_of(detections: Detections) -> dict[str, list[Any]]:
    """The boxes as columns of plain values; `frame` and `track` only where there are any."""
    owners = [detections.images[index] for index in detections.image_index.tolist()]
    found: dict[str, list[Any]] = {
        "image": [image.key for image in owners],
        "label": [detections.labels[code] for code in detections.label.tolist()],
        "score": detections.score.tolist(),
        **dict(zip(CORNERS[0], detections.xyxy.T.tolist(), strict=True)),
        "image_width": [image.width for image in owners],
        "image_height": [image.height for image in owners],
    }
    more = {"frame": detections.frame, "track": detections.track}
    return found | {name: column.tolist() for name, column in more.items() if column is not None}


def detections_of(table: Any, names: Mapping[int | str, str]) -> Detections:  # noqa: ANN401 # duck-typed
    """The boxes of a table, grouped by image in the order in which images first come.

    Args:
        table: something with named columns; see `Dataset.from_pandas`.
        names: class id → label, for a table that has class ids alone.

    Raises:
        InputError: a column is missing, a value is no number, or a class has no name.
    """
    columns = _columns(table)
    keys = [str(key) for key in _needed(columns, IMAGES)]
    labels = _labels(columns, names, len(keys))
    first = {key: row for row, key in reversed(list(enumerate(keys)))}
    order = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    owner = np.array([order[key] for key in keys], np.int64)
    rows = np.argsort(owner, kind="stable")
    code = {name: number for number, name in enumerate(dict.fromkeys(labels))}
    corners = [_numbers(columns, (name,)) for name in _corners(columns)]
    score = _numbers(columns, SCORES, optional=True)
    video = "frame" in columns
    sizes = [_whole(columns, each, len(keys), 0).tolist() for each in (WIDTHS, HEIGHTS)]
    return Detections.from_counts(
        [Image(key, sizes[0][first[key]], sizes[1][first[key]], video=video) for key in order],
        np.bincount(owner, minlength=len(order)),
        np.column_stack(corners)[rows],
        np.array([code[name] for name in labels], np.int32)[rows],
        code,
        score=None if score is None else score[rows],
        row=rows,
        row_unit="item",
        frame=_whole(columns, ("frame",), len(keys), 0)[rows] if video else None,
        track=_whole(columns, ("track",), len(keys), -1)[rows] if "track" in columns else None,
    )


def _columns(table: Any) -> dict[str, Any]:  # noqa: ANN401 # duck-typed
    names = table.keys() if isinstance(table, dict) else getattr(table, "columns", None)
    if names is None:
        raise InputError(f"table: found {type(table).__name__}, expected one with named columns, as pandas has it")
    found = {str(name): list(table[name]) for name in names}
    if len({len(column) for column in found.values()}) > 1:
        raise InputError("table: its columns differ in length")
    return found


def _corners(columns: Mapping[str, Any]) -> tuple[str, ...]:
    for names in CORNERS:
        if set(names) <= set(columns):
            return names
    raise InputError(f"table: columns {', '.join(columns) or 'none'}, expected {', '.join(CORNERS[0])} in pixels")


def _first(columns: Mapping[str, Any], names: Iterable[str]) -> list[Any] | None:
    return next((columns[name] for name in names if name in columns), None)


def _needed(columns: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    found = _first(columns, names)
    if found is None:
        raise InputError(f"table: no column '{names[0]}' (or {', '.join(names[1:])}) among {', '.join(columns)}")
    return found


def _numbers(columns: Mapping[str, Any], names: tuple[str, ...], *, optional: bool = False) -> Any:  # noqa: ANN401
    """(N,) float64 of the first of these columns; None where they are missing and may be."""
    found = _first(columns, names) if optional else _needed(columns, names)
    if found is None:
        return None
    try:
        return np.array([np.nan if value is None else value for value in found], np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"table: column '{names[0]}': {error}") from error


def _whole(columns: Mapping[str, Any], names: tuple[str, ...], n: int, missing: int) -> Any:  # noqa: ANN401 # (N,) int64
    found = _numbers(columns, names, optional=True)
    if found is None:
        return np.full(n, missing, np.int64)
    return np.where(np.isfinite(found), np.nan_to_num(found), missing).astype(np.int64)


def _labels(columns: Mapping[str, Any], names: Mapping[int | str, str], n: int) -> list[str]:
    if (labels := _first(columns, LABELS)) is not None:
        return [str(label) for label in labels]
    ids = _first(columns, IDS)
    if ids is None:
        return ["object"] * n
    unknown = next((each for each in ids if id_key(each) not in names), None)
    if unknown is not None:
        raise InputError(f"table: class {unknown} has no name; pass names=, a list or a dict of id and name")
    return [names[id_key(each)] for each in ids]
