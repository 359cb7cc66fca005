"""Width and height of images from their headers: of remote files by their beginnings."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from boxferry.errors import InputError
from boxferry.formats import for_library
from boxferry.reading.quick_size import quick_size
from boxferry.reading.sources import unreadable
from boxferry.remote.ahead import Listing, Window
from boxferry.remote.storage import listed, read_heads, stat
from boxferry.remote.urls import is_http, is_url, joined, remembered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    Size = tuple[int, int]  # width and height in pixels

HEAD_BYTES = 32 << 10  #: most headers are within it, previews in their EXIF included


def header_size(path: str, *, turned: bool = True) -> Size | None:
    """Width and height from the header, after its EXIF orientation if `turned`; None where it has none.

    Raises:
        InputError: it is at a URL, and cannot be read.
    """
    try:
        if not is_url(path):
            return quick_size(path) or _size(path, turned=turned)
        with for_library(path) as opened:
            return _size(opened, turned=turned)
    except OSError as error:
        raise unreadable(path, error) from error


def images_url(url: str) -> str:
    """The URL of an images folder, once it is known that there is one.

    Raises:
        InputError: there is none, or it cannot be told.
    """
    name = remembered(joined(url, "") if is_http(url) and not url.endswith("/") else url)
    try:
        if stat(name).folder:
            return name
    except FileNotFoundError:
        pass
    except OSError as error:
        raise unreadable(name, error) from error
    raise InputError(f"no such images folder: {name}")


class RemoteImages:
    """The files of a remote images folder.

    Attributes:
        files: each file's relative path and URL, sorted, depth-first.
    """

    def __init__(self, folder: str) -> None:
        """List the folder.

        Raises:
            InputError: it cannot be listed.
        """
        try:
            self._listing = Listing(listed(folder))
        except OSError as error:
            raise InputError(f"{folder}: the folder cannot be listed: {error.strerror}") from error
        self.files = [(file.relative, file.url) for file in self._listing.files]
        urls = [url for _, url in self.files]
        self._sizes: Window[Size | OSError | None] = Window(urls, _sizes_of, lambda _: HEAD_BYTES, keep=True)

    def size(self, url: str) -> Size | None:
        """As `header_size`, of a file of the folder; those of the files that follow are fetched with it.

        Raises:
            InputError: it cannot be read.
        """
        found = self._sizes.at(self._listing.index[url])
        if isinstance(found, OSError):
            raise unreadable(url, found)
        return found


def _sizes_of(urls: Sequence[str]) -> list[Size | OSError | None]:
    return [_size_within(url, head) for url, head in zip(urls, read_heads(urls, HEAD_BYTES), strict=True)]


def _size_within(url: str, head: bytes | OSError) -> Size | OSError | None:
    """The size by the beginning of a file; by more of it where what says so lies beyond."""
    if isinstance(head, OSError):
        return head
    beginning = _Beginning(head)
    found = _size(beginning)
    if len(head) < HEAD_BYTES or not beginning.too_short:
        return found
    try:
        with for_library(url) as opened:
            return _size(opened)
    except OSError as error:
        return error


class _Beginning(io.BytesIO):
    """The first bytes of a file, which knows whether further ones were wanted."""

    def __init__(self, head: bytes) -> None:
        super().__init__(head)
        self.too_short = False
        self._length = len(head)

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self._length + 1 if size is None or size < 0 else size
        self.too_short |= self.tell() + wanted > self._length
        return super().read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        place = super().seek(offset, whence)
        self.too_short |= whence == io.SEEK_END or place > self._length
        return place


def _size(opened: str | BinaryIO, *, turned: bool = True) -> Size | None:
    import imagesize

    width, height = imagesize.get(opened, exif_rotation=turned)
    return (int(width), int(height)) if width >= 1 and height >= 1 else None
