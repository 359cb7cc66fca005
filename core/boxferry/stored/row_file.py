"""The boxes of many files in a temporary file, so that a directory of any size takes little memory."""

from __future__ import annotations

import tempfile
import threading
import weakref
import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.packets.rows import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.packets.rows import Row


LEVEL = 1  #: rows are mostly names of keys, which the lowest level takes out


class RowFile:
    """Keeps the boxes of files, packed; safe to use from several threads. It goes when nothing holds it any more."""

    def __init__(self) -> None:
        """Begin; a file is made when there is something to keep."""
        self._lock = threading.Lock()
        self._places: dict[int, tuple[int, int]] = {}
        self._end = 0

    def __contains__(self, file_id: int) -> bool:
        return file_id in self._places

    def put(self, file_id: int, boxes: Sequence[Row]) -> None:
        """Keep the boxes of a file, fields without a value left out, in place of those that were kept before."""
        found = [row.filled for row in boxes]
        data = zlib.compress(msgspec.json.encode(found), LEVEL) if found else b""
        with self._lock:
            self._places[file_id] = (self._end, len(data))
            if data:
                stream = self._stream()
                stream.seek(self._end)
                self._end += stream.write(data)

    def get(self, file_id: int) -> list[Row] | None:
        """The boxes of a file; None where none were kept."""
        with self._lock:
            start, length = self._places.get(file_id, (0, -1))
            if length <= 0:
                return [] if length == 0 else None
            stream = self._stream()
            stream.seek(start)
            data = stream.read(length)
        return rows(msgspec.json.decode(zlib.decompress(data)))

    def drop(self, file_id: int) -> None:
        """Forget the boxes of a file."""
        with self._lock:
            self._places.pop(file_id, None)

    def _stream(self) -> Any:  # noqa: ANN401 # the type is private to tempfile
        if not hasattr(self, "_opened"):
            self._opened = tempfile.TemporaryFile()  # noqa: SIM115 # closed when this goes
            weakref.finalize(self, self._opened.close)
        return self._opened
