"""How far scores can be trusted: calibration error, reliability curve, and the score for a wished precision; pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.errors import UsageError
from boxferry.review.fates import SAME_OBJECT
from boxferry.review.judged import PEOPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from boxferry.review.judged import Judged

BINS = 10  #: equal parts of the scores from 0 to 1
WISHED = 0.9  #: precision
Z_95 = 1.959963984540054  #: of a normal distribution, two-sided


@dataclass(frozen=True, slots=True)
class Scored:
    """Boxes with scores, and which of them were right.

    Attributes:
        scores: (N,) float64.
        right: (N,) bool.
    """

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """The boxes of one part of the scores.

    Attributes:
        low, high: the part: from, and up to but without (the last one with 1).
        boxes: how many boxes it has.
        score: their mean score.
        right: the share of them that is right.
    """

    low: float
    high: float
    boxes: int
    score: float
    right: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """The lowest score from which on boxes have the wished precision.

    Attributes:
        wished: the precision that is asked for.
        score: boxes with this score or a better one are taken, as with `--min-score`; None where no score will do.
        boxes: how many boxes those are.
        precision: the share of them that is right.
        interval: where that share lies with 95% certainty, by Wilson's interval; None where there are no boxes.
    """

    wished: float
    score: float | None
    boxes: int
    precision: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """How far the scores of one label can be trusted.

    Attributes:
        boxes: how many boxes all of this rests on.
        right: how many of them were right.
        error: the expected calibration error: the mean distance of score and share of right boxes, over the bins that
            have boxes, each with the weight of its boxes.
        bins: those that have boxes.
        threshold: for the wished precision.
    """

    boxes: int
    right: int
    error: float
    bins: tuple[Bin, ...]
    threshold: Threshold


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrations:
    """How far the scores of a model can be trusted.

    Attributes:
        wished: the precision that thresholds are for.
        whole: of all labels together; None where no box that was judged has a score.
        labels: label → its own, in the order of the names.
    """

    wished: float
    whole: Calibration | None
    labels: dict[str, Calibration]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return asdict(self)


def judged_scores(boxes: Iterable[Judged]) -> dict[str, Scored]:
    """Predicted label → its boxes that people have judged and that have a score.

    One is right where its label stayed, and it overlaps by one half or more with the box that people left.
    """
    found: dict[str, tuple[list[float], list[bool]]] = {}
    for box in boxes:
        if box.fate not in PEOPLES or box.predicted is None or box.predicted.score is None:
            continue
        scores, right = found.setdefault(box.predicted.label, ([], []))
        scores.append(box.predicted.score)
        right.append(box.fate == "kept" or (box.fate == "moved" and box.iou >= SAME_OBJECT))
    return {label: Scored(np.array(scores), np.array(right)) for label, (scores, right) in found.items()}


def together(found: Mapping[str, Scored]) -> Scored:
    """The boxes of all labels."""
    scores = [each.scores for each in found.values()]
    right = [each.right for each in found.values()]
    return Scored(np.concatenate([np.empty(0), *scores]), np.concatenate([np.empty(0, np.bool_), *right]))


def calibration(boxes: Scored, *, precision: float = WISHED) -> Calibration | None:
    """How far the scores can be trusted; None where there are no boxes.

    Args:
        boxes: the boxes of one label, or of all.
        precision: what the threshold is wished for, 0 to 1.
    """
    if not len(boxes):
        return None
    bins = _bins(boxes)
    return Calibration(
        boxes=len(boxes),
        right=int(boxes.right.sum()),
        error=sum(each.boxes * abs(each.right - each.score) for each in bins) / len(boxes),
        bins=bins,
        threshold=threshold_for(boxes, precision),
    )


def _bins(boxes: Scored) -> tuple[Bin, ...]:
    part = np.clip(np.floor(boxes.scores * BINS), 0, BINS - 1).astype(int)
    found = []
    for number in np.unique(part).tolist():
        inside = part == number
        found.append(
            Bin(
                low=number / BINS,
                high=(number + 1) / BINS,
                boxes=int(inside.sum()),
                score=float(boxes.scores[inside].mean()),
                right=float(boxes.right[inside].mean()),
            )
        )
    return tuple(found)


def threshold_for(boxes: Scored, wished: float) -> Threshold:
    """The lowest score from which on at least the wished share of the boxes is right."""
    order = np.argsort(-boxes.scores, kind="stable")
    scores, right = boxes.scores[order], np.cumsum(boxes.right[order])
    last = np.flatnonzero(np.append(np.diff(scores) != 0, len(scores) > 0))  # of equal scores all are taken
    share = right[last] / (last + 1)
    enough = np.flatnonzero(share >= wished)
    if not enough.size:
        return Threshold(wished=wished, score=None, boxes=0, precision=None, interval=None)
    at = int(last[enough[-1]])
    following = float(scores[at + 1]) if at + 1 < len(scores) else -math.inf
    count, good = at + 1, int(right[at])
    return Threshold(
        wished=wished,
        score=_between(following, float(scores[at])),
        boxes=count,
        precision=good / count,
        interval=wilson(good, count),
    )


def _between(below: float, score: float) -> float:
    """The shortest number that is above `below` and not above `score`, of two digits or more."""
    for digits in range(2, 17):
        for short in (round(score, digits), math.floor(score * 10**digits) / 10**digits):
            if below < short <= score:
                return short
    return score


def wilson(right: int, boxes: int) -> tuple[float, float]:
    """Where a share lies with 95% certainty, given that `right` of `boxes` were right."""
    share, spread = right / boxes, Z_95**2 / boxes
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / boxes + spread / (4 * boxes))
    return max(0.0, centre - half), min(1.0, centre + half)


def calibrations(found: Mapping[str, Scored], *, precision: float = WISHED) -> Calibrations:
    """How far the scores of each label can be trusted, and those of all.

    Args:
        found: label → its boxes.
        precision: what thresholds are wished for.

    Raises:
        UsageError: the precision is not above 0 and at most 1.
    """
    if not 0 < precision <= 1:
        raise UsageError(f"precision: {precision}, expected above 0 and at most 1")
    each = ((label, calibration(found[label], precision=precision)) for label in sorted(found))
    return Calibrations(
        wished=precision,
        whole=calibration(together(found), precision=precision),
        labels={label: known for label, known in each if known is not None},
    )
