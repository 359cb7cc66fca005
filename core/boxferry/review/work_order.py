"""In which order to review pictures: by how unsure all the runs on a picture are of it, not one of them. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.geometry import iou_matrix
from boxferry.packets.reference import is_ours, origin
from boxferry.review.fates import SAME_OBJECT
from boxferry.review.judged import PEOPLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.review.judged import Stored
    from boxferry.review.pictures import Picture

    Key = tuple[str, int]  # a label, and the tenth of the scores


@dataclass(slots=True)
class History:
    """What people have done so far to predictions of all runs, by label and tenth of the scores.

    Attributes:
        corrected: how many they had to correct.
        seen: how many they have looked at.
        labels: label → how many boxes wait for review.
    """

    corrected: Counter[Key] = field(default_factory=Counter)
    seen: Counter[Key] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, pictures: Iterable[Picture]) -> History:
        """Count the fates on the pictures that people have looked at, and the boxes on the others."""
        found = cls()
        for picture in pictures:
            found.labels.update(box.label for box in waiting(picture))
            judged = (box for boxes in picture.judged.values() for box in boxes) if picture.looked else ()
            for box in judged:
                if box.predicted is not None and box.fate in PEOPLES:
                    key = _key(box.predicted.label, box.predicted.score)
                    found.seen[key] += 1
                    found.corrected[key] += box.fate != "kept"
        return found


def waiting(picture: Picture) -> list[Stored]:
    """The predictions on a picture that no person has looked at."""
    file = picture.file
    return [box for box in file.stored if box.row_id in file.unseen and is_ours(box.reference)]


def worth(picture: Picture, history: History) -> float:
    """How much reviewing a picture would teach.

    The predictions of all runs are put together by the objects that they are of (the same label, an IoU of one half or
    more). Each object counts by how doubtful it is (1 at a mean score of one half, 0 at 0 and 1), by the share of the
    runs on the picture that do not have it, by how often people have corrected boxes of its label and score, and by how
    rare its label is.
    """
    boxes = waiting(picture)
    runs = len({origin(box.reference) for box in boxes})
    return sum(_worth(found, runs, history) for found in objects(boxes))


def objects(boxes: Iterable[Stored]) -> list[list[Stored]]:
    """Boxes by the objects that they are of, each run at most once in each; the surest box of each is its first."""
    found: list[list[Stored]] = []
    for box in sorted(boxes, key=lambda each: (-(each.score or 0.0), each.reference, each.row_id)):
        mine = next((each for each in found if _fits(box, each)), None)
        if mine is None:
            found.append([box])
        else:
            mine.append(box)
    return found


def _fits(box: Stored, found: list[Stored]) -> bool:
    first = found[0]
    if (box.label, box.frame) != (first.label, first.frame) or origin(box.reference) in {
        origin(each.reference) for each in found
    }:
        return False
    return bool(iou_matrix(np.array([box.corners]), np.array([first.corners]))[0, 0] >= SAME_OBJECT)


def _worth(found: list[Stored], runs: int, history: History) -> float:
    scores = [box.score for box in found if box.score is not None]
    mean = sum(scores) / len(scores) if scores else None
    doubt = 0.5 if mean is None else 1 - abs(2 * min(1.0, max(0.0, mean)) - 1)
    disputed = 1 - len(found) / runs
    key = _key(found[0].label, mean)
    expected = (history.corrected[key] + 1) / (history.seen[key] + 2)
    return doubt + disputed + expected + 1 / max(1, history.labels[found[0].label])


def _key(label: str, score: float | None) -> Key:
    return label, min(9, max(0, int((score or 0.0) * 10)))
