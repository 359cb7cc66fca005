"""The files of a source one after another, and their beginnings: for formats of one file, or of one file an image."""

from __future__ import annotations

import codecs
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeVar

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import read_file
from boxferry.parsing.encoding import utf8_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from boxferry.formats import Context, Source

T = TypeVar("T")
SNIFFED_FILES = 3


class TextError(Exception):
    """A file is no text: one sentence."""


class File(NamedTuple):
    """One file of a source.

    Attributes:
        relative: its path relative to the source.
        path: the path to open.
        shown: what messages call it.
    """

    relative: str
    path: str
    shown: str


def files_of(source: Source, *suffixes: str) -> Iterator[File]:
    """Each file with one of the suffixes; a single file whatever it is called."""
    for relative, path in source.files(*suffixes):
        yield File(relative, path, source.name if source.is_stream else path)


def streams_of(source: Source, context: Context, *suffixes: str, json: bool = False) -> Iterator[tuple[File, BinaryIO]]:
    """Each file with its bytes from the start, decompressed; of JSON as UTF-8.

    One that cannot be opened fails on the tally, and the others go on.

    Raises:
        InputError: the source is one file, and cannot be read; or no file has one of the suffixes.
    """
    found = False
    for relative, each in source.each(*suffixes, *(f"{suffix}.gz" for suffix in suffixes)):
        found = True
        file = File(relative.removesuffix(".gz"), each.name, each.name)
        try:
            stream = utf8_stream(each) if json else each.open()
        except InputError as error:
            if source.is_stream:
                raise
            context.tally.fail(Code.UNREADABLE, str(error), Place(file.shown))
            continue
        with stream:
            yield file, stream
    if not found:
        raise InputError(f"{source.name}: no file in it ends in {' or '.join(suffixes)}")


def contents_of(source: Source, context: Context, *suffixes: str) -> Iterator[tuple[File, bytes]]:
    """Each file with its whole content, for formats whose files are about one image; otherwise as `streams_of`."""
    for file in files_of(source, *suffixes):
        try:
            data = read_file(file.path)
        except OSError as error:
            context.tally.fail(Code.UNREADABLE, f"cannot be read: {error.strerror}", Place(file.shown))
            continue
        yield file, data


def heads_of(source: Source, *suffixes: str) -> list[bytes]:
    """The beginnings of a source's first files, 64 KiB at most of each; empty where they cannot be read."""
    if source.value is not None:
        return []
    try:
        files = source.each(*suffixes, *(f"{suffix}.gz" for suffix in suffixes))
        return [each.head for _, each in islice(files, SNIFFED_FILES)]
    except (OSError, InputError):
        return []


def where_readable(look: Callable[[Source], T | None]) -> Callable[[Source], T | None]:
    """A `sniff` or a `stumble` that has nothing to say of a source that cannot be read."""

    @wraps(look)
    def looked(source: Source) -> T | None:
        try:
            return look(source)
        except (OSError, InputError):
            return None

    return looked


def most(found: Sequence[object]) -> bool:
    """Whether at least half of what was looked at is as expected: one that is cut or wrong does not hide the others."""
    return any(found) and 2 * sum(map(bool, found)) >= len(found)


def plain(data: bytes) -> bytes:
    """A text as UTF-8 without a byte-order mark; UTF-16 with one is undone.

    Raises:
        TextError: it is UTF-16 that cannot be decoded, or no text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise TextError("begins as UTF-16 and cannot be decoded as such") from None
    if b"\0" in data:
        raise TextError("holds zero bytes: expected text, in UTF-16 with a byte-order mark")
    return data.removeprefix(codecs.BOM_UTF8)
