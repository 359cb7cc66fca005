"""Walks a JSON text of any size without holding it: its lists come in pieces, cut where a cut is provably right."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import msgspec

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_BYTES = 1 << 20
LARGEST_VALUE = 1 << 28  #: bytes of one item, or of one value that is no list
CUT_BYTES = 1 << 16  #: at the end of a piece, in which a place between two items is looked for
LONGEST_INT = 300  #: digits; a longer one is a float, perhaps infinite: int() refuses thousands of digits
_BETWEEN_ITEMS = re.compile(rb"\}\s*,\s*(?=\{)")
_AFTER_ITEMS = re.compile(rb"\}\s*\]")
_SPACE = b" \t\r\n"
_BLANK = re.compile(r"[ \t\r\n]*")
_AFTER_ITEM = re.compile(r"[ \t\r\n]*([,\]])")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INT else float(digits)


_loose = json.JSONDecoder(parse_int=_integer)
_values = msgspec.json.Decoder(list[Any])


class ListDecoder(Protocol):
    """As `msgspec.json.Decoder(list[…])`."""

    def decode(self, text: bytes, /) -> Any:  # noqa: ANN401 # a list, or what stands for one and has its length
        """The items of a JSON list; a `msgspec.DecodeError` where it is none of the wanted kind."""
        ...


class Scanner:
    """A cursor in a stream of JSON."""

    def __init__(self, stream: BinaryIO, name: str, *, piece_bytes: int = PIECE_BYTES) -> None:
        """Begin at the stream's position.

        Args:
            stream: the JSON text, UTF-8, with or without a byte-order mark.
            name: the source's name, for messages.
            piece_bytes: how much is read at once.
        """
        self._stream = stream
        self._name = name
        self._piece_bytes = piece_bytes
        self._buffer = b""
        self._consumed = 0
        self._ended = False
        self._more()
        if self._buffer.startswith(b"\xef\xbb\xbf"):
            self._drop(3)

    def _more(self) -> bool:
        """Read on; False where the stream has ended."""
        block = self._stream.read(max(self._piece_bytes, len(self._buffer)))
        self._ended = not block
        self._buffer += block
        return not self._ended

    def _drop(self, count: int) -> None:
        self._consumed += count
        self._buffer = self._buffer[count:]

    def error(self, problem: str) -> InputError:
        """An error at the cursor."""
        return InputError(f"{self._name}: {problem} at byte {self._consumed}")

    def _malformed(self) -> InputError:
        """An error at the place in the buffer where the JSON goes wrong."""
        text = (b"[" + self._buffer).decode("utf-8", "surrogateescape")
        try:
            _loose.raw_decode(text)
        except json.JSONDecodeError as error:
            self._drop(len(text[: error.pos].encode("utf-8", "surrogateescape")) - 1)
        except RecursionError:
            return self.error("JSON nested too deep")
        return self.error("malformed JSON, or an item too large,")

    def end(self) -> None:
        """See that nothing follows.

        Raises:
            InputError: something does.
        """
        if self.peek():
            raise self.error("unexpected text after the end of the JSON")

    def peek(self) -> bytes:
        """The next character that is no space, not consumed; empty at the end."""
        while True:
            rest = self._buffer.lstrip(_SPACE)
            self._drop(len(self._buffer) - len(rest))
            if rest or not self._more():
                return rest[:1]

    def take(self, expected: bytes) -> None:
        """Consume one character.

        Raises:
            InputError: another one stands there.
        """
        found = self.peek()
        if found != expected:
            shown = f"'{found.decode('utf-8', 'replace')}'" if found else "the end"
            raise self.error(f"malformed JSON: expected '{expected.decode()}', found {shown}")
        self._drop(1)

    def value(self) -> Any:  # noqa: ANN401 # any JSON value
        """Consume one whole value and give it.

        Raises:
            InputError: it is malformed or too large.
        """
        self.peek()
        while (found := self._loosely(self._buffer)) is None or (found[1] == len(self._buffer) and not self._ended):
            if len(self._buffer) > LARGEST_VALUE or not self._more():
                if found is not None:
                    break
                raise self._malformed()
        self._drop(found[1])
        return found[0]

    @staticmethod
    def _loosely(text: bytes) -> tuple[Any, int] | None:
        """The value that a text begins with, NaN and Infinity allowed, and its end; None where it is not whole."""
        decoded = text.decode("utf-8", "surrogateescape")
        try:
            value, end = _loose.raw_decode(decoded)
        except (ValueError, RecursionError):
            return None
        return value, len(decoded[:end].encode("utf-8", "surrogateescape"))

    def object_keys(self) -> Iterator[str]:
        """Each key of the object at the cursor; the caller consumes its value before it asks for the next."""
        self.take(b"{")
        while self.peek() != b"}":
            key = self.value()
            if not isinstance(key, str):
                raise self.error("malformed JSON: a key that is no text")
            self.take(b":")
            yield key
            if self.peek() != b"}":
                self.take(b",")
        self.take(b"}")

    def items(self, decoder: ListDecoder) -> Iterator[tuple[Any, bool]]:
        """The items of the list at the cursor, consumed piece by piece.

        Each piece comes with whether the decoder took it; the items of one that it did not take are plain values.
        """
        self.take(b"[")
        ended = self.peek() == b"]"
        while not ended:
            piece, typed, ended = self._piece(decoder)
            yield piece, typed
            if not ended:
                self.take(b",")
        self.take(b"]")

    def _piece(self, decoder: ListDecoder) -> tuple[Any, bool, bool]:
        """Some items, whether they are typed, and whether they are the list's last."""
        while True:
            if len(self._buffer) < self._piece_bytes and not self._ended:
                self._more()
            cut = self._likely_cut()
            if cut and (found := self._typed(decoder, cut)) is not None:
                self._drop(cut)
                return found, True, False
            if (end := self._likely_end()) and (found := self._typed(decoder, end)) is not None:
                self._drop(end)
                return found, True, True
            values, end, ended = self._walk()
            if values:
                found = self._typed(decoder, end)
                self._drop(end)
                return (values, False, ended) if found is None else (found, True, ended)
            if self._ended or len(self._buffer) > LARGEST_VALUE:
                raise self._malformed()
            self._more()

    def _likely_cut(self) -> int:
        """Where the last item ends that seems to be whole; 0 where none does."""
        cut = 0
        for match in _BETWEEN_ITEMS.finditer(self._buffer, max(0, len(self._buffer) - CUT_BYTES)):
            cut = match.start() + 1
        return cut

    def _likely_end(self) -> int:
        """Where the list's last item seems to end, before the first bracket that closes after one; 0 for none."""
        match = _AFTER_ITEMS.search(self._buffer)
        return match.start() + 1 if match else 0

    def _typed(self, decoder: ListDecoder, cut: int) -> Any:  # noqa: ANN401 # None where they do not
        """The items before a cut: that they decode as a whole list proves the cut right; else None."""
        try:
            return decoder.decode(b"".join((b"[", memoryview(self._buffer)[:cut], b"]")))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _walk(self) -> tuple[list[Any], int, bool]:
        """The whole items in the buffer one by one, in bytes where the last of them ends, and whether the list does."""
        text = self._buffer.decode("utf-8", "surrogateescape")
        values, at, end, after = [], 0, 0, ","
        while after == ",":
            try:
                value, at = _loose.raw_decode(text, _end_of_blank(text, at))
            except (ValueError, RecursionError):
                break
            if (match := _AFTER_ITEM.match(text, at)) is None:
                break  # it may go on in the next block: 1, 12, 123
            values.append(value)
            end, at, after = at, match.end(), match[1]
        return values, len(text[:end].encode("utf-8", "surrogateescape")), after == "]"


def _end_of_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def values_of(stream: BinaryIO, name: str) -> Iterator[Any]:
    """The values that a text holds: the items of a list, or one value after another, as lines of JSON are.

    Raises:
        InputError: it is malformed.
    """
    scanner = Scanner(stream, name)
    if scanner.peek() == b"[":
        for items, _ in scanner.items(_values):
            yield from items
        scanner.end()
        return
    while scanner.peek():
        yield scanner.value()
