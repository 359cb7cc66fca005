"""Writes label files and a data.yaml."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.geometry import xyxy_to_cxcywh
from boxferry.errors import InputError
from boxferry.formats import file_stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Id

DIGITS = 12  #: of normalised coordinates: less than a millionth of a pixel on any image


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write `labels/<image without suffix>.txt` for each image, and `data.yaml` with the names, into a folder.

    A row has a sixth column where its image's boxes have scores; an image without boxes gives an empty file.

    Raises:
        InputError: an image has no known size, only some of its boxes have a score, or its name leads out of the
            folder.
    """
    ids = _Ids(context.names)
    taken: set[str] = set()
    (target / "labels").mkdir(parents=True, exist_ok=True)
    for chunk in chunks:
        tables = _tables(chunk, np.array([ids.of(name) for name in chunk.labels], np.int64))
        for (image, rows), table in zip(chunk.each_image(), tables, strict=True):
            path = target / "labels" / f"{file_stem(image, taken)}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_text(image, chunk.score[rows], table), encoding="ascii")
    _write_names(target, ids.names)


class _Ids:
    """Gives each label its class id: the one it was given with, or the next that is free."""

    def __init__(self, given: Mapping[Id, str]) -> None:
        self.names: dict[int, str] = {i: name for i, name in given.items() if isinstance(i, int)}
        self._ids = {name: i for i, name in reversed(self.names.items())}
        self._free = (i for i in count() if i not in self.names)

    def of(self, name: str) -> int:
        if name not in self._ids:
            self._ids[name] = free = next(self._free)
            self.names[free] = name
        return self._ids[name]


def _tables(chunk: Detections, ids: np.ndarray) -> list[list[list[float]]]:
    """For each image a list of (class, cx, cy, w, h), normalised."""
    for image, boxes in zip(chunk.images, chunk.counts.tolist(), strict=True):
        if boxes and not image.sized:
            raise InputError(f"{image.key}: its size is not known; add --images DIR, --size WxH or --categories FILE")
    sizes = np.tile(np.maximum(chunk.sizes, 1)[chunk.image_index], 2)
    normalised = xyxy_to_cxcywh(chunk.xyxy) / sizes
    whole = np.column_stack((ids[chunk.label] if len(ids) else chunk.label, normalised)).tolist()
    return [whole[rows] for _, rows in chunk.each_image()]


def _text(image: Image, scores: np.ndarray, table: list[list[float]]) -> str:
    scored = ~np.isnan(scores)
    if len(scores) and scored.any() != scored.all():
        raise InputError(
            f"{image.key}: some of its boxes have a score and others none; YOLO rows cannot tell them apart"
        )
    lines = []
    for (class_id, *corners), score in zip(table, scores.tolist(), strict=True):
        numbers = " ".join(f"{corner:.{DIGITS}f}" for corner in corners)
        lines.append(f"{int(class_id)} {numbers} {score!r}\n" if scored.all() else f"{int(class_id)} {numbers}\n")
    return "".join(lines)


def _write_names(target: Path, names: Mapping[int, str]) -> None:
    import yaml

    ordered = {class_id: names[class_id] for class_id in sorted(names)}
    text = yaml.safe_dump({"names": ordered}, sort_keys=False, allow_unicode=True)
    (target / "data.yaml").write_text(text, encoding="utf-8")
