"""Results or a dataset that are still in memory, as evaluation scripts hold them: read as their JSON text."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Source

HEAD_BYTES = 64 * 1024
NEEDED = {"image_id", "category_id"}


def holds_items(value: object) -> bool:
    """Whether it is a list or a stream of results, or a dataset as a dict."""
    if isinstance(value, Mapping):
        return "annotations" in value and isinstance(value["annotations"], list)
    peek = getattr(value, "peek", None)
    first = peek() if peek else value[0] if isinstance(value, list | tuple) and value else None
    return isinstance(first, Mapping) and set(first) >= NEEDED


class MemorySource:
    """The JSON text of what was handed over; satisfies `formats.Source`."""

    value = None
    is_stream = True

    def __init__(self, source: Source) -> None:
        """Stand for what a source holds in memory."""
        self.name = source.name
        self._value = source.value

    @cached_property
    def _text(self) -> bytes:
        value = self._value
        if not isinstance(value, Mapping):
            value = list(value) if isinstance(value, Iterable) else value
        try:
            return json.dumps(value, default=_plain).encode("utf-8", "surrogatepass")
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"{self.name}: not as COCO's JSON has it: {error}") from None

    @property
    def head(self) -> bytes:
        """The beginning of the text."""
        return self._text[:HEAD_BYTES]

    def open(self) -> BinaryIO:
        """The text, from the start."""
        return io.BytesIO(self._text)

    def files(self, *suffixes: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002 # there are none
        """No files."""
        return iter(())

    def each(self, *suffixes: str) -> Iterator[tuple[str, Source]]:  # noqa: ARG002 # it is one
        """Itself."""
        yield self.name, self


def _plain(value: Any) -> Any:  # noqa: ANN401 # a number of numpy or torch, an array, bytes
    """What JSON knows in place of what it does not: numbers and arrays of numpy and torch, bytes of masks."""
    if isinstance(value, bytes):
        return value.decode("ascii", "replace")
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is neither a number nor a text nor a list of these")
