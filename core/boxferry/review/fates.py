"""The fate of each predicted box of a file, and of each box that people added: pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.geometry import iou_matrix
from boxferry.packets.reference import is_ours, whole
from boxferry.review.applied import Life, Push
from boxferry.review.judged import Judged, Predicted, Stored, by_people
from boxferry.review.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from boxferry.destination import Corners
    from boxferry.review.judged import Fate

SAME_OBJECT = 0.5  #: IoU from which on two boxes are taken for the same object, where no reference says so


def fates_of(
    predicted: Sequence[Predicted], stored: Sequence[Stored], timeline: Timeline | None = None
) -> list[Judged]:
    """The fate of every box of a file: one for each that was predicted, then those that people added.

    A box is found again by its reference, which the server keeps through edits, or by that of the equal box that the
    server has in its place. Where people drew another one for one that is gone, by overlap: with the same label first,
    then with another, the best overlap first. Boxes of other runs are neither ours nor added, and have no fate, nor
    have those that people drew before the run's boxes came.

    Args:
        predicted: the boxes that the run sent, each once.
        stored: the boxes that the file has now.
        timeline: what came onto the file, and when people looked at it; where it is left out, the boxes came once, and
            people have looked at them since.
    """
    timeline = timeline or _reviewed_once(predicted, stored)
    lives = [timeline.life(box.reference) or _unknown(box, timeline) for box in predicted]
    found = {
        i: (timeline.rows[life.name], "reference")
        for i, life in enumerate(lives)
        if life.end == "there" and life.name in timeline.rows
    }
    left = [i for i, life in enumerate(lives) if i not in found and life.end == "deleted"]
    taken = {id(row) for row, _ in found.values()}
    free = [box for box in stored if id(box) not in taken]
    for one, other in _by_overlap([predicted[i] for i in left], [lives[i] for i in left], free, timeline).items():
        found[left[one]] = free[other], "iou"
        taken.add(id(free[other]))
    judged = [_fate(box, lives[i], found.get(i), timeline) for i, box in enumerate(predicted)]
    own = {whole(box.reference) for box in predicted}
    added = [box for box in free if id(box) not in taken and _is_added(box, own, timeline)]
    return judged + [Judged(fate="added", stored=box) for box in added]


def _reviewed_once(predicted: Sequence[Predicted], stored: Sequence[Stored]) -> Timeline:
    push = Push(brought=frozenset(whole(box.reference) for box in predicted), complete=False, replaces=True)
    return Timeline([push], stored, complete=True)


def _unknown(box: Predicted, timeline: Timeline) -> Life:
    """A box of which no packet is known to have brought it; it came with the first."""
    name = whole(box.reference)
    return Life(0, "there" if name in timeline.rows else "deleted", name, timeline.end)


def _fate(box: Predicted, life: Life, found: tuple[Stored, str] | None, timeline: Timeline) -> Judged:
    if found is not None:
        judged = _judged(box, *found)
        unseen = judged.fate == "kept" and not timeline.seen(life.since)
        return replace(judged, fate="unreviewed") if unseen else judged
    if life.end == "deleted":
        return Judged(fate="deleted", predicted=box)
    kept = life.sure and not life.edited and timeline.seen(life.since, life.until)
    return Judged(fate="kept" if kept else "replaced", predicted=box)


def _is_added(box: Stored, own: Collection[str], timeline: Timeline) -> bool:
    """Whether people drew a box, or made two of one of ours, after the run's first packet."""
    if is_ours(box.reference):
        return whole(box.reference) in own and by_people(box) and not timeline.stands(box)
    return by_people(box) and timeline.after_own(box)


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


def same_objects(one: Sequence[Predicted], two: Sequence[Predicted]) -> dict[int, int]:
    """Which boxes of two runs on one file are of the same object: the best overlap first, each box once.

    They have the same label and frame, and overlap (IoU) by one half or more.
    """
    return _paired(one, two, [lambda i, j: (one[i].label, one[i].frame) == (two[j].label, two[j].frame)])


def _by_overlap(
    predicted: Sequence[Predicted], lives: Sequence[Life], stored: Sequence[Stored], timeline: Timeline
) -> dict[int, int]:
    """Pairs of the best overlap, each box once.

    A box that people drew after the prediction had come counts; one of another run only where it is equal, and stands
    for ours, since it was there before.
    """

    def drawn(i: int, j: int) -> bool:
        by_hand = by_people(stored[j]) and not is_ours(stored[j].reference)
        return by_hand and predicted[i].frame == stored[j].frame and timeline.place(stored[j].created) > lives[i].since

    def stands(i: int, j: int) -> bool:
        if predicted[i].corners != stored[j].corners or by_people(stored[j]) or predicted[i].frame != stored[j].frame:
            return False
        came, before = timeline.pushes[lives[i].since], timeline.place(stored[j].created) <= lives[i].since
        return came.replaces and not came.read and before

    def same_label(i: int, j: int) -> bool:
        return predicted[i].label == stored[j].label and (drawn(i, j) or stands(i, j))

    def other_label(i: int, j: int) -> bool:
        return predicted[i].label != stored[j].label and drawn(i, j)

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
