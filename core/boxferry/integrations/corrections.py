"""Corrected boxes as Arrow tables, a row for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.boxes.detections import Detections


def tables(chunks: Iterable[Detections]) -> Iterator[Any]:
    """A table for each chunk, and an empty one where there are no boxes, so that the columns are known.

    Needs pyarrow. The columns are those that `read_corrections` lists.
    """
    import pyarrow as pa

    schema = pa.schema(
        [
            ("image", pa.string()),
            ("file_id", pa.int64()),
            ("width", pa.int64()),
            ("height", pa.int64()),
            ("boxes", pa.list_(pa.list_(pa.float64()))),
            ("labels", pa.list_(pa.string())),
        ]
    )
    made = False
    for chunk in chunks:
        made = True
        yield pa.Table.from_pylist(list(_rows(chunk)), schema=schema)
    if not made:
        yield schema.empty_table()


def _rows(chunk: Detections) -> Iterator[dict[str, Any]]:
    for image, rows in chunk.each_image():
        yield {
            "image": image.key,
            "file_id": image.file_id,
            "width": image.width,
            "height": image.height,
            "boxes": chunk.xyxy[rows].tolist(),
            "labels": [chunk.labels[code] for code in chunk.label[rows].tolist()],
        }
