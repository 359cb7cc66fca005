"""The body of an upload, read from the file while it is sent; every attempt reads it from the start."""

from __future__ import annotations

import io
import os
import secrets
from typing import IO, TYPE_CHECKING

from urllib3.fields import RequestField

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 256 * 1024


class UnreadableError(Exception):
    """The file could not be read while it was being sent.

    It is no OSError: the network layer would take that for a fault of the connection.
    """


class Multipart:
    """A part `file` and a part `json`; its length is known beforehand, and iterating gives its blocks.

    Attributes:
        content_type: the header that goes with it.
    """

    def __init__(self, name: str, data: IO[bytes] | bytes, fields: bytes) -> None:
        """Prepare; of `data`, what follows its present position is sent.

        Raises:
            OSError: the length of `data` cannot be told.
        """
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        file, json = _header("file", name, "application/octet-stream"), _header("json", None, "application/json")
        self._head = f"--{boundary}\r\n{file}".encode()
        self._tail = f"\r\n--{boundary}\r\n{json}".encode() + fields + f"\r\n--{boundary}--\r\n".encode()
        self._data = io.BytesIO(data) if isinstance(data, bytes) else data
        self._start = self._data.tell()
        self._size = self._data.seek(0, os.SEEK_END) - self._start

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        try:
            yield from self._blocks()
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from None
        yield self._tail

    def _blocks(self) -> Iterator[bytes]:
        """The file's bytes: exactly as many as were announced, so that a file that grows does no harm."""
        self._data.seek(self._start)
        left = self._size
        while left:
            block = self._data.read(min(BLOCK, left))
            if not block:
                raise UnreadableError("it became shorter meanwhile")
            left -= len(block)
            yield block


def _header(part: str, name: str | None, content_type: str) -> str:
    field = RequestField(part, b"", filename=name)
    field.make_multipart(content_type=content_type)
    return field.render_headers()
