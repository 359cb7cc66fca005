"""A file, a folder, a glob, standard input, or results in memory, each as a `formats.Source`."""

from __future__ import annotations

import gzip
import io
import os
import posixpath
import select
import shutil
import sys
import tempfile
import weakref
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from boxferry.errors import InputError
from boxferry.formats import Snapshot
from boxferry.reading.walk import placed, walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from _typeshed import WriteableBuffer

    from boxferry.formats import Source

HEAD_BYTES = 64 * 1024
BLOCK_BYTES = 256 * 1024
SHOWN_BYTES = 60
PLAIN_BYTES = 64 << 20  #: so much may come out of a gzip file of any size
LARGEST_RATIO = 300  #: and beyond that, so many times its size; of a bomb it is a thousand
PIPE_WAIT_S = 10.0  #: for how long a writer of a named pipe is waited for
GZIP_MAGIC = b"\x1f\x8b\x08"


class FileSource:
    """One file, gzip undone; satisfies `formats.Source`."""

    value = None
    is_stream = True
    watch: Callable[[int, int], None] | None = None  #: progress callback: bytes read, bytes in all

    def __init__(self, name: str) -> None:
        """Stand for the file at the path `name`."""
        self.name = name

    @property
    def head(self) -> bytes:
        """The first 64 KiB, decompressed."""
        return self._head

    @cached_property
    def _head(self) -> bytes:
        with self.open() as file:
            return file.read(HEAD_BYTES)

    def open(self) -> BinaryIO:
        """The bytes from the start, decompressed; an InputError where the file cannot be read."""
        file = self._raw(self.watch)
        return _unzipped(file, self.name) if self._zipped else file

    def files(self, *suffixes: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002 # one file is what was named: it is taken
        """Itself, under its own name; where it is zipped, the path is that of an unzipped copy."""
        if self._zipped:
            yield self._own_name.removesuffix(".gz"), self._unzipped_copy
        else:
            yield self._own_name, self._path

    def each(self, *suffixes: str) -> Iterator[tuple[str, Source]]:  # noqa: ARG002 # likewise
        """Itself, under its own name."""
        yield self._own_name, self

    def _raw(self, watch: Callable[[int, int], None] | None = None) -> BinaryIO:
        """The bytes as they are; `watch` is told of them."""
        return open_plain(self._path, self.name, watch)

    @property
    def _own_name(self) -> str:
        return Path(self.name).name

    @cached_property
    def _path(self) -> str:
        """Where the bytes are."""
        return self.name

    @cached_property
    def _zipped(self) -> bool:
        with self._raw() as file:
            return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC

    @cached_property
    def _unzipped_copy(self) -> str:
        with self.open() as file:
            return _spool(self, self.name, file)


class PipeSource(FileSource):
    """Standard input, or a pipe: its bytes come once, and are kept in a temporary file as long as this lives."""

    def __init__(self, name: str, opened: Callable[[], AbstractContextManager[BinaryIO]]) -> None:
        """Stand for the pipe that `opened` gives; nothing is read from it before it is asked for."""
        super().__init__(name)
        self._opened = opened

    @cached_property
    def _path(self) -> str:
        with self._opened() as pipe:
            return _spool(self, self.name, pipe)


class FolderSource:
    """All files below a folder; satisfies `formats.Source`."""

    value = None
    is_stream = False
    head = b""

    def __init__(self, name: str) -> None:
        """Stand for the folder at the path `name`."""
        self.name = name

    def open(self) -> BinaryIO:
        """Raise an InputError: many files are not one stream."""
        raise InputError(f"{self.name}: many files, where one file is expected")

    def files(self, *suffixes: str) -> Iterator[tuple[str, str]]:
        """Each file with one of the suffixes, with any where none is given; relative to the folder."""
        if suffixes and self._last_suffixes.isdisjoint(suffix.rpartition(".")[2] for suffix in suffixes):
            return iter(())
        return (file for file in self._pairs() if not suffixes or file[0].lower().endswith(suffixes))

    def each(self, *suffixes: str) -> Iterator[tuple[str, Source]]:
        """As `files`, each as a source."""
        return ((relative, FileSource(path)) for relative, path in self.files(*suffixes))

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """Every file; the path is made anew each time, since of very many files they would take most of the memory."""
        return placed(self._root, self._all)

    @cached_property
    def _root(self) -> str:
        return self.name

    @cached_property
    def _all(self) -> list[str]:
        """Every file's relative path, as they lie there when the first one is asked for."""
        return list(walk(self._root))

    @cached_property
    def _last_suffixes(self) -> set[str]:
        """What comes after the last point of their names: each format asks for its own, among millions of others."""
        last = {relative.rpartition(".")[2] for relative, _ in self._pairs()}
        return {suffix.lower() for suffix in last}


class GlobSource(FolderSource):
    """The files that a glob means, relative to the folder in which its first wildcard stands."""

    def __init__(self, name: str, root: str, found: list[str]) -> None:
        """Stand for the files `found`, by their paths relative to the folder `root`, by the pattern `name`."""
        super().__init__(name)
        self._root = root
        self._all = found


class ObjectSource:
    """Results in memory; satisfies `formats.Source`."""

    is_stream = False
    head = b""

    def __init__(self, value: object) -> None:
        """Stand for what was handed over."""
        self.name = value.name if isinstance(value, Snapshot) else _type_name(type(value))
        self.value: object | None = Peekable(value) if isinstance(value, Iterator) else value

    def open(self) -> BinaryIO:
        """Raise an InputError: there is no file."""
        raise InputError(f"{self.name}: results in memory, where a file is expected")

    def files(self, *suffixes: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002 # there are none
        """No files."""
        return iter(())

    def each(self, *suffixes: str) -> Iterator[tuple[str, Source]]:  # noqa: ARG002 # likewise
        """No files."""
        return iter(())


def _type_name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class Peekable:
    """An iterator whose first value can be looked at; it can be gone through once."""

    def __init__(self, iterator: Iterator[object]) -> None:
        """Stand before `iterator`; nothing is taken from it yet."""
        self._iterator = iterator
        self._ahead: list[object] = []

    def peek(self) -> object | None:
        """The first value, which still comes; None where it is missing."""
        if not self._ahead:
            self._ahead += islice(self._iterator, 1)
        return self._ahead[0] if self._ahead else None

    def __iter__(self) -> Iterator[object]:
        """All values."""
        while self._ahead:
            yield self._ahead.pop()
        yield from self._iterator


class _Unzipping(io.RawIOBase):
    """The content of a gzip file; whatever is wrong with it becomes an InputError."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._zipped = file
        self._file = gzip.GzipFile(fileobj=file)
        self._unpacked = 0
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            count = self._file.readinto(buffer)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(f"{self._name}: the gzip data is damaged or cut short: {error}") from error
        self._unpacked += count
        if self._unpacked > PLAIN_BYTES and self._unpacked > LARGEST_RATIO * self._zipped.tell():
            raise InputError(f"{self._name}: unpacks to more than {LARGEST_RATIO} times its size: not read")
        return count

    def close(self) -> None:
        self._file.close()
        self._zipped.close()
        super().close()


class _Watched(io.FileIO):
    """A file that tells how far it has been read."""

    def __init__(self, path: str, watch: Callable[[int, int], None]) -> None:
        super().__init__(path)
        self._watch = watch
        self._size = os.fstat(self.fileno()).st_size

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        count = super().readinto(buffer)
        self._watch(self.tell(), self._size)
        return count


def _unzipped(file: BinaryIO, name: str) -> BinaryIO:
    return io.BufferedReader(_Unzipping(file, name), BLOCK_BYTES)


def open_plain(path: str, name: str = "", watch: Callable[[int, int], None] | None = None) -> BinaryIO:
    """The bytes of a file as they are; an InputError where it cannot be read."""
    try:
        return Path(path).open("rb") if watch is None else io.BufferedReader(_Watched(path, watch))
    except OSError as error:
        raise unreadable(name or path, error) from error


def open_pipe(name: str) -> BinaryIO:
    """A named pipe, once something writes into it.

    Raises:
        InputError: nothing does.
    """
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise unreadable(name, error) from error
    if not select.select([handle], [], [], PIPE_WAIT_S)[0]:
        os.close(handle)
        raise InputError(f"{name}: a named pipe, and nothing has written into it within {PIPE_WAIT_S:.0f} s")
    os.set_blocking(handle, True)
    return os.fdopen(handle, "rb")


def unreadable(name: str, error: OSError) -> InputError:
    """That what is called `name` cannot be read, and why."""
    return InputError(f"{name}: cannot be read: {error.strerror}")


def standard_input() -> AbstractContextManager[BinaryIO]:
    """Standard input, which stays open."""
    if sys.stdin is None:
        raise InputError("-: there is no standard input")
    return nullcontext(sys.stdin.buffer)  # left open: it is not ours


def _spool(owner: object, name: str, content: BinaryIO) -> str:
    """The path of a temporary file that holds `content`; it is removed when `owner` goes, at the latest at exit."""
    try:
        handle, path = tempfile.mkstemp(prefix="boxferry-")
        weakref.finalize(owner, _remove, path)
        with open(handle, "wb") as file:  # noqa: PTH123 # a file descriptor, not a path
            shutil.copyfileobj(content, file, BLOCK_BYTES)
    except OSError as error:
        raise InputError(f"{name}: cannot be copied to a temporary file: {error.strerror}") from error
    return path


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink()


def what_is_there(source: Source) -> str:
    """What a source holds that no format recognises, in a few words.

    Raises:
        InputError: it cannot be read.
    """
    if source.is_stream:
        head = source.head[:SHOWN_BYTES].decode("utf-8", "replace").strip()
        return f"it begins with {head!r}" if head else "it is empty"
    suffixes = Counter(posixpath.splitext(relative)[1].lower() or "no suffix" for relative, _ in source.files())
    found = ", ".join(f"{count} with {suffix}" for suffix, count in suffixes.most_common(4))
    return f"it holds {suffixes.total()} files: {found}" if found else "there is no file in it"
