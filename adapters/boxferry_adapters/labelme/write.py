"""Writes a JSON file for each image."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.boxes.decimals import short
from boxferry.formats import check_sized, file_stem, output_folder
from boxferry.parsing.values import TRACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context

VERSION = "5.5.0"  #: of LabelMe, whose files these are like

_encoder = msgspec.json.Encoder()


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:  # noqa: ARG001 # nothing to look up
    """Write `<image without suffix>.json` for each image into a folder, to be laid beside the images.

    Outlines are polygons, those of one box with a `group_id` in common; the other boxes are rectangles. A score is
    written as `score`, attributes as `attributes`, with the track as `track_id`: LabelMe keeps them.

    Raises:
        InputError: an image has no known size, or its name leads out of the folder.
    """
    taken: set[str] = set()
    with output_folder(target) as folder:
        for chunk in chunks:
            for image, rows in chunk.each_image():
                path = folder / f"{file_stem(image, taken)}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_text(chunk, image, rows))


def _text(chunk: Detections, image: Image, rows: slice) -> bytes:
    check_sized(image)
    shapes = [each for row in range(rows.start, rows.stop) for each in _shapes(chunk, row, row - rows.start)]
    return msgspec.json.format(_encoder.encode(_document(image, shapes)), indent=2)


def _document(image: Image, shapes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": posixpath.basename(image.key),
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }


def _shapes(chunk: Detections, row: int, group: int) -> Iterator[dict[str, Any]]:
    rings = None if chunk.polygons is None else chunk.polygons[row]
    left, top, right, bottom = short(chunk.xyxy[row]).tolist()
    kind = "polygon" if rings else "rectangle"
    for points in [short(ring).tolist() for ring in rings] if rings else [[[left, top], [right, bottom]]]:
        shape = {
            "label": chunk.labels[chunk.label[row]],
            "points": points,
            "group_id": group if rings and len(rings) > 1 else None,
            "description": "",
            "shape_type": kind,
            "flags": {},
        }
        if (score := chunk.score[row].item()) == score:  # not NaN
            shape["score"] = score
        if fields := _fields(chunk, row):
            shape["attributes"] = fields
        yield shape


def _fields(chunk: Detections, row: int) -> dict[str, Any]:
    fields = dict(chunk.attributes[row] or {}) if chunk.attributes is not None else {}
    if chunk.track is not None and chunk.track[row] >= 0:
        fields[TRACK] = chunk.track[row].item()
    return fields
