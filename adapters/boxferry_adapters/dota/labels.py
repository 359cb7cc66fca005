"""Label files, one an image."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.boxes.outlines import bounds_of
from boxferry.parsing.documents import boxes_of, documents_of, image_of_file, words_of
from boxferry.parsing.files import heads_of, most
from boxferry.parsing.gather import BadBox, Box, Gathering
from boxferry.parsing.values import NUMBER, flat_ring, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Place
    from boxferry.formats import Context, Source
    from boxferry.parsing.files import File

HEADER = re.compile(r"\s*(imagesource|gsd)\s*:", re.IGNORECASE)
FIRST_LINES = 5
CORNERS = 8  #: numbers, x and y of each


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
    corners, last = words[:CORNERS], words[CORNERS + 1 :]
    named = len(words) > CORNERS and not NUMBER.fullmatch(words[CORNERS])
    return all(map(NUMBER.fullmatch, corners)) and named and (not last or (len(last) == 1 and last[0].isdigit()))


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of files; one that cannot be read fails alone."""
    gathering = Gathering(context, row_unit="line")
    return gathering.read(documents_of(source, context, ".txt"), partial(_image, gathering))


def _image(gathering: Gathering, document: tuple[File, bytes], place: Place) -> tuple[Image, list[Box]]:
    file, data = document
    rows = [(line, words) for line, words in words_of(data) if not HEADER.match(words[0])]
    image = image_of_file(file, gathering.context, len(rows))
    return image, boxes_of(rows, partial(_box, gathering), gathering.context, place)


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
