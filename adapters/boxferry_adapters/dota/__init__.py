"""The format `dota`: text files of oriented boxes in pixels, one an image, or results, one a class.

The format is defined at https://captain-whu.github.io/DOTA/dataset.html and .../tasks.html. A label file has the rows
`x1 y1 x2 y2 x3 y3 x4 y4 category difficult`, after two lines `imagesource:` and `gsd:` that may be absent. Results are
in `Task1_<class>.txt`, rows of image, score and four corners, and in `Task2_<class>.txt`, rows of image, score and
x_min, y_min, x_max, y_max. A box is the bounds of its four corners, which are its outline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.errors import InputError
from boxferry.formats import Format
from boxferry.hookspecs import registering
from boxferry_adapters.dota import labels, results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Context, Source


def sniff(source: Source) -> str | None:
    """Recognise label files by their rows, or result files by their names and rows."""
    return results.sniff(source) or labels.sniff(source)


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of label files, or of result files.

    Raises:
        InputError: both are there, or the source is standard input, and a file's name tells what it is about.
    """
    if source.name == "-":
        raise InputError("standard input: DOTA needs files, since a file's name tells what it is about; name a file")
    found = {results.is_result(relative) for relative, _ in source.files(".txt")}
    if len(found) > 1:
        raise InputError(f"{source.name}: holds label files and result files; name one kind, as in 'Task1_*.txt'")
    return results.read(source, context) if True in found else labels.read(source, context)


SUMMARY = "a text file an image, rows of 'x1 y1 … x4 y4 class difficult', or results Task1_<class>.txt, as DOTA has"
boxferry_register_formats = registering(Format(name="dota", summary=SUMMARY, sniff=sniff, read=read))
