"""Label files, one an image."""

from __future__ import annotations

import posixpath
import re
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.outlines import bounds_of
from boxferry.boxes.tally import Place
from boxferry.parsing.documents import boxes_of, words_of
from boxferry.parsing.files import contents_of, heads_of, most
from boxferry.parsing.gather import BadBox, BadImage, Box, Gathering, one_image
from boxferry.parsing.values import flat_ring, shown
from boxferry_adapters.dota.rows import CORNERS, numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Source
    from boxferry.parsing.files import File

HEADER = re.compile(r"\s*(imagesource|gsd)\s*:", re.IGNORECASE)
FIRST_LINES = 5


def sniff(source: Source) -> str | None:
    """Recognise the first lines."""
    rows = []
    for head in heads_of(source, ".txt"):
        lines = head.decode("utf-8", "replace").splitlines()
        lines = lines[:-1] if len(lines) > 1 and not head.endswith(b"\n") else lines
        rows += [line.split() for line in lines if line.strip() and not HEADER.match(line)][:FIRST_LINES]
    found = most([_is_row(words) for words in rows])
    return "text rows of four corners, a class and perhaps 'difficult'" if found else None


def _is_row(words: list[str]) -> bool:
    last = words[CORNERS + 1 :]
    numbers = numbers_of(words[:CORNERS])
    named = len(words) > CORNERS and numbers_of(words[CORNERS : CORNERS + 1]) is None
    return numbers is not None and named and (not last or (len(last) == 1 and last[0].isdigit()))


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of files; one that cannot be read fails alone."""
    gathering = Gathering(context, row_unit="line")
    return gathering.chunks(_images(source, context, gathering))


def _images(source: Source, context: Context, gathering: Gathering) -> Iterator[tuple[Image, list[Box], Place]]:
    for file, data in contents_of(source, context, ".txt"):
        place = Place(file.shown)
        try:
            rows = [(line, words) for line, words in words_of(data) if not HEADER.match(words[0])]
            image = _image(context, file, len(rows))
        except BadImage as error:
            gathering.fail(error, place)
            continue
        yield image, boxes_of(rows, partial(_box, gathering), context, place), place


def _image(context: Context, file: File, boxes: int) -> Image:
    with one_image(boxes):
        found = context.images.stem(posixpath.splitext(file.relative)[0])
    return msgspec.structs.replace(found, source=file.shown)


def _box(gathering: Gathering, line: int, words: list[str]) -> Box:
    if not _is_row(words):
        raise BadBox(f"expected x1 y1 … x4 y4 class difficult, found {shown(' '.join(words))}", Code.BAD_ROW)
    ring = flat_ring(words[:CORNERS], "corners")
    difficult = words[CORNERS + 1 :]
    return Box(
        code=gathering.vocabulary.add(words[CORNERS]),
        corners=bounds_of([ring]),
        row=line,
        rings=(ring,),
        fields={"difficult": int(difficult[0][:9])} if difficult else {},
    )
