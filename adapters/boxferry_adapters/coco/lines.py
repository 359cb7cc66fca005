"""Results that stand one JSON object a line (NDJSON), as one JSON list."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO


def is_lines(head: bytes) -> bool:
    """Whether a text (UTF-8, no byte-order mark) begins with a line that is one result: an object with an image_id."""
    line = head.lstrip().partition(b"\n")[0]
    try:
        value = json.loads(line) if line.startswith(b"{") else None
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "image_id" in value


class LinesAsList(io.RawIOBase):
    """A stream of lines, read as the JSON list of them; blank lines do not count."""

    def __init__(self, stream: BinaryIO) -> None:
        """Take the stream over."""
        self._stream = stream
        self._between = b"["
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """Some whole lines, of about `size` bytes, as items of the list; empty at the end."""
        while not self._ended:
            lines = self._stream.readlines(max(size, 1))
            items = [line.strip().removeprefix(b"\xef\xbb\xbf") for line in lines]
            text = b"".join(self._separated(item) for item in items if item)
            if not lines:
                self._ended = True
                return b"[]" if self._between == b"[" else b"]"
            if text:
                return text
        return b""

    def _separated(self, item: bytes) -> bytes:
        before, self._between = self._between, b","
        return before + item

    def close(self) -> None:
        """Close the stream beneath."""
        self._stream.close()
        super().close()
