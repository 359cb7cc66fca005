"""Writes one table, a row for each box or for each image."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from boxferry.formats import output_stream
from boxferry_adapters.parquet.library import pyarrow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Context

GROUP_ROWS = 1 << 16


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write one file; `-` is standard output.

    A row is a box, with `image`, its `width` and `height`, `label`, `score`, `x_min`, `y_min`, `x_max`, `y_max` in
    pixels, and `frame`, `track`, `polygon` (rings of x, y) and `attributes` (JSON) where a box has them. An image that
    has no boxes is a row without one. With the option `parquet-rows` 'images' a row is an image, its boxes `objects`.

    Raises:
        UsageError: pyarrow is missing, or the file cannot be written.
    """
    pa = pyarrow()
    listed = context.options["parquet-rows"] == "images"
    schema = _schema(pa, listed=listed)
    with output_stream(target) as stream, pa.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        waiting: list[dict[str, Any]] = []
        for chunk in chunks:
            waiting += _image_rows(chunk) if listed else _box_rows(chunk)
            if len(waiting) >= GROUP_ROWS:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, schema))


def _schema(pa: Any, *, listed: bool) -> Any:  # noqa: ANN401 # pyarrow has no types
    image = [("image", pa.string()), ("width", pa.int32()), ("height", pa.int32())]
    box = [
        ("label", pa.string()), ("score", pa.float64()),
        ("x_min", pa.float64()), ("y_min", pa.float64()), ("x_max", pa.float64()), ("y_max", pa.float64()),
        ("frame", pa.int64()), ("track", pa.int64()),
        ("polygon", pa.list_(pa.list_(pa.list_(pa.float64())))), ("attributes", pa.string()),
    ]  # fmt: skip
    return pa.schema([*image, ("objects", pa.list_(pa.struct(box)))] if listed else [*image, *box])


def _box_rows(chunk: Detections) -> Iterable[dict[str, Any]]:
    for image, objects in _objects(chunk):
        yield from ({**image, **each} for each in objects or [{}])


def _image_rows(chunk: Detections) -> Iterable[dict[str, Any]]:
    for image, objects in _objects(chunk):
        yield {**image, "objects": objects}


def _objects(chunk: Detections) -> Iterable[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each image, and its boxes."""
    corners, scores = chunk.xyxy.tolist(), chunk.score.tolist()
    for image, rows in chunk.each_image():
        size = {"width": image.width, "height": image.height} if image.sized else {}
        objects = []
        for row in range(rows.start, rows.stop):
            x_min, y_min, x_max, y_max = corners[row]
            box = {"x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max}
            score = None if math.isnan(scores[row]) else scores[row]
            more = _more(chunk, row, video=image.video)
            objects.append({"label": chunk.labels[chunk.label[row]], "score": score, **box, **more})
        yield {"image": image.key, **size}, objects


def _more(chunk: Detections, row: int, *, video: bool) -> dict[str, Any]:
    """What a box may have besides."""
    found: dict[str, Any] = {}
    if chunk.frame is not None and video:
        found["frame"] = chunk.frame[row].item()
    if chunk.track is not None and chunk.track[row] >= 0:
        found["track"] = chunk.track[row].item()
    if chunk.polygons is not None and chunk.polygons[row]:
        found["polygon"] = [ring.tolist() for ring in chunk.polygons[row]]
    if chunk.attributes is not None and chunk.attributes[row]:
        found["attributes"] = json.dumps(chunk.attributes[row], ensure_ascii=False)
    return found
