"""Two models on the same pictures: which of them is nearer to what people left there. Pure.

Only pictures count that people looked at with the boxes of both: what people had decided before is not sent again, so
that a later model's boxes on a picture that was reviewed before are not all that it predicted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.geometry import iou_matrix
from boxferry.packets.reference import whole
from boxferry.review.fates import SAME_OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from boxferry.review.judged import Predicted, Stored
    from boxferry.review.pictures import Picture


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """A model's boxes against those that people left.

    Attributes:
        sent: how many it sent.
        right: those with the label and an IoU of one half or more with what people left, one for each box.
        there: how many boxes people left.
    """

    sent: int
    right: int
    there: int

    @property
    def precision(self) -> float | None:
        """The share of its boxes that are right; None where it sent none."""
        return self.right / self.sent if self.sent else None

    @property
    def recall(self) -> float | None:
        """The share of the boxes there that it found; None where there are none."""
        return self.right / self.there if self.there else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        return 2 * self.right / (self.sent + self.there) if self.sent + self.there else None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        counts = {"sent": self.sent, "right": self.right, "there": self.there}
        return {**counts, "precision": self.precision, "recall": self.recall, "f1": self.f1}


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Two models on the pictures that people looked at with the boxes of both.

    Attributes:
        older, newer: the models, in the order in which they first sent.
        pictures: how many pictures they have in common.
        before, now: the quality of the older and of the newer one.
        labels: label → both.
    """

    older: str
    newer: str
    pictures: int
    before: Quality
    now: Quality
    labels: dict[str, tuple[Quality, Quality]]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        labels = {
            name: {"before": before.as_dict(), "now": now.as_dict()} for name, (before, now) in self.labels.items()
        }
        both = {"before": self.before.as_dict(), "now": self.now.as_dict()}
        return {"older": self.older, "newer": self.newer, "pictures": self.pictures, **both, "labels": labels}


def side_by_side(pictures: Iterable[Picture]) -> list[Compared]:
    """Each pair of models that have pictures in common, in the order in which they first sent."""
    found: dict[tuple[str, str], list[tuple[Picture, list[Predicted], list[Predicted]]]] = defaultdict(list)
    first: dict[str, float] = {}
    for picture in pictures:
        sent = _by_model(picture)
        for model, (_, at) in sent.items():
            first[model] = min(at, first.get(model, at))
        for one, two in combinations(sent, 2) if picture.settled else ():
            if _seen_together(picture, sent[one][0], sent[two][0]):
                found[one, two].append((picture, sent[one][0], sent[two][0]))
    merged: dict[tuple[str, str], list[tuple[Picture, list[Predicted], list[Predicted]]]] = defaultdict(list)
    for (one, two), listed in found.items():
        turned = first[one] > first[two]
        key = (two, one) if turned else (one, two)
        merged[key] += [(picture, b, a) if turned else (picture, a, b) for picture, a, b in listed]
    return [_compared(pair, merged[pair]) for pair in sorted(merged, key=lambda pair: (first[pair[0]], first[pair[1]]))]


def _by_model(picture: Picture) -> dict[str, tuple[list[Predicted], float]]:
    """What each model sent to a picture, in its last run there, and when it first sent anything."""
    found: dict[str, tuple[list[Predicted], float]] = {}
    for sent in picture.sent:
        if sent.name.model:
            _, at = found.get(sent.name.model, ([], sent.at))
            found[sent.name.model] = (sent.predicted, min(at, sent.at))
    return found


def _seen_together(picture: Picture, one: Sequence[Predicted], two: Sequence[Predicted]) -> bool:
    """Whether people first looked when the boxes of both were there.

    They did not look between the first boxes of one and the last of the other, and no push took some away before they
    looked: what they had never seen they have not decided on.
    """
    names = [{whole(box.reference) for box in boxes} for boxes in (one, two)]
    places = [i for i, push in enumerate(picture.pushes) if any(push.brought & each for each in names)]
    if not places or picture.timeline.seen(places[0], places[-1]):
        return False
    lives = [life for each in names for name in each if (life := picture.timeline.life(name))]
    return all(life.end != "taken" or picture.timeline.seen(life.since, life.until) for life in lives)


def _compared(pair: tuple[str, str], listed: Sequence[tuple[Picture, list[Predicted], list[Predicted]]]) -> Compared:
    counts = [_Count(), _Count()]
    for picture, *sent in listed:
        for count, boxes in zip(counts, sent, strict=True):
            count.add(boxes, picture.file.stored)
    before, now = counts
    names = sorted({*before.there, *before.sent, *now.sent})
    return Compared(
        older=pair[0],
        newer=pair[1],
        pictures=len(listed),
        before=before.whole(),
        now=now.whole(),
        labels={name: (before.of(name), now.of(name)) for name in names},
    )


class _Count:
    """Counts a model's boxes by label."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.right: Counter[str] = Counter()
        self.there: Counter[str] = Counter()

    def add(self, boxes: Sequence[Predicted], left: Sequence[Stored]) -> None:
        self.sent.update(box.label for box in boxes)
        self.there.update(box.label for box in left)
        self.right.update(_right(boxes, left))

    def of(self, label: str) -> Quality:
        return Quality(sent=self.sent[label], right=self.right[label], there=self.there[label])

    def whole(self) -> Quality:
        return Quality(sent=self.sent.total(), right=self.right.total(), there=self.there.total())


def _right(boxes: Sequence[Predicted], left: Sequence[Stored]) -> list[str]:
    """The labels of the boxes that are right: the surest first, each with the box that it overlaps most."""
    if not boxes or not left:
        return []
    overlap = iou_matrix(np.array([box.corners for box in boxes]), np.array([box.corners for box in left]))
    taken: set[int] = set()
    right = []
    for i in sorted(range(len(boxes)), key=lambda i: -(boxes[i].score or 0.0)):
        fits = [
            j
            for j, box in enumerate(left)
            if j not in taken and (box.label, box.frame) == (boxes[i].label, boxes[i].frame)
        ]
        best = max(fits, key=lambda j: overlap[i, j], default=None)
        if best is not None and overlap[i, best] >= SAME_OBJECT:
            taken.add(best)
            right.append(boxes[i].label)
    return right
