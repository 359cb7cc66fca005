"""Numbers at the beginning of rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CORNERS = 8  #: numbers, x and y of each
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def numbers_of(words: Iterable[str]) -> list[float] | None:
    """The numbers that all words are, or None."""
    words = list(words)
    return [float(word) for word in words] if all(map(NUMBER.fullmatch, words)) else None
