"""RemoteUpload: a remote file that is fetched while it is sent on, as often as it is sent."""

from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING, cast

from boxferry.remote.ahead import open_here_and_there
from boxferry.remote.storage import open_stream, stat

if TYPE_CHECKING:
    import hashlib
    from typing import BinaryIO

    from _typeshed import WriteableBuffer


class RemoteUpload(io.RawIOBase):
    """A file at a URL, of a length that is known; it is fetched from its start at the first read after each `seek`."""

    def __init__(self, url: str, size: int, digest: hashlib.blake2b) -> None:
        """Stand before the file; nothing is fetched yet."""
        self._url, self._size, self._empty = url, size, digest
        self._digest = digest.copy()
        self._place = 0
        self._stream: BinaryIO | None = None

    @classmethod
    def opened(cls, url: str, digest: hashlib.blake2b) -> BinaryIO:
        """The file at a URL; where its server does not tell its length, a temporary copy.

        Args:
            url: where it is.
            digest: what its bytes are put into as they are read.

        Raises:
            OSError: it is not there, or cannot be read.
        """
        size = stat(url).size
        return open_here_and_there(url) if size is None else cast("BinaryIO", cls(url, size, digest))

    def digest(self) -> str:
        """Of the bytes of the last pass, hexadecimal; empty where it did not come to the end."""
        return self._digest.hexdigest() if self._place == self._size else ""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """To its start and to its end, which is enough to measure it and to send it again."""
        return True

    def tell(self) -> int:
        """How many bytes were read."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to the start or the end.

        Raises:
            OSError: another place is wanted.
        """
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        if place not in {0, self._place, self._size}:
            raise OSError(errno.ESPIPE, "a remote file is read from its start")
        if place != self._place:
            self._stop()
            self._digest = self._empty.copy()
            self._place = place
        return place

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read on.

        Raises:
            OSError: it cannot be read.
        """
        if self._place and self._stream is None:
            return 0  # at the end
        if self._stream is None:
            self._stream = open_stream(self._url)
        count: int = self._stream.readinto(buffer)  # type: ignore[attr-defined] # a buffered reader
        self._digest.update(memoryview(buffer).cast("B")[:count])
        self._place += count
        return count

    def close(self) -> None:
        """Let go of the connection."""
        self._stop()
        super().close()

    def _stop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
