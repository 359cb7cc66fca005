"""Masks to outlines: the edges of pixels around each part of a mask, as closed rings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Point = tuple[int, int]

# with the mask on the right hand: turning right first keeps parts that touch at a corner apart
RIGHT, DOWN, LEFT, UP = (1, 0), (0, 1), (-1, 0), (0, -1)
_RIGHT_FIRST = {RIGHT: (DOWN, RIGHT, UP), DOWN: (LEFT, DOWN, RIGHT), LEFT: (UP, LEFT, DOWN), UP: (RIGHT, UP, LEFT)}


def outlines_of(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The outer rings of a mask's parts, each (K, 2) x and y in pixels; exact, along the edges of its pixels.

    Parts that touch at a corner only are two. Holes are left out, since a ring cannot have one.

    Args:
        mask: (H, W), True inside.
    """
    steps = _steps(np.pad(mask.astype(bool), 1))
    rings = []
    while steps:
        ring = _ring(steps)
        if _area(ring) > 0:  # clockwise on the screen: an outer ring; a hole runs the other way
            rings.append(np.array(_corners(ring), np.float64))
    return rings


def bounds_of(rings: Sequence[NDArray[np.float64]]) -> tuple[float, float, float, float]:
    """x_min, y_min, x_max, y_max of what encloses all rings."""
    points = np.concatenate(rings)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return left, top, right, bottom


def _steps(mask: NDArray[np.bool_]) -> dict[Point, list[Point]]:
    """From each corner of a pixel, the directions of the edges that leave it with the mask on the right."""
    found: dict[Point, list[Point]] = {}
    inside, outside = mask, ~mask
    edges = (
        (RIGHT, inside[1:, :] & outside[:-1, :], (0, 0)),  # above a pixel
        (LEFT, outside[1:, :] & inside[:-1, :], (1, 0)),  # below one, from its right end
        (UP, inside[:, 1:] & outside[:, :-1], (0, 1)),  # left of one, from its lower end
        (DOWN, outside[:, 1:] & inside[:, :-1], (0, 0)),  # right of one
    )
    for direction, there, (dx, dy) in edges:
        horizontal = direction in {RIGHT, LEFT}
        for y, x in np.argwhere(there).tolist():
            corner = (x - 1 + dx, y) if horizontal else (x, y - 1 + dy)
            found.setdefault(corner, []).append(direction)
    return found


def _ring(steps: dict[Point, list[Point]]) -> list[Point]:
    """Take one ring out of the steps: corner by corner until it closes."""
    start = next(iter(steps))
    corner, direction = start, steps[start][0]
    ring: list[Point] = []
    while True:
        ring.append(corner)
        directions = steps[corner]
        direction = next(each for each in _RIGHT_FIRST[direction] if each in directions)
        directions.remove(direction)
        if not directions:
            del steps[corner]
        corner = corner[0] + direction[0], corner[1] + direction[1]
        if corner == start:
            return ring


def _corners(ring: list[Point]) -> list[Point]:
    """Without the points at which a ring goes straight on."""
    kept = []
    for before, point, after in zip([ring[-1], *ring], ring, [*ring[1:], ring[0]], strict=False):
        if (point[0] - before[0], point[1] - before[1]) != (after[0] - point[0], after[1] - point[1]):
            kept.append(point)
    return kept


def _area(ring: list[Point]) -> float:
    """Twice the signed area, positive where it runs clockwise on the screen (y downwards)."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))
