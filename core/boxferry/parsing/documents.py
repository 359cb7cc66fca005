"""Files about one image each, read whole: rows of words, objects of JSON; and values of JSON one by one."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.parsing.files import TextError, contents_of, plain, streams_of
from boxferry.parsing.gather import BadBox, BadImage, one_image
from boxferry.parsing.json_scan import values_of
from boxferry.parsing.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from boxferry.boxes.detections import Image
    from boxferry.formats import Context, Source
    from boxferry.parsing.files import File
    from boxferry.parsing.gather import Box

    Words = tuple[int, list[str]]  # the number of a line, from 1, and its words


def words_of(data: bytes) -> list[Words]:
    """The words of each line that is not blank.

    Raises:
        BadImage: it is no text.
    """
    try:
        text = plain(data).decode("utf-8", "replace")
    except TextError as error:
        raise BadImage(str(error), Code.BAD_ENCODING) from None
    return [(line, words) for line, each in enumerate(text.split("\n"), start=1) if (words := each.split())]


def boxes_of(rows: Iterable[Words], made: Callable[[int, list[str]], Box], context: Context, place: Place) -> list[Box]:
    """The boxes of an image's rows; each row that is not a box is skipped with the reason.

    Args:
        rows: what stands in the file.
        made: gives a row's box, from its line and its words; raises BadBox.
        context: whose tally counts what is skipped.
        place: the file.
    """
    boxes = []
    for line, words in rows:
        try:
            boxes.append(made(line, words))
        except BadBox as error:
            context.tally.skip(error.code, str(error), place._replace(line=line))
    return boxes


def image_of_file(file: File, context: Context, boxes: int) -> Image:
    """The image that has a file's name.

    Raises:
        BadImage: several have it; they fail with their `boxes`.
    """
    with one_image(boxes):
        found = context.images.stem(posixpath.splitext(file.relative)[0])
    return msgspec.structs.replace(found, source=file.shown)


def documents_of(source: Source, context: Context, suffix: str) -> Iterator[tuple[tuple[File, bytes], Place]]:
    """Each file with its content, and its place."""
    return ((found, Place(found[0].shown)) for found in contents_of(source, context, suffix))


def items_of(source: Source, context: Context, *suffixes: str) -> Iterator[tuple[Any, Place]]:
    """Each value in files of JSON, with its place.

    Raises:
        InputError: as `streams_of`, or a file is no JSON.
    """
    for file, stream in streams_of(source, context, *suffixes, json=True):
        for index, value in enumerate(values_of(stream, file.shown)):
            yield value, Place(file.shown, item=index)


def object_of(text: bytes, what: str, *, malformed: str, code: str) -> dict[str, Any]:
    """An object of JSON.

    Args:
        text: the JSON.
        what: what is expected, for messages.
        malformed: what a text is that is no JSON, likewise.
        code: the code of both.

    Raises:
        BadImage: it is malformed, or something else than an object.
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadImage(f"{malformed}: {error}", code) from None
    if not isinstance(value, dict):
        raise BadImage(f"expected {what}, found {shown(value)}", code)
    return value
