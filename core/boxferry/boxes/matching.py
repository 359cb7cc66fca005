"""Two sets of boxes on one image, matched: which is which, and what is on one side alone. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from boxferry.boxes.geometry import iou_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections

Change = Literal["same", "moved", "relabelled", "added", "removed"]
SAME = 1e-6  #: pixels; corners that differ by less are the same


class Match(NamedTuple):
    """Two boxes that are taken for one object, or one that has no other.

    Attributes:
        change: 'same', 'moved' (other corners), 'relabelled', 'added' or 'removed'.
        old, new: the row on either side; None for none.
        iou: the overlap of the two; 0 where there is one only.
    """

    change: Change
    old: int | None
    new: int | None
    iou: float = 0.0


def matched(old: Detections, new: Detections, iou: float) -> Iterator[Match]:
    """The boxes of one image, on two sides: those of one label first, those that overlap most first.

    Boxes of a video are matched within their frame.

    Args:
        old: one image with its boxes.
        new: the same image.
        iou: from this overlap on two boxes are one object.
    """
    overlap = _overlap(old, new)
    alike = np.array([[_label(old, row) == _label(new, other) for other in range(len(new))] for row in range(len(old))])
    free_old, free_new = set(range(len(old))), set(range(len(new)))
    for same_label in (True, False):
        for row, other in _best_first(overlap, iou):
            if row in free_old and other in free_new and bool(alike[row, other]) is same_label:
                free_old.remove(row)
                free_new.remove(other)
                yield Match(_change(old, new, row, other), row, other, float(overlap[row, other]))
    yield from (Match("removed", row, None) for row in sorted(free_old))
    yield from (Match("added", None, row) for row in sorted(free_new))


def _overlap(old: Detections, new: Detections) -> np.ndarray:
    """(N, M) the overlaps; 0 for boxes of different frames."""
    overlap = np.nan_to_num(iou_matrix(old.xyxy, new.xyxy))
    frames = [np.zeros(len(side), np.int64) if side.frame is None else side.frame for side in (old, new)]
    return np.where(frames[0][:, None] == frames[1][None, :], overlap, 0.0)


def _best_first(overlap: np.ndarray, iou: float) -> list[tuple[int, int]]:
    rows, others = np.nonzero(overlap >= iou) if overlap.size else (np.empty(0, int), np.empty(0, int))
    order = np.argsort(-overlap[rows, others], kind="stable")
    return list(zip(rows[order].tolist(), others[order].tolist(), strict=True))


def _change(old: Detections, new: Detections, row: int, other: int) -> Change:
    if _label(old, row) != _label(new, other):
        return "relabelled"
    return "same" if np.abs(old.xyxy[row] - new.xyxy[other]).max() < SAME else "moved"


def _label(side: Detections, row: int) -> str:
    return side.labels[int(side.label[row])]
