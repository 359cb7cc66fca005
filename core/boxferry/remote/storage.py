"""What a file system behind a URL is asked, through fsspec; whatever goes wrong is an OSError with one clause."""

from __future__ import annotations

import errno
import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from boxferry.errors import BoxferryError, InputError, UsageError
from boxferry.remote.urls import full, is_http, joined, scheme, shown, without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

T = TypeVar("T")

BLOCK_BYTES = 4 << 20  #: that one request asks for, where a file is read from end to end
SEEK_BYTES = 64 << 10  #: where it is read here and there
CONNECTIONS = 16  #: at once, for file systems that fsspec does not run concurrently by itself
TAGS = ("ETag", "etag", "md5Hash", "md5", "content_md5", "Content-MD5", "oid", "blob_id", "version_aware_id")
TIMES = ("LastModified", "last_modified", "Last-Modified", "updated", "mtime", "modified", "created")
INSTALL = "pip install '.[remote]'"
AT_ONCE = 64  #: requests in flight, for file systems that fsspec runs concurrently
SHOWN_SIGNS = 200
MISSING = {404, 410}
ANSWERS = {401: "access is denied (401)", 403: "access is denied (403)"}


class Stat(NamedTuple):
    """What a file system says of a file or folder.

    Attributes:
        folder: whether it is a folder.
        size: bytes; None where it is not known.
        tag: what changes with the content (an ETag or a checksum); empty where there is none.
        time: when it was written; likewise.
    """

    folder: bool = False
    size: int | None = None
    tag: str = ""
    time: str = ""


class Found(NamedTuple):
    """A file of a listing: its path below the folder, its URL without secrets, and what is known of it."""

    relative: str
    url: str
    stat: Stat


class Place(NamedTuple):
    """A URL, with the file system that it is of and the path in it.

    Attributes:
        fs: of fsspec's, which has no types.
    """

    url: str
    fs: Any
    path: str

    @property
    def is_web(self) -> bool:
        """Whether fsspec's own client of web servers is asked."""
        return is_http(self.url) and self.is_concurrent

    @property
    def is_concurrent(self) -> bool:
        """Whether many requests can be made at the same time, from threads too."""
        return bool(getattr(self.fs, "async_impl", False))


def stat(url: str) -> Stat:
    """What is at a URL.

    Raises:
        OSError: nothing is, or it cannot be told.
    """
    with _translated(url):
        return _stat_at(_place(url))


def stat_many(urls: Sequence[str]) -> list[Stat | OSError]:
    """As `stat`, of several files at the same time; an error stands in the place of a file."""
    return _each(_stat_at, urls)


def listed(folder: str) -> list[Found]:
    """Every file below a folder, sorted, depth-first; names that begin with a dot are left out.

    Raises:
        OSError: it cannot be listed.
    """
    if is_http(folder) and "?" in full(folder):
        raise OSError(errno.EINVAL, "a folder's URL cannot have a query", shown(folder))
    with _translated(folder):
        place = _place(joined(folder, "") if is_http(folder) and not folder.endswith("/") else folder)
        return _sorted(place.path, folder, place.fs.find(place.path, detail=True))


def matching(pattern: str, root: str) -> list[Found]:
    """The files that a glob means, relative to `root`; a folder that it means stands for all files below it.

    Raises:
        OSError: they cannot be listed.
    """
    with _translated(pattern):
        place = _place(pattern)
        found = dict(place.fs.glob(place.path, detail=True))
        for name, info in list(found.items()):
            if info.get("type") == "directory":
                found |= place.fs.find(name, detail=True)
        return _sorted(_place(root).path, root, found)


def read(url: str) -> bytes:
    """All bytes of a file.

    Raises:
        OSError: it cannot be read.
    """
    with open_stream(url) as stream:
        return stream.read()


def read_many(urls: Sequence[str]) -> list[bytes | OSError]:
    """All bytes of each of several small files, fetched at the same time; an error stands in the place of a file."""
    return _ranges(urls, None) or _each(lambda place: read(place.url), urls)


def read_heads(urls: Sequence[str], count: int) -> list[bytes | OSError]:
    """The first `count` bytes of each of several files, at the same time; no more of a file is fetched than that.

    A web server that knows no ranges sends the file from its start: the connection is closed after so many bytes.
    """
    found = [] if is_http(urls[0]) else _ranges(urls, count)
    return found or _each(lambda place: _head(place, count), urls)


def _ranges(urls: Sequence[str], end: int | None) -> list[bytes | OSError]:
    """The beginnings of files, by fsspec's concurrency; nothing where the file system has none."""
    with _translated(urls[0]):
        places = [_place(url) for url in urls]
        if not places[0].is_concurrent:
            return []
        start, paths = None if end is None else 0, [place.path for place in places]
        found = places[0].fs.cat_ranges(paths, start, end, on_error="return", batch_size=AT_ONCE)
    return [_error(each, url) if isinstance(each, Exception) else each for each, url in zip(found, urls, strict=True)]


def _each(function: Callable[[Place], T], urls: Sequence[str]) -> list[T | OSError]:
    """What the function gives for each URL, at the same time where that can be; an error stands in its place.

    All threads share one file system: each of its own would keep its connections for good.
    """
    with _translated(urls[0]):
        places = [_place(url) for url in urls]
    if len(places) == 1 or not places[0].is_concurrent:
        return [_or_error(function, place) for place in places]
    with ThreadPoolExecutor(min(CONNECTIONS, len(places))) as pool:
        return list(pool.map(lambda place: _or_error(function, place), places))


def _or_error(function: Callable[[Place], T], place: Place) -> T | OSError:
    try:
        with _translated(place.url):
            return function(place)
    except OSError as error:
        return error


def open_stream(url: str) -> BinaryIO:
    """A file, to be read from its start to its end; a part of it is in memory at a time.

    Raises:
        OSError: at once or while it is read: it cannot be.
    """
    with _translated(url):
        place = _place(url)
        one_request = {"block_size": 0, "size": 1}  # with ranges or without: the size is not asked for
        options = one_request if place.is_web else {"block_size": BLOCK_BYTES, "cache_type": "readahead"}
        return _buffered(place.fs.open(place.path, "rb", **options), url)


def open_seekable(url: str) -> BinaryIO:
    """A file, to be read here and there by ranges.

    Raises:
        OSError: it cannot be opened; or, as io.UnsupportedOperation, a server knows no ranges.
    """
    with _translated(url):
        place = _place(url)
        file = place.fs.open(place.path, "rb", block_size=SEEK_BYTES, cache_type="readahead")
        if not file.seekable() or (place.is_web and not _knows_ranges(file)):
            file.close()
            raise io.UnsupportedOperation(errno.ESPIPE, "the server knows no ranges")
        return _buffered(file, url, SEEK_BYTES)


def _knows_ranges(file: Any) -> bool:  # noqa: ANN401 # fsspec has no types
    """Whether a web server gives a part of a file; not all that do say so beforehand, nor all that say so do."""
    try:
        file.seek(1)
        file.read(1)
        file.seek(0)
    except ValueError:
        return False
    return True


def _stat_at(place: Place) -> Stat:
    if is_http(place.url) and urlsplit(place.path).path.endswith("/"):
        return Stat(folder=True)
    info = place.fs.info(place.path)
    folder = is_http(place.url) and urlsplit(str(info.get("url", ""))).path.endswith("/")  # the server added the slash
    return Stat(folder=True) if folder else _stat(info)


def _head(place: Place, count: int) -> bytes:
    if place.is_web:
        options: dict[str, Any] = {"block_size": 0, "size": 1, "headers": {"Range": f"bytes=0-{count - 1}"}}
    else:
        options = {"block_size": count, "cache_type": "none"}
    with place.fs.open(place.path, "rb", **options) as file:
        parts: list[bytes] = []
        while (left := count - sum(map(len, parts))) > 0 and (part := file.read(left)):
            parts.append(part)
        return b"".join(parts)[:count]


def _place(url: str) -> Place:
    """The file system that a URL is of, and the path in it.

    Raises:
        UsageError: what is needed for it is not installed.
        InputError: fsspec does not know such URLs.
    """
    try:
        import fsspec
    except ImportError:
        raise UsageError(f"{shown(url)}: a URL needs the extra 'remote': {INSTALL}") from None
    protocol = scheme(url)
    configured = fsspec.config.conf.get(protocol, {})  # pyright: ignore[reportAttributeAccessIssue] # it is imported
    uncached = {} if "::" in url or "use_listings_cache" in configured else {"use_listings_cache": False}
    try:
        fs, path = fsspec.url_to_fs(full(url), **uncached)
    except ImportError as error:
        raise UsageError(f"{shown(url)}: {_first_line(error)}; {INSTALL} brings what s3:// and https:// need") from None
    except ValueError as error:
        raise InputError(f"{shown(url)}: {_first_line(error)}") from None
    return Place(url, fs, path)


def _stat(info: dict[str, Any]) -> Stat:
    return Stat(
        folder=info.get("type") == "directory",
        size=None if info.get("size") is None else int(info["size"]),
        tag=next((str(info[key]).strip('"') for key in TAGS if info.get(key)), ""),
        time=next((_time(info[key]) for key in TIMES if info.get(key)), ""),
    )


def _time(value: Any) -> str:  # noqa: ANN401 # a datetime, a number, or a text, as a file system likes
    """A time as text: file systems give it in one form in a listing, and in another for a file."""
    seconds = value.timestamp() if isinstance(value, datetime) else value
    return f"{seconds:.3f}" if isinstance(seconds, int | float) else str(seconds)


def _sorted(path: str, folder: str, found: dict[str, dict[str, Any]]) -> list[Found]:
    """A listing, with paths below `path`, which is that of the URL `folder`."""
    web = is_http(folder)
    root = path.rstrip("/") + "/"
    files = []
    for name, info in found.items():
        relative = name.removeprefix(root)
        if info.get("type") == "directory" or not name.startswith(root) or relative.endswith("/") or not relative:
            continue
        if web and ("?" in relative or "#" in relative):  # the headings of a listing, by which it is sorted
            continue
        parts = unquote(relative) if web else relative
        if not any(part.startswith(".") for part in parts.split("/")):
            files.append(Found(parts, joined(shown(folder), relative), _stat(info)))
    return sorted(files, key=lambda each: each.relative.split("/"))


class _Remote(io.RawIOBase):
    """A file of fsspec's, whose errors are OSErrors without secrets."""

    def __init__(self, file: Any, url: str) -> None:  # noqa: ANN401 # fsspec has no types
        self._file, self._url = file, url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 # whatever can be written into
        view = memoryview(buffer).cast("B")
        with _translated(self._url):
            data = self._file.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        with _translated(self._url):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _buffered(file: Any, url: str, size: int = 256 << 10) -> BinaryIO:  # noqa: ANN401 # fsspec has no types
    return io.BufferedReader(_Remote(file, url), size)


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Whatever a provider's library raises, as an OSError."""
    try:
        yield
    except (BoxferryError, io.UnsupportedOperation):
        raise
    except Exception as error:  # noqa: BLE001 # each provider's library has errors of its own
        raise _error(error, url) from None


def _error(error: Exception, url: str) -> OSError:
    """An error as an OSError whose `strerror` is one clause, and names no secret."""
    status = next((code for each in (error, error.__cause__) if (code := getattr(each, "status", None))), None)
    if isinstance(status, int) and status not in MISSING:
        return OSError(errno.EIO, ANSWERS.get(status, f"the server answered {status}"), shown(url))
    if isinstance(error, FileNotFoundError) and is_http(url) and status is None and error.__cause__:
        return OSError(errno.EIO, f"the server cannot be reached: {_first_line(error.__cause__)}", shown(url))
    if isinstance(error, FileNotFoundError) or status in MISSING:
        return FileNotFoundError(errno.ENOENT, "no such file", shown(url))
    if isinstance(error, PermissionError):
        return PermissionError(errno.EACCES, f"access is denied: {_first_line(error)}", shown(url))
    return OSError(errno.EIO, _first_line(error), shown(url))


def _first_line(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return without_secrets(str(text).partition("\n")[0])[:SHOWN_SIGNS]
