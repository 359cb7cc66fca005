"""Writes label files and a data.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.geometry import xyxy_to_cxcywh
from boxferry.boxes.labels import LabelIds
from boxferry.boxes.unwritten import noting_unwritten
from boxferry.errors import InputError
from boxferry.formats import check_sized, file_stem, output_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Id

    Row = list[float]  # class, then shares of the image's sides

DIGITS = 9  #: of normalised coordinates: less than a thousandth of a pixel on any image
MOST_ROWS = 1000  #: files with more are not compared, since each row is looked for among the others
WHOLE_PX = 0.51  #: by which rounding to whole pixels moves an edge at most
PLAIN = 5  #: columns of a box


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write `labels/<image without suffix>.txt` for each image, and `data.yaml` with the names, into a folder.

    A row has a sixth column where its image's boxes have scores; an image without boxes gives an empty file. Classes
    keep the ids that they were read with, with the option `yolo-ids` 'from-0' they are counted anew. Where a box of an
    image has an outline, all rows of its file are outlines, a box being that of its four corners: Ultralytics reads a
    file so or so. With the option `yolo-kind` 'boxes' all are boxes. An image whose own file still says the same
    (`Context.original`) gets that.

    Raises:
        InputError: an image has no known size, only some of its boxes have a score, or its name leads out of the
            folder.
    """
    rings = 0 if context.options.get("yolo-kind") == "boxes" else 1
    chunks = noting_unwritten(chunks, context.tally, "a YOLO row", track=False, rings=rings, attributes=())
    with output_folder(target) as folder:
        (folder / "labels").mkdir()
        labels = _write_labels(chunks, folder, context)
        _write_names(folder, labels.names)
    labels.note_added(context.tally)
    if context.options.get("yolo-ids") != "from-0" and sorted(map(int, labels.names)) != list(range(len(labels.names))):
        message = "the class ids are kept as they were read, and do not count 0, 1, 2, … as YOLO's own tools expect"
        context.tally.note(Code.CLASS_IDS, f"{message}: --yolo-ids from-0 renumbers them")


def _write_labels(chunks: Iterable[Detections], folder: Path, context: Context) -> LabelIds:
    """The label files; gives the classes, which are known once the first chunk has been read."""
    labels, taken = None, set[str]()
    for chunk in chunks:
        labels = labels or _label_ids(context)
        tables = _tables(chunk, np.array([labels.of(name) for name in chunk.labels], np.int64))
        outlined = chunk.polygons is not None and context.options.get("yolo-kind") != "boxes"
        for (image, rows), boxes in zip(chunk.each_image(), tables, strict=True):
            table = _outlines(chunk, image, rows, boxes) if outlined else boxes
            path = folder / "labels" / f"{file_stem(image, taken)}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            original = context.original(image.key)
            same = original and np.isnan(chunk.score[rows]).all() and _says_the_same(original, table, image)
            path.write_bytes(original if same else _text(image, chunk.score[rows], table).encode("ascii"))
    return labels or _label_ids(context)


def _label_ids(context: Context) -> LabelIds:
    names = {**context.names, **context.classes.names()}
    if context.options.get("yolo-ids") == "from-0" or not all(isinstance(i, int) and i >= 0 for i in names):
        return LabelIds(dict(enumerate(dict.fromkeys(names.values()))), first=0)
    return LabelIds(names, first=0)


def _tables(chunk: Detections, ids: np.ndarray) -> list[list[list[float]]]:
    """For each image a list of (class, cx, cy, w, h), normalised."""
    for image, boxes in zip(chunk.images, chunk.counts.tolist(), strict=True):
        if boxes:
            check_sized(image)
    sizes = np.tile(np.maximum(chunk.sizes, 1)[chunk.image_index], 2)
    normalised = xyxy_to_cxcywh(chunk.xyxy) / sizes
    whole = np.column_stack((ids[chunk.label] if len(ids) else chunk.label, normalised)).tolist()
    return [whole[rows] for _, rows in chunk.each_image()]


def _outlines(chunk: Detections, image: Image, rows: slice, boxes: list[list[float]]) -> list[list[float]]:
    """The rows of an image as (class, x1, y1, x2, …) where one of them has an outline of one ring; else as they are."""
    rings = [found[0] if found and len(found) == 1 else None for found in chunk.polygons[rows]]  # type: ignore[index]
    if all(ring is None for ring in rings):
        return boxes
    table = []
    for (class_id, *_), ring, corners in zip(boxes, rings, chunk.xyxy[rows].tolist(), strict=True):
        left, top, right, bottom = corners
        points = [[left, top], [right, top], [right, bottom], [left, bottom]] if ring is None else ring
        table.append([class_id, *(np.asarray(points) / [image.width, image.height]).reshape(-1).tolist()])
    return table


def _text(image: Image, scores: np.ndarray, table: list[list[float]]) -> str:
    scored = ~np.isnan(scores)
    if len(scores) and scored.any() != scored.all():
        raise InputError(
            f"{image.key}: some of its boxes have a score and others none; YOLO rows cannot tell them apart"
        )
    lines = []
    for (class_id, *shares), score in zip(table, scores.tolist(), strict=True):
        numbers = " ".join(map(_number, shares))
        lines.append(f"{int(class_id)} {numbers} {score!r}\n" if scored.all() else f"{int(class_id)} {numbers}\n")
    return "".join(lines)


def _number(share: float) -> str:
    return f"{share:.{DIGITS}f}".rstrip("0").rstrip(".")


def _write_names(target: Path, names: Mapping[Id, str]) -> None:
    import yaml

    ordered = {class_id: names[class_id] for class_id in sorted(names, key=int)}
    text = yaml.safe_dump({"names": ordered}, sort_keys=False, allow_unicode=True)
    (target / "data.yaml").write_text(text, encoding="utf-8")


def _says_the_same(original: bytes, rows: list[Row], image: Image) -> bool:
    """Whether a label file has these rows and no others, in any order, up to the rounding to whole pixels.

    Then it can be written as it was.
    """
    before = _rows_of(original)
    if before is None or len(before) != len(rows) or len(rows) > MOST_ROWS:
        return False
    left = list(rows)
    for row in before:
        found = next((index for index, other in enumerate(left) if _alike(row, other, image)), None)
        if found is None:
            return False
        del left[found]
    return True


def _rows_of(text: bytes) -> list[Row] | None:
    """The numbers of each row; None where a word is not a number."""
    try:
        return [[float(word) for word in line.split()] for line in text.decode("ascii").splitlines() if line.strip()]
    except ValueError:
        return None


def _alike(one: Row, other: Row, image: Image) -> bool:
    if len(one) != len(other) or one[0] != other[0]:
        return False
    sides = (image.width, image.height)
    return all(
        abs(a - b) * sides[index % 2] <= (2 * WHOLE_PX if len(one) == PLAIN and index > 1 else WHOLE_PX)
        for index, (a, b) in enumerate(zip(one[1:], other[1:], strict=True))
    )
