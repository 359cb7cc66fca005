"""Rows that are poses (a box, key points, perhaps a score), and rows that look like poses but are not said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

BOX = 5  #: columns before the key points: class, cx, cy, w, h
NARROWEST = BOX + 3 * 3  #: columns; narrower rows are not doubted
WINDING = 3.0  #: an outline whose way round is so many times that around its bounds is none
SPARE = 0.5  #: of a box's side, by which key points may lie outside
MOST = 0.9


def values_of_points(rows: Sequence[Sequence[float]]) -> int:
    """How many values each key point has, 3 or 2: those by which the points lie at their boxes; 3 where both do."""
    fits = {values: np.mean([_lie_at_box(row, values) for row in rows] or [1]) >= MOST for values in (3, 2)}
    return 2 if fits[2] and not fits[3] else 3


def _lie_at_box(row: Sequence[float], values: int) -> float:
    """The share of a row's key points that lie at its box; those at 0, 0 are not labelled."""
    cx, cy, width, height = row[1:BOX]
    count = (len(row) - BOX) // values
    points = np.array(row[BOX : BOX + count * values]).reshape(count, values)
    points = points[(points[:, 0] != 0) | (points[:, 1] != 0)]
    reach = np.array([width, height]) * (0.5 + SPARE)
    return float((np.abs(points[:, :2] - [cx, cy]) <= reach).all(axis=1).mean()) if len(points) else 1.0


def look_like_poses(rows: Sequence[Sequence[float]]) -> bool:
    """Whether rows wind so much as outlines that they cannot be meant as such.

    The points of an outline follow each other; box, points and visibilities read as points jump to and fro.
    """
    wide = [_winding(row) for row in rows if len(row) >= NARROWEST]
    return bool(wide) and float(np.median(wide)) > WINDING


def _winding(row: Sequence[float]) -> float:
    """How long the way round an outline is, in ways around its bounds."""
    corners = np.array(row[1 : 1 + (len(row) - 1) // 2 * 2]).reshape(-1, 2)
    steps = np.abs(np.diff(corners, axis=0, append=corners[:1])).sum()
    around = 2 * (corners.max(axis=0) - corners.min(axis=0)).sum()
    return float(steps / around) if around > 0 else 0.0
