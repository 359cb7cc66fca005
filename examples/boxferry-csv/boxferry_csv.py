"""The format `csv`: one detection a row, rows grouped by image; a plugin in a distribution of its own."""

from __future__ import annotations

import csv
import io
from itertools import groupby
from typing import TYPE_CHECKING

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.tally import Place
from boxferry.formats import Format
from boxferry.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.formats import Context, Source

HEADER = b"image,width,height,label,score,x_min,y_min,x_max,y_max"


def sniff(source: Source) -> str | None:
    """Recognise the header line."""
    return "a CSV header image,width,height,label,…" if source.head.startswith(HEADER) else None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for each image; a row that is no box is skipped with its line."""
    with io.TextIOWrapper(source.open(), encoding="utf-8", newline="") as text:
        rows = csv.DictReader(text)
        for name, group in groupby(rows, key=lambda row: row["image"]):
            found = [(rows.line_num, row) for row in group]
            yield chunk(name, found, source, context)


def chunk(name: str, rows: list[tuple[int, dict[str, str]]], source: Source, context: Context) -> Detections:
    """The boxes of one image."""
    kept, label, score, line, labels = [], [], [], [], {}
    for number, row in rows:
        try:
            corners, confidence = [float(row[k]) for k in ("x_min", "y_min", "x_max", "y_max")], float(row["score"])
        except (TypeError, ValueError):
            context.tally.skip("bad-box", f"expected numbers, found {row}", Place(source.name, line=number))
            continue
        kept.append(corners)
        label.append(labels.setdefault(row["label"], len(labels)))
        score.append(confidence)
        line.append(number)
    image = Image(name, int(rows[0][1]["width"]), int(rows[0][1]["height"]), source=source.name)
    detections = Detections.from_counts([image], [len(kept)], kept, label, labels, score=score, row=line)
    context.tally.count(detections)
    return detections


@hookimpl
def boxferry_register_formats(register: Callable[[Format], None]) -> None:
    """Bring the format in."""
    register(Format(name="csv", summary="CSV rows with a header, one box each", sniff=sniff, read=read))
