"""Boxes to look at again: a model contradicts what people left, or predicts nothing where they drew."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from boxferry.boxes.geometry import iou_matrix
from boxferry.review.fates import SAME_OBJECT
from boxferry.review.objectlab import ObjectLabScores, objectlab_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from boxferry.review.judged import Predicted, Stored
    from boxferry.review.pull import ReviewedFile
    from boxferry.review.scenes import Scene

Kind = Literal["other label", "other place", "missing", "not predicted"]
LEAST = 0.1  #: what is less suspicious is not listed
RANKED = {
    "objectlab": "ranked by ObjectLab's scores (cleanlab); "
    "not predicted: the share of its label's boxes that is predicted x (1 - IoU)",
    "boxferry": "ranked by score x IoU of the model's label less that of people's (other label), "
    "score x (1 - IoU) (other place, missing), "
    "the share of its label's boxes that is predicted x (1 - IoU) (not predicted); "
    "with the package cleanlab installed, by ObjectLab's scores",
}  #: by → how the list is ordered


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspicion:
    """One box that should be looked at again.

    Attributes:
        kind: 'other label' and 'other place' of a box that people left, 'missing' where a model has a box and people
            have none, 'not predicted' of a box that people drew and no model has.
        file: the file.
        frame: of a video, else None.
        suspicion: 0 to 1, the most suspicious first.
        left: the box of people; None where it is missing.
        predicted: the box of the model that contradicts; None where there is none.
    """

    kind: Kind
    file: ReviewedFile
    frame: int | None
    suspicion: float
    left: Stored | None = None
    predicted: Predicted | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        left, predicted = self.left, self.predicted
        return {
            "kind": self.kind,
            "file_id": self.file.file_id,
            "file": self.file.file_name,
            "frame": self.frame,
            "suspicion": self.suspicion,
            "people": left and {"label": left.label, "corners": left.corners, "row_id": left.row_id},
            "model": predicted
            and {"label": predicted.label, "corners": predicted.corners, "score": predicted.score},
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspicions:
    """What should be looked at again.

    Attributes:
        by: 'objectlab' or 'boxferry', a key of `RANKED`.
        boxes: the most suspicious first.
    """

    by: str
    boxes: list[Suspicion]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {"by": self.by, "ranked": RANKED[self.by], "boxes": [box.as_dict() for box in self.boxes]}


def suspicious(scenes: Sequence[Scene], *, objectlab: bool = True) -> Suspicions:
    """The boxes that should be looked at again.

    Args:
        scenes: what people left, and what is predicted there.
        objectlab: use the package cleanlab, where it is installed.
    """
    overlaps = [scene.overlaps() for scene in scenes]
    theirs = objectlab_scores(scenes) if objectlab else None
    by, scores = ("boxferry", _own_scores(scenes, overlaps)) if theirs is None else ("objectlab", theirs)
    recall = _recall(scenes, overlaps)
    found = [
        each
        for number, (scene, overlap) in enumerate(zip(scenes, overlaps, strict=True))
        for each in (
            *_contradicted(scene, overlap, scores.label[number], scores.place[number]),
            *_missing(scene, scores.missing[number]),
            *_not_predicted(scene, overlap, recall),
        )
        if each.suspicion > LEAST
    ]
    return Suspicions(by=by, boxes=sorted(found, key=lambda each: -each.suspicion))


def _recall(scenes: Sequence[Scene], overlaps: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    """Label → the share of the boxes that people left that is predicted."""
    found: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for scene, overlap in zip(scenes, overlaps, strict=True):
        same = overlap * _same_label(scene)
        for row, box in enumerate(scene.left):
            every[box.label] += 1
            found[box.label] += bool((same[row] >= SAME_OBJECT).any())
    return {label: found[label] / count for label, count in every.items()}


def _same_label(scene: Scene) -> NDArray[np.bool_]:
    """(N, M) whether the label is the same."""
    left = np.array([box.label for box in scene.left], object).reshape(-1, 1)
    return np.asarray(left == np.array([box.label for box in scene.predicted], object).reshape(1, -1), np.bool_)


def _own_scores(scenes: Sequence[Scene], overlaps: Sequence[NDArray[np.float64]]) -> ObjectLabScores:
    """Scores of the same meaning as ObjectLab's: from 0, surely an error, to 1."""
    found = ObjectLabScores([], [], [])
    for scene, overlap in zip(scenes, overlaps, strict=True):
        same, score = _same_label(scene), np.array([box.score for box in scene.predicted], np.float64)
        near = np.where(overlap >= SAME_OBJECT, overlap, 0) * score
        found.label.append(1 - np.clip(_best(near * ~same) - _best(near * same), 0, 1))
        found.place.append(1 - _misplaced(overlap * same, score))
        nearest = overlap.max(axis=0, initial=0)
        found.missing.append(np.where(nearest < SAME_OBJECT, 1 - np.clip(score * (1 - nearest), 0, 1), np.nan))
    return found


def _best(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values.max(axis=1, initial=0))


def _misplaced(overlap: NDArray[np.float64], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) score x (1 - IoU) of the prediction of the same label that overlaps most; 0 where none does."""
    if not overlap.size:
        return np.zeros(len(overlap))
    nearest = overlap.argmax(axis=1)
    most = overlap[np.arange(len(overlap)), nearest]
    return np.asarray(np.where(most > 0, np.clip(score[nearest] * (1 - most), 0, 1), 0))


def _contradicted(
    scene: Scene, overlap: NDArray[np.float64], label: NDArray[np.float64], place: NDArray[np.float64]
) -> Iterator[Suspicion]:
    """The boxes that people left and whose label or place a model contradicts: each once, by the stronger reason."""
    same = _same_label(scene)
    for row, box in enumerate(scene.left):
        is_label = label[row] <= place[row]
        kind: Kind = "other label" if is_label else "other place"
        against = _nearest(scene, np.where(~same[row] if is_label else same[row], overlap[row], 0))
        if against is not None:
            worst = float(1 - min(label[row], place[row]))
            yield Suspicion(kind=kind, file=scene.file, frame=scene.frame, suspicion=worst, left=box, predicted=against)


def _nearest(scene: Scene, overlap: NDArray[np.float64]) -> Predicted | None:
    return scene.predicted[int(overlap.argmax())] if overlap.any() else None


def _missing(scene: Scene, scores: NDArray[np.float64]) -> Iterator[Suspicion]:
    """Predictions without a box of people; of several of one object the most suspicious alone."""
    order = [at for at in np.argsort(scores, kind="stable").tolist() if not np.isnan(scores[at])]
    corners = np.array([scene.predicted[at].corners for at in order], np.float64).reshape(-1, 4)
    overlap = iou_matrix(corners, corners)
    taken: list[int] = []
    for place, at in enumerate(order):
        box = scene.predicted[at]
        if any(
            overlap[place, other] >= SAME_OBJECT and scene.predicted[order[other]].label == box.label for other in taken
        ):
            continue
        taken.append(place)
        doubt = float(1 - scores[at])
        yield Suspicion(kind="missing", file=scene.file, frame=scene.frame, suspicion=doubt, predicted=box)


def _not_predicted(scene: Scene, overlap: NDArray[np.float64], recall: dict[str, float]) -> Iterator[Suspicion]:
    """Boxes that people drew and no model has, under any label."""
    most = overlap.max(axis=1, initial=0)
    for row, box in enumerate(scene.left):
        if scene.drawn[row] and most[row] < SAME_OBJECT:
            doubt = recall[box.label] * (1 - float(most[row]))
            yield Suspicion(kind="not predicted", file=scene.file, frame=scene.frame, suspicion=doubt, left=box)
