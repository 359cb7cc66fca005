"""How many boxes a threshold would send, and what it would have cost: counts at each hundredth of a score."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.review.judged import PEOPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from boxferry.review.judged import Judged
    from boxferry.review.summary import Clicks

STEPS = np.arange(101) / 100

if TYPE_CHECKING:
    Counts = NDArray[np.int64]


def _none() -> Counts:
    return np.zeros(len(STEPS), np.int64)


@dataclass(slots=True)
class LabelCounts:
    """The boxes of one label.

    Attributes:
        sent: of each step, how many were sent with a score at or above it: (101,) int64.
        deleted, right: of those, which people deleted, and which they kept, moved or relabelled; likewise.
        added: how many people drew.
        unscored: how many were sent without a score.
    """

    sent: Counts = field(default_factory=_none)
    deleted: Counts = field(default_factory=_none)
    right: Counts = field(default_factory=_none)
    added: int = 0
    unscored: int = 0


@dataclass(slots=True)
class Recount:
    """The counts of many boxes.

    Attributes:
        labels: label → its counts.
        images: of each step, how many images have a box with a score at or above it, or one without: (101,) int64.
        clicks: what corrections cost; None where people have not seen the boxes.
    """

    labels: dict[str, LabelCounts] = field(default_factory=lambda: defaultdict(LabelCounts))
    images: Counts = field(default_factory=_none)
    clicks: Clicks | None = None

    def see(self, label: str, scores: NDArray[np.float64]) -> None:
        """Count boxes of one label; their scores (N,) are NaN where there are none."""
        found = self.labels[label]
        found.sent += at_or_above(scores[~np.isnan(scores)])
        found.unscored += int(np.isnan(scores).sum())

    def see_images(self, best: NDArray[np.float64]) -> None:
        """Count images by their best score (N,), which is infinite where a box has none."""
        self.images += at_or_above(best)

    def judge(self, boxes: Iterable[Judged]) -> None:
        """Count what people did to boxes."""
        deleted: dict[str, list[float]] = defaultdict(list)
        right: dict[str, list[float]] = defaultdict(list)
        for box in boxes:
            if box.predicted is None:
                self.labels[box.label].added += box.fate == "added"
            elif box.fate in PEOPLES and box.predicted.score is not None:
                (deleted if box.fate == "deleted" else right)[box.label].append(box.predicted.score)
        for label, scores in deleted.items():
            self.labels[label].deleted += at_or_above(np.array(scores))
        for label, scores in right.items():
            self.labels[label].right += at_or_above(np.array(scores))

    def as_dict(self, number: Callable[[str], int]) -> dict[str, Any]:
        """The same as plain values; `number` gives a label's place."""
        clicks = self.clicks and {"deletion": self.clicks.deletion, "addition": self.clicks.addition}
        labels = {
            number(label): {
                "sent": found.sent.tolist(),
                "deleted": found.deleted.tolist(),
                "right": found.right.tolist(),
                "added": found.added,
                "unscored": found.unscored,
            }
            for label, found in self.labels.items()
        }
        return {"labels": labels, "images": self.images.tolist(), "clicks": clicks}


def at_or_above(scores: NDArray[np.float64]) -> Counts:
    """Of each step, how many scores (N,) are at it or above."""
    counts: Counts = (len(scores) - np.searchsorted(np.sort(scores), STEPS, side="left")).astype(np.int64)
    return counts
