"""Writes tasks as a JSON list, to be imported with a labelling interface that has an image and rectangle labels."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.boxes.decimals import short
from boxferry.boxes.unwritten import noting_unwritten
from boxferry.formats import check_sized, output_stream
from boxferry.parsing.values import TRACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context

FROM, TO = "label", "image"  #: the controls' names in Label Studio's template of object detection
MODEL = "boxferry"

_encoder = msgspec.json.Encoder()


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write one JSON file, a task for each image, boxes as predictions or annotations; `-` is standard output.

    An outline of one ring is a polygon. Boxes with several are rectangles, as those without: no region has two rings.
    A track and attributes are in the `meta` of a region, which Label Studio keeps whatever the labelling interface is:
    a result for a control that the interface lacks would be refused.

    Raises:
        InputError: an image has no known size.
    """
    kind, prefix, between = context.options["labelstudio-write"], context.options["labelstudio-prefix"], b"[\n"
    chunks = noting_unwritten(chunks, context.tally, "a region of Label Studio", rings=1)
    with output_stream(target) as stream:
        for chunk in chunks:
            for image, rows in chunk.each_image():
                if rows.stop > rows.start:
                    check_sized(image)
                result = list(_regions(chunk, image, rows))
                stream.write(between + _encoder.encode(_task(f"{prefix}{image.key}", kind, result)))
                between = b",\n"
        stream.write(b"[]\n" if between == b"[\n" else b"\n]\n")


def _task(address: str, kind: str, result: list[dict[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {"result": result}
    if kind == "predictions":
        entry["model_version"] = MODEL
        if scores := [region["score"] for region in result if "score" in region]:
            entry["score"] = float(np.mean(scores))
    return {"data": {TO: address}, kind: [entry]}


def _regions(chunk: Detections, image: Image, rows: slice) -> Iterator[dict[str, Any]]:
    numbers = count(1)
    for row in range(rows.start, rows.stop):
        rings = None if chunk.polygons is None else chunk.polygons[row]
        label, score = chunk.labels[chunk.label[row]], chunk.score[row].item()
        corners = chunk.xyxy[row].tolist()
        kind, shape = _polygon(rings[0], image) if rings and len(rings) == 1 else _rectangle(corners, image)
        region = {
            "id": f"b{next(numbers)}",
            "type": kind,
            "from_name": FROM,
            "to_name": TO,
            "original_width": image.width,
            "original_height": image.height,
            "image_rotation": 0,
            "value": {**shape, kind: [label]},
        }
        if meta := _meta(chunk, row):
            region["meta"] = meta
        yield region if score != score else {**region, "score": score}  # noqa: PLR0124 # NaN


def _meta(chunk: Detections, row: int) -> dict[str, Any]:
    """What is known of a region besides; its `text` has to be a list, which Label Studio shows."""
    found = dict(chunk.attributes[row] or {}) if chunk.attributes is not None else {}
    if isinstance(text := found.get("text"), str):
        found["text"] = [text]
    if chunk.track is not None and chunk.track[row] >= 0:
        found[TRACK] = chunk.track[row].item()
    return found


def _rectangle(corners: list[float], image: Image) -> tuple[str, dict[str, Any]]:
    left, top, right, bottom = corners
    across, down = 100 / image.width, 100 / image.height
    sides = (left * across, top * down, (right - left) * across, (bottom - top) * down)
    shape = dict(zip(("x", "y", "width", "height"), short(sides).tolist(), strict=True))
    return "rectanglelabels", {**shape, "rotation": 0}


def _polygon(ring: Any, image: Image) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 # (K, 2) float64
    shares = ring * (100 / np.array([image.width, image.height]))
    return "polygonlabels", {"points": short(shares).tolist(), "closed": True}
