"""Geometry of boxes as arrays: the three ways to write a box, areas, overlaps, and which boxes to suppress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Boxes = NDArray[np.float64]  # (N, 4), top-left origin, half-open: x_max and y_max are just outside the box


def xywh_to_xyxy(xywh: Boxes) -> Boxes:
    """(N, 4) x_min, y_min, x_max, y_max from x_min, y_min, width, height."""
    return np.hstack((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]))


def xyxy_to_xywh(xyxy: Boxes) -> Boxes:
    """(N, 4) x_min, y_min, width, height from x_min, y_min, x_max, y_max."""
    return np.hstack((xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]))


def cxcywh_to_xyxy(cxcywh: Boxes) -> Boxes:
    """(N, 4) x_min, y_min, x_max, y_max from the centre's x and y, width, height."""
    half = cxcywh[:, 2:] / 2
    return np.hstack((cxcywh[:, :2] - half, cxcywh[:, :2] + half))


def xyxy_to_cxcywh(xyxy: Boxes) -> Boxes:
    """(N, 4) the centre's x and y, width, height from x_min, y_min, x_max, y_max."""
    sides = xyxy[:, 2:] - xyxy[:, :2]
    return np.hstack((xyxy[:, :2] + sides / 2, sides))


def area(xyxy: Boxes) -> NDArray[np.float64]:
    """(N,) the area of each box; 0 where a side is zero or reversed."""
    return _extent(xyxy[..., :2], xyxy[..., 2:])


def iou_pairs(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """(N,) intersection over union of each box of `a` with the box of `b` in the same row.

    It is 0 where both boxes are empty, and NaN where a coordinate is NaN or an area overflows; neither warns.

    Args:
        a: (N, 4) xyxy.
        b: (N, 4) xyxy, or any shape that broadcasts against `a`, the last axis being the four coordinates.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        shared = _extent(np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:]))
        union = area(a) + (area(b) - shared)
        return shared / np.where(union == 0, 1, union)


def iou_matrix(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """(N, M) intersection over union of each of the N boxes of `a` with each of the M boxes of `b`."""
    return iou_pairs(a[:, None, :], b[None, :, :])


def nms_keep(xyxy: Boxes, score: NDArray[np.float64], group: NDArray[np.int64], *, iou: float) -> NDArray[np.bool_]:
    """(N,) which boxes stay after greedy non-maximum suppression within each group.

    The best box of a group stays, what overlaps it is suppressed, and so on with the next best. All groups take each of
    these steps together, so the cost follows the boxes and the rounds that the most crowded group needs, and memory
    follows the boxes alone.

    Args:
        xyxy: (N, 4) boxes; one with a coordinate that is NaN overlaps nothing.
        score: (N,) higher is better, NaN worst; of equal scores the earlier row is better.
        group: (N,) boxes are compared with boxes of the same number only.
        iou: a box goes when its overlap with a better one that stays is greater than this.
    """
    keep = np.zeros(len(xyxy), np.bool_)
    rows = np.lexsort((-score, group))
    boxes, groups = xyxy[rows], group[rows]
    while len(rows):
        best = np.diff(groups, prepend=groups[0] - 1) != 0
        best_at = np.flatnonzero(best)
        keep[rows[best_at]] = True
        overlap = iou_pairs(boxes, boxes[best_at[np.cumsum(best) - 1]])
        undecided = ~(best | (overlap > iou))
        rows, boxes, groups = rows[undecided], boxes[undecided], groups[undecided]
    return keep


def _extent(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Width times height between the corners `low` and `high`, (..., 2) each; 0 where they are reversed."""
    with np.errstate(invalid="ignore", over="ignore"):
        sides = np.maximum(high - low, 0)
        return np.asarray(sides[..., 0] * sides[..., 1])
