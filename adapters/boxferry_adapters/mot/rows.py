"""Rows of numbers out of a file's lines, each with its line; every line that is no row gets a reason."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from boxferry.parsing.gather import BadBox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

ROW = np.dtype([
    ("line", "f8"),  # where it stands, from 1
    ("frame", "f8"),  # as in the file, whole
    ("track", "f8"),  # whole, -1 for none
    ("box", "f8", 4),  # left, top, width, height in pixels, the first one being 1
    ("value", "f8"),  # the seventh column, a score or a flag; NaN where there is none
    ("class_id", "f8"),  # the eighth, -1 where there is none; whole where it is a class
    ("visibility", "f8"),  # the ninth, -1 where there is none
])  # fmt: skip
ABSENT = (math.nan, -1.0, -1.0)  #: the last three where the row is shorter
FEWEST, MOST = 6, 10  #: columns
LARGEST_WHOLE = 2**53  #: beyond it a number in text need not be the one that was meant
SHOWN = 60
EXPECTED = "expected frame,id,x,y,w,h and perhaps score, class and more"


@dataclass(slots=True)
class Rows:
    """What a file holds.

    Attributes:
        good: (N,) records as `ROW` says.
        bad: (line, what is wrong) of every line that is no row.
    """

    good: NDArray[np.void] = field(default_factory=lambda: np.empty(0, ROW))
    bad: list[tuple[int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """All of them, good and bad."""
        return len(self.good) + len(self.bad)


def parse(lines: Iterable[str]) -> Rows:
    """The rows of a file; blank lines are passed over."""
    numbers, bad = array("d"), []
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            numbers.extend((line, *_row(text)))
        except BadBox as error:
            bad.append((line, str(error)))
    return Rows(np.array(numbers).view(ROW), bad)


def looks_like_row(text: str) -> bool:
    """Whether a line is a row."""
    try:
        _row(text)
    except BadBox:
        return False
    return True


def _row(text: str) -> list[float]:
    """The first nine numbers of a line."""
    numbers = _numbers(text)
    if not FEWEST <= len(numbers) <= MOST:
        raise BadBox(f"{len(numbers)} columns with commas between them in '{_shown(text)}'; {EXPECTED}")
    _check_whole("frame", numbers[0], least=0)
    _check_whole("id", numbers[1], least=-1)
    if numbers[4] < 0 or numbers[5] < 0:
        raise BadBox(f"width and height cannot be negative, found {numbers[4]:g} and {numbers[5]:g}")
    return [*numbers[:9], *ABSENT[max(0, len(numbers) - FEWEST) :]]


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(token) for token in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)) or "_" in text or not text.isascii():  # float() takes '1_0' and the like
        raise BadBox(f"a column of '{_shown(text)}' is not a number; {EXPECTED}")
    return numbers


def _check_whole(name: str, number: float, *, least: int) -> None:
    if number % 1 or not least <= number <= LARGEST_WHOLE:
        raise BadBox(f"{name} {number:g}; expected a whole number from {least}")


def _shown(text: str) -> str:
    return text.strip()[:SHOWN]
