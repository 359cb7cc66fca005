"""JSON in UTF-16, which Windows tools write, as UTF-8."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

    from boxferry.formats import Source

MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BLOCK_BYTES = 256 * 1024


def utf8_head(head: bytes) -> bytes:
    """The beginning of a JSON text in UTF-8, without a byte-order mark."""
    if (encoding := _wide(head)) is not None:
        head = head[: len(head) // 2 * 2].decode(encoding, "ignore").encode("utf-8", "ignore")
    return head.removeprefix(codecs.BOM_UTF8)


def utf8_stream(source: Source) -> BinaryIO:
    """A JSON text as UTF-8, from the start.

    Raises:
        InputError: while it is read: it begins as UTF-16 and goes on as something else.
    """
    encoding = _wide(source.head)
    stream = source.open()
    return stream if encoding is None else io.BufferedReader(_Recoded(stream, encoding, source.name), BLOCK_BYTES)


def _wide(head: bytes) -> str | None:
    """UTF-16 by its byte-order mark, or by the zero byte that the first sign of a JSON text then has."""
    if head.startswith(MARKS):
        return "utf-16"
    if len(head) > 1 and 0 in head[:2] and head[:2] != b"\0\0":
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return None


class _Recoded(io.RawIOBase):
    """A stream of UTF-16, read as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str, name: str) -> None:
        self._stream, self._name = stream, name
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._left = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self._left and not self._ended:
            block = self._stream.read(len(view))
            self._ended = not block
            self._left = self._decoded(block)
        count = min(len(view), len(self._left))
        view[:count], self._left = self._left[:count], self._left[count:]
        return count

    def _decoded(self, block: bytes) -> bytes:
        try:
            return self._decoder.decode(block, final=self._ended).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise InputError(f"{self._name}: begins as UTF-16 and cannot be decoded as such") from None

    def close(self) -> None:
        self._stream.close()
        super().close()
