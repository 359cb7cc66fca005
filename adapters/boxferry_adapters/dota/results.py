"""Result files, one a class: rows of image, score and corners; an image's boxes stand in many of them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.outlines import bounds_of
from boxferry.boxes.tally import Place
from boxferry.parsing.files import heads_of, streams_of, where_readable
from boxferry.parsing.gather import BadBox, BadImage, Box, one_image
from boxferry.parsing.scatter import Scattered
from boxferry.parsing.values import NUMBER, flat_ring, number, shown
from boxferry_adapters.dota.labels import CORNERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Source

NAME = re.compile(r"Task[12]_(?P<label>.+)\.txt", re.IGNORECASE)
COLUMNS = {2 + 4, 2 + CORNERS}


def is_result(relative: str) -> bool:
    """Whether a file is one of results, by its name."""
    return NAME.fullmatch(relative.rpartition("/")[2]) is not None


@where_readable
def sniff(source: Source) -> str | None:
    """Recognise the files by their names and their first rows."""
    if source.value is not None or source.name == "-":
        return None
    names = [relative for relative, _ in source.files(".txt")]
    rows = [head.split(b"\n", 1)[0].decode("utf-8", "replace").split() for head in heads_of(source, ".txt")]
    found = names and all(map(is_result, names)) and all(_is_row(words) for words in rows if words)
    return "result rows 'image score x1 y1 … x4 y4' in Task1_<class>.txt" if found else None


def _is_row(words: list[str]) -> bool:
    return len(words) in COLUMNS and all(map(NUMBER.fullmatch, words[1:]))


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of images, each with its boxes of all classes."""
    with Scattered(context, row_unit="line") as boxes:
        for file, stream in streams_of(source, context, ".txt"):
            found = NAME.fullmatch(PurePosixPath(file.relative).name)
            code, number_of_file = boxes.vocabulary.add(found["label"] if found else ""), boxes.file(file.shown)
            for line, text in enumerate(stream, start=1):
                if words := text.decode("utf-8", "replace").split():
                    _add(boxes, words, code, Place(file.shown, line=line), number_of_file, context)
        yield from boxes.chunks()


def _add(boxes: Scattered, words: list[str], code: int, place: Place, file: int, context: Context) -> None:
    try:
        box = _box(code, words, place.line or -1)
        boxes.add(boxes.image(words[0], lambda name: _image(context, name, place.source)), box, file)
    except (BadBox, BadImage) as error:
        context.tally.skip(error.code, str(error), place)


def _image(context: Context, name: str, source: str) -> Image:
    with one_image():
        return msgspec.structs.replace(context.images.stem(name), source=source)


def _box(code: int, words: list[str], line: int) -> Box:
    if not _is_row(words):
        found = shown(" ".join(words))
        raise BadBox(f"expected image, score and the corners as four numbers or eight, found {found}", Code.BAD_ROW)
    score, *numbers = (number(word, "a number") for word in words[1:])
    if len(numbers) == CORNERS:
        ring = flat_ring(numbers, "corners")
        return Box(code=code, corners=bounds_of([ring]), score=score, row=line, rings=(ring,))
    left, top, right, bottom = numbers
    return Box(code=code, corners=(left, top, right, bottom), score=score, row=line)
