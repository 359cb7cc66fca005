"""The fate of each predicted box of a file, and of each box that people added: pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from boxferry.boxes.geometry import iou_matrix
from boxferry.packets.reference import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.diffgram.figures import Corners, Ring
    from boxferry.review.attribute_names import Value

Fate = Literal["kept", "moved", "relabelled", "deleted", "added"]
FATES: tuple[Fate, ...] = ("kept", "moved", "relabelled", "deleted", "added")
SAME_OBJECT = 0.5  #: IoU from which on two boxes are taken for the same object, where no reference says so


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """A box as it was sent.

    Attributes:
        reference: its `creation_ref_id`.
        label: its label's name.
        corners: x_min, y_min, x_max, y_max in pixels.
        score: None where it had none.
        frame: of a video, else None.
        rings: its outline; empty for a box.
    """

    reference: str
    label: str
    corners: Corners
    score: float | None = None
    frame: int | None = None
    rings: tuple[Ring, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A box as the server has it now.

    Attributes:
        row_id: its row.
        reference: its `creation_ref_id`; empty for one that people drew.
        label: its label's name.
        corners: x_min, y_min, x_max, y_max in pixels.
        score: as it was sent, else None.
        machine_made: False for what people drew or changed in the interface.
        touched: whether somebody has saved it since it was sent.
        frame: of a video, else None.
        rings: its outline; empty for a box, and where only its bounds are known.
        shape: what it is, where it is neither a box nor a polygon: 'ellipse', 'line', …; else empty.
        number: its track.
        attributes: name → value.
    """

    row_id: int
    reference: str
    label: str
    corners: Corners
    score: float | None = None
    machine_made: bool = True
    touched: bool = False
    frame: int | None = None
    rings: tuple[Ring, ...] = ()
    shape: str = ""
    number: int | None = None
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What became of one box.

    Attributes:
        fate: 'kept', 'moved' (the same label, other corners), 'relabelled' (its corners may differ too), 'deleted', or
            'added' by people.
        predicted: as it was sent; None for one that was added.
        stored: as it is now; None for one that was deleted.
        iou: of the two; 0 where there is one only.
        by: what tells that the two belong together: 'reference' or 'iou'; empty where there is one only.
    """

    fate: Fate
    predicted: Predicted | None = None
    stored: Stored | None = None
    iou: float = 0.0
    by: str = ""

    @property
    def label(self) -> str:
        """The label that was predicted; of an added box, its own."""
        box = self.predicted or self.stored
        return box.label if box else ""


def fates_of(predicted: Sequence[Predicted], stored: Sequence[Stored]) -> list[Judged]:
    """The fate of every box of a file: one for each that was predicted, then those that people added.

    A box is found again by its reference, which the server keeps through edits. Where none bears it, by overlap: with
    the same label first, then with another, the best overlap first. Untouched predictions of other runs are neither
    ours nor people's, and have no fate; they can stand for an equal box of ours, since the server keeps one of the two.
    """
    pairs = _by_reference(predicted, stored)
    left = [i for i in range(len(predicted)) if i not in pairs]
    taken = set(pairs.values())
    free = [i for i, box in enumerate(stored) if i not in taken]
    found = _by_overlap([predicted[i] for i in left], [stored[i] for i in free])
    overlaps = {left[one]: free[other] for one, other in found.items()}
    judged = [
        _judged(box, stored[pairs[i]], "reference")
        if i in pairs
        else _judged(box, stored[overlaps[i]], "iou")
        if i in overlaps
        else Judged(fate="deleted", predicted=box)
        for i, box in enumerate(predicted)
    ]
    taken |= set(overlaps.values())
    people = [box for i, box in enumerate(stored) if i not in taken and (box.touched or not box.machine_made)]
    return judged + [Judged(fate="added", stored=box) for box in people]


def _judged(predicted: Predicted, stored: Stored, by: str) -> Judged:
    same = (predicted.corners, predicted.rings) == (stored.corners, stored.rings)
    fate: Fate = "kept" if same else "moved"
    if predicted.label != stored.label:
        fate = "relabelled"
    overlap = (
        1.0
        if predicted.corners == stored.corners and _has_area(stored)
        else _overlap(predicted.corners, stored.corners)
    )
    return Judged(fate=fate, predicted=predicted, stored=stored, iou=overlap, by=by)


def _has_area(box: Stored) -> bool:
    x_min, y_min, x_max, y_max = box.corners
    return x_min < x_max and y_min < y_max


def _overlap(one: Corners, other: Corners) -> float:
    return float(iou_matrix(np.array([one]), np.array([other]))[0, 0])


def _by_reference(predicted: Sequence[Predicted], stored: Sequence[Stored]) -> dict[int, int]:
    rows: dict[str, int] = {}
    for index, box in enumerate(stored):
        if box.reference:
            rows.setdefault(whole(box.reference), index)
    found = [whole(box.reference) for box in predicted]
    return {index: rows[reference] for index, reference in enumerate(found) if reference in rows}


def same_objects(one: Sequence[Predicted], two: Sequence[Predicted]) -> dict[int, int]:
    """Which boxes of two runs on one file are of the same object: the best overlap first, each box once.

    They have the same label and frame, and overlap (IoU) by one half or more.
    """
    return _paired(one, two, [lambda i, j: (one[i].label, one[i].frame) == (two[j].label, two[j].frame)])


def _by_overlap(predicted: Sequence[Predicted], stored: Sequence[Stored]) -> dict[int, int]:
    """Pairs of the best overlap, each box once; an untouched box of another run counts only where it is equal."""

    def same_label(i: int, j: int) -> bool:
        strange = stored[j].machine_made and not stored[j].touched
        equal = predicted[i].corners == stored[j].corners
        alike = (predicted[i].label, predicted[i].frame) == (stored[j].label, stored[j].frame)
        return alike and (equal or not strange)

    def other_label(i: int, j: int) -> bool:
        strange = stored[j].machine_made and not stored[j].touched
        return predicted[i].label != stored[j].label and predicted[i].frame == stored[j].frame and not strange

    return _paired(predicted, stored, [same_label, other_label])


def _paired(
    one: Sequence[Predicted], two: Sequence[Predicted] | Sequence[Stored], fits: Sequence[Callable[[int, int], bool]]
) -> dict[int, int]:
    """Pairs that overlap by one half or more, the best first, each box once; one round for each rule of what fits."""
    if not one or not two:
        return {}
    overlap = iou_matrix(np.array([box.corners for box in one]), np.array([box.corners for box in two])).ravel()
    near = np.flatnonzero(overlap >= SAME_OBJECT)
    best_first = [divmod(at, len(two)) for at in near[np.argsort(-overlap[near], kind="stable")].tolist()]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for rule in fits:
        for i, j in best_first:
            if i not in pairs and j not in taken and rule(i, j):
                pairs[i] = j
                taken.add(j)
    return pairs
