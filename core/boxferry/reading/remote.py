"""Sources at URLs: a file, a folder or a glob on a file system that fsspec knows, each as a `formats.Source`."""

from __future__ import annotations

import io
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote

from boxferry.errors import InputError
from boxferry.reading.sources import GZIP_MAGIC, HEAD_BYTES, FileSource, FolderSource, unreadable
from boxferry.reading.walk import WILD
from boxferry.remote.ahead import SMALL_BYTES, Listing, read_ahead
from boxferry.remote.storage import listed, matching, open_stream, read_heads, stat
from boxferry.remote.urls import is_http, last, parent, remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import WriteableBuffer

    from boxferry.formats import Source
    from boxferry.remote.storage import Found, Stat


def remote_source(url: str) -> Source:
    """The source at a URL: what exists is itself, even if its name looks like a glob.

    Raises:
        InputError: there is no such file or folder, no file matches the glob, or it cannot be told.
        UsageError: fsspec, or what it needs for such a URL, is not installed.
    """
    name = remembered(url)
    try:
        found = stat(name)
    except OSError as error:
        if not isinstance(error, FileNotFoundError) or not _wild(name):
            raise unreadable(name, error) from error
        return RemoteGlob(name)
    return RemoteFolder(name) if found.folder else RemoteFile(name, found)


def _wild(url: str) -> bool:
    return bool((WILD - {"?"} if is_http(url) else WILD) & set(url))


class RemoteFile(FileSource):
    """One file at a URL, gzip undone; satisfies `formats.Source`."""

    def __init__(self, name: str, found: Stat) -> None:
        """Stand for the file at the URL `name`, of which `found` is known."""
        super().__init__(name)
        self._stat = found

    @cached_property
    def _head(self) -> bytes:
        """The first 64 KiB, decompressed."""
        if self._zipped:
            return super()._head
        return self._beginning

    @property
    def _own_name(self) -> str:
        return unquote(last(self.name)) if is_http(self.name) else last(self.name)

    @cached_property
    def _zipped(self) -> bool:
        return self._beginning.startswith(GZIP_MAGIC)

    @cached_property
    def _beginning(self) -> bytes:
        """The first 64 KiB as they are."""
        if self._small:
            return self._content()[:HEAD_BYTES]
        found = read_heads([self.name], HEAD_BYTES)[0]
        if isinstance(found, OSError):
            raise unreadable(self.name, found)
        return found

    @property
    def _small(self) -> bool:
        return self._stat.size is not None and self._stat.size <= SMALL_BYTES

    def _content(self) -> bytes:
        try:
            return read_ahead(self.name)
        except OSError as error:
            raise unreadable(self.name, error) from error

    def _raw(self, watch: Callable[[int, int], None] | None = None) -> BinaryIO:
        if self._small:
            return io.BytesIO(self._content())
        try:
            return io.BufferedReader(_Reading(open_stream(self.name), self.name, watch, self._stat.size or 0))
        except OSError as error:
            raise unreadable(self.name, error) from error


class RemoteFolder(FolderSource):
    """All files below a folder at a URL; satisfies `formats.Source`."""

    def each(self, *suffixes: str) -> Iterator[tuple[str, Source]]:
        """As `files`, each as a source."""
        for file in self._listing.files:
            if not suffixes or file.relative.lower().endswith(suffixes):
                yield file.relative, RemoteFile(file.url, file.stat)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        return ((file.relative, file.url) for file in self._listing.files)

    @cached_property
    def _listing(self) -> Listing:
        """Every file, as they lie there when the first one is asked for."""
        try:
            return Listing(self._listed())
        except OSError as error:
            raise InputError(f"{self.name}: the folder cannot be listed: {error.strerror}") from error

    def _listed(self) -> list[Found]:
        return listed(self.name)


class RemoteGlob(RemoteFolder):
    """The files that a glob means, relative to the folder in which its first wildcard stands."""

    def __init__(self, name: str) -> None:
        """Stand for the files that the glob `name` means.

        Raises:
            InputError: there are none, or they cannot be listed.
        """
        super().__init__(name)
        if not self._listing.files:
            raise InputError(f"no file matches {name}")

    def _listed(self) -> list[Found]:
        root = self.name
        while _wild(root):
            root = parent(root)
        return matching(self.name, root)


class _Reading(io.RawIOBase):
    """A remote file that is read from its start; whatever goes wrong becomes an InputError."""

    def __init__(self, file: BinaryIO, name: str, watch: Callable[[int, int], None] | None, size: int) -> None:
        self._file, self._name, self._watch, self._size = file, name, watch, size
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            count: int = self._file.readinto(buffer)  # type: ignore[attr-defined] # a buffered reader
        except OSError as error:
            raise unreadable(self._name, error) from error
        self._read += count
        if self._watch is not None:
            self._watch(self._read, max(self._size, self._read))
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
