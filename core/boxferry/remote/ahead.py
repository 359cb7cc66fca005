"""Listings of remote folders, whose small files are fetched ahead, many at the same time, as they are read in order."""

from __future__ import annotations

import io
import shutil
import tempfile
import weakref
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from boxferry.remote.storage import open_seekable, open_stream, read, read_many, stat, stat_many
from boxferry.remote.urls import is_url, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

    from boxferry.remote.storage import Found, Stat

T = TypeVar("T")

MOST_FILES = 256  #: that are fetched in one go
MOST_BYTES = 8 << 20  #: of one window; a larger file is a window by itself
SMALL_BYTES = 1 << 20  #: files up to this size are read as a whole, with those that follow them
STAT_BYTES = 256  #: what an answer about a file counts for
UNKNOWN_BYTES = 64 << 10  #: what a file counts for whose size is not known


@dataclass(eq=False)
class Window(Generic[T]):
    """Gives a value for each of many URLs; a miss fetches the values of those that follow too.

    A window grows as long as the URLs are asked for in their order, so that a few that are picked out of many cost
    little more than themselves.

    Attributes:
        urls: in the order in which they are likely asked for.
        fetch: gives the values of some URLs.
        size_of: what the value of the URL at an index counts for, bytes.
        keep: keep all values, not those of one window alone.
    """

    urls: Sequence[str]
    fetch: Callable[[Sequence[str]], list[T]]
    size_of: Callable[[int], int]
    _: KW_ONLY
    keep: bool = False
    _values: dict[int, T] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._end = 0
        self._most = 8

    def at(self, index: int) -> T:
        """The value of the URL at an index."""
        if index not in self._values:
            self._most = min(2 * self._most, MOST_FILES) if index == self._end else max(self._most // 2, 1)
            self._end = self._until(index)
            some = self.urls[index : self._end]
            found = dict(zip(range(index, self._end), self.fetch(some), strict=True))
            self._values = self._values if self.keep else {}
            self._values |= found
        return self._values[index]

    def _until(self, index: int) -> int:
        left, end = MOST_BYTES - self.size_of(index), index + 1
        while end < min(len(self.urls), index + self._most) and (left := left - self.size_of(end)) >= 0:
            end += 1
        return end


class Listing:
    """The files of a remote folder or glob, as they were when it was listed."""

    def __init__(self, files: Sequence[Found]) -> None:
        """Make the files known to `read_ahead` and `known`, for as long as this lives."""
        self.files = files
        self.index = {file.url: index for index, file in enumerate(files)}
        urls = [file.url for file in files]
        self._window = Window(urls, read_many, self._size)
        self._stats: Window[Stat | OSError] = Window(urls, stat_many, lambda _: STAT_BYTES, keep=True)
        _listings.add(self)

    def read(self, index: int) -> bytes:
        """All bytes of a file.

        Raises:
            OSError: it cannot be read.
        """
        found = self._window.at(index)
        if isinstance(found, OSError):
            raise found
        return found

    def stat(self, index: int) -> Stat:
        """What is known of a file; where the listing does not tell it from a later one, its file system is asked.

        Raises:
            OSError: it is not there any more, or it cannot be told.
        """
        if (found := self.files[index].stat).tag or found.time:
            return found
        if isinstance(asked := self._stats.at(index), OSError):
            raise asked
        return asked

    def _size(self, index: int) -> int:
        size = self.files[index].stat.size
        return UNKNOWN_BYTES if size is None else size


_listings: weakref.WeakSet[Listing] = weakref.WeakSet()


def forget(place: object) -> None:
    """Rely no longer on what earlier listings knew of a place that is named anew, or of what lies below it.

    They may be as old as whatever holds them, and its files may have been written since.

    Args:
        place: a URL of a file, a folder or a glob; whatever else it is, nothing is forgotten.
    """
    if not isinstance(place, str) or not is_url(place):
        return
    start = shown(place).partition("*")[0].rstrip("/")
    for listing in list(_listings):
        if any(url.startswith(start) for url in listing.index):
            _listings.discard(listing)


def read_ahead(url: str) -> bytes:
    """All bytes of a file; where it is of a listing, those that follow it are fetched with it.

    Raises:
        OSError: it cannot be read.
    """
    found = _listed(url)
    return read(url) if found is None else found[0].read(found[1])


def open_ahead(url: str) -> BinaryIO:
    """A file, to be read from its start: as `read_ahead` where it is small, else a part at a time.

    Raises:
        OSError: at once or while it is read: it cannot be.
    """
    return io.BytesIO(read_ahead(url)) if _is_small(url) else open_stream(url)


def open_here_and_there(url: str) -> BinaryIO:
    """A file, to be read here and there: by ranges, or out of a temporary copy where its server knows none.

    Raises:
        OSError: it cannot be read.
    """
    if _is_small(url):
        return io.BytesIO(read_ahead(url))
    try:
        return open_seekable(url)
    except io.UnsupportedOperation:
        copy = tempfile.SpooledTemporaryFile(SMALL_BYTES)  # noqa: SIM115 # the caller closes it
        with open_stream(url) as stream:
            shutil.copyfileobj(stream, copy)
        copy.seek(0)
        return cast("BinaryIO", copy)


def known(url: str) -> Stat:
    """What a listing says of a file; else its file system is asked.

    Raises:
        OSError: it is not there, or it cannot be told.
    """
    found = _listed(url)
    return stat(url) if found is None else found[0].stat(found[1])


def _is_small(url: str) -> bool:
    found = _listed(url)
    size = found[0].files[found[1]].stat.size if found else None
    return size is not None and size <= SMALL_BYTES


def _listed(url: str) -> tuple[Listing, int] | None:
    """The listing that a file is of, and its place there."""
    for listing in list(_listings):
        if (index := listing.index.get(url)) is not None:
            return listing, index
    return None
