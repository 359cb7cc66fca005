"""The values of a box out of what a file holds: numbers, scores, tracks, labels, outlines."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.parsing.gather import BadBox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Corners = tuple[float, float, float, float]
    Ring = NDArray[np.float64]  # (K, 2) x and y in pixels

TRACK = "track_id"  #: the attribute in which formats without tracks hold the track of a box, as CVAT does
LARGEST = 1e9  #: of a coordinate in pixels; more is a broken file's
LARGEST_WHOLE = 2**31 - 1  #: of frames, tracks and sizes
SHOWN = 60
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)  #: a finite number in text
ELLIPSE_CORNERS = 32


def number(value: object, what: str) -> float:
    """A finite number, out of a number or its text.

    Raises:
        BadBox: it is not such a number, or is too large.
    """
    try:
        found = math.nan if isinstance(value, bool) or "_" in str(value)[:1000] else float(value)  # type: ignore[arg-type] # what is no number raises
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not abs(found) <= LARGEST:
        raise BadBox(f"{what}: expected a number, found {shown(value)}")
    return found


def score_of(value: object, what: str = "score") -> float:
    """A score: NaN where it is None or an empty text.

    Raises:
        BadBox: it is no number.
    """
    return math.nan if value is None or value == "" else number(value, what)


def whole(value: object) -> int:
    """A size, a frame or an id as a whole number from 0; 0 where it is not a number."""
    try:
        found = 0.0 if isinstance(value, bool) else float(value)  # type: ignore[arg-type] # what is no number raises
    except (TypeError, ValueError, OverflowError):
        return 0
    return int(found) if 0 <= found <= LARGEST_WHOLE else 0


def track_of(value: object) -> int:
    """The track that an attribute `track_id` says, as a number or its text; -1 where it is no whole number from 0."""
    if value is None:
        return -1
    try:
        found = number(value, TRACK)
    except BadBox:
        return -1
    return -1 if found < 0 or found % 1 else int(found)


def is_field(value: object) -> bool:
    """Whether a further field of a box can be kept: text, a number, a bool, or a list of texts."""
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, str | int | float | bool)


def label_of(value: object, what: str = "label") -> str:
    """A label's name, its blanks made single ones.

    Raises:
        BadBox: it is no text, or is empty.
    """
    if not isinstance(value, str) or not value.strip():
        raise BadBox(f"{what}: expected a name, found {shown(value)}")
    return " ".join(value.split())


def ring_of(points: Iterable[Any], what: str, scale: tuple[float, float] = (1.0, 1.0)) -> Ring:
    """(K, 2) x and y of three points or more, each a pair, multiplied by `scale`.

    Raises:
        BadBox: they are fewer, or not pairs of numbers.
    """
    found = []
    for point in points if isinstance(points, list | tuple) else ():
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise BadBox(f"{what}: expected points [x, y], found {shown(point)}")
        found.append((number(point[0], what) * scale[0], number(point[1], what) * scale[1]))
    if len(found) < 3:
        raise BadBox(f"{what}: expected three points or more, found {len(found)}")
    return np.array(found, np.float64)


def flat_ring(numbers: Any, what: str, scale: tuple[float, float] = (1.0, 1.0)) -> Ring:  # noqa: ANN401 # any JSON value
    """As `ring_of`, of x1, y1, x2, y2, ….

    Raises:
        BadBox: as there, or their number is odd.
    """
    if not isinstance(numbers, list | tuple) or len(numbers) % 2:
        raise BadBox(f"{what}: expected x1, y1, x2, y2, x3, y3, …, found {shown(numbers)}")
    return ring_of(list(zip(numbers[::2], numbers[1::2], strict=True)), what, scale)


def turned(corners: Corners, degrees: float, about: tuple[float, float]) -> Ring:
    """(4, 2) the corners of a box that is turned clockwise, as the image is seen, about a point."""
    left, top, right, bottom = corners
    moved = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64) - about
    return _turned(moved, degrees, about)


def ellipse(centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0.0) -> Ring:
    """(32, 2) the corners of what stands for an ellipse that is turned clockwise about its centre."""
    angles = np.arange(ELLIPSE_CORNERS) * (2 * math.pi / ELLIPSE_CORNERS)
    return _turned(np.column_stack((np.cos(angles) * radii[0], np.sin(angles) * radii[1])), degrees, centre)


def _turned(points: Ring, degrees: float, about: tuple[float, float]) -> Ring:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    ring: Ring = points @ np.array([[cos, sin], [-sin, cos]]) + about
    return ring


def shown(value: object) -> str:
    """A value as messages show it: its JSON, cut off where it is long."""
    try:
        text = msgspec.json.encode(value).decode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
