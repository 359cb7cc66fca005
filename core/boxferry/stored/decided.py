"""What people have decided on a file, whichever run asked them: boxes that are theirs, predictions they turned down.

All of it is compared by label, frame and place, never by reference: a reference holds the name of its run. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.geometry import iou_matrix
from boxferry.destination import moment
from boxferry.packets.reference import detection, parsed
from boxferry.stored.ownership import objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from boxferry.packets.contents import Contents
    from boxferry.packets.reference import Reference
    from boxferry.packets.rows import Row

    Corners = tuple[float, float, float, float]

SAME_IOU = 0.7  #: from this overlap (IoU) on, two boxes of one label are taken for the same object
HAVE, REJECTED = Code.PEOPLE_HAVE_IT, Code.REJECTED_BEFORE
LOOKED_S = 2.0  #: a file that changed so soon before or after a packet's box was stored was changed by the packet


class Spot(NamedTuple):
    """One object at one place.

    Attributes:
        label: its label's name, as the server calls it now.
        frame: of a video, else None.
        corners: x_min, y_min, x_max, y_max in pixels; of an outline, its bounds.
    """

    label: str
    frame: int | None
    corners: Corners


@dataclass(frozen=True, slots=True)
class Decided:
    """What the boxes of a file tell.

    Attributes:
        have: the objects that people have, at the place where they are, and where they were predicted.
        turned_down: the labels that people took from boxes that are there, at those places.
        open: untouched predictions, of any run, about which people have not decided.
    """

    have: list[Spot] = field(default_factory=list)
    turned_down: list[Spot] = field(default_factory=list)
    open: list[Spot] = field(default_factory=list)


class Names:
    """Label names as the server has them now: a label can be renamed, and keeps its id."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names

    def of(self, number: object, otherwise: str = "") -> str:
        """The name of a label by its id; `otherwise` for an id that the server does not have."""
        return self._names.get(number, otherwise or f"label {number}") if isinstance(number, int) else otherwise


def decided(rows: Sequence[Row], names: Names, *, video: bool = False, until: float = -np.inf) -> Decided:
    """What the boxes of a file tell of people's decisions.

    Args:
        rows: the boxes, as the server gives them.
        names: the labels.
        video: whether boxes are in frames.
        until: when people last saw all boxes as they should be, see `approved_until`; what was there then is theirs.
    """
    found = Decided()
    for parts in objects(rows):
        reference = parsed(parts[0].reference)
        label = names.of(parts[0].label_id, reference.label if reference else "")
        now = Spot(label, parts[0].frame if video else None, _bounds(parts))
        changed = any(not row.untouched for row in parts) or _moved(now, parts[0], reference)
        if changed or (until > -np.inf and any(_came(row) < until for row in parts)):
            found.have.append(now)
            if reference:
                found.have.append(now._replace(corners=reference.corners))
            if reference and changed and reference.label != label:
                before = now._replace(label=reference.label, corners=reference.corners)
                found.turned_down.extend((before, before._replace(corners=now.corners)))
        else:
            found.open.append(now)
    return found


def _moved(now: Spot, row: Row, reference: Reference | None) -> bool:
    """Whether a box is elsewhere than where its reference says; of an outline the reference has other bounds."""
    return reference is not None and row.is_box and now.corners != reference.corners


def _came(row: Row) -> float:
    """When a box was stored, seconds since the epoch by the server's clock; infinite where that is unknown."""
    return moment(row.created_time) or np.inf


def approved_until(rows: Iterable[Row], found_completed: Iterable[float]) -> float:
    """When people last saw a file that they completed, seconds since the epoch; what was there before is approved.

    A packet changes the time of a file too, and leaves a completed file completed. So a change counts only where no
    packet brought a box at that time. Where people saved a box, they saw the others.

    Args:
        rows: the boxes of the file.
        found_completed: when it was last changed, each time that it was found completed; empty for one that is not.
    """
    times = np.array(list(found_completed))
    if not len(times):
        return -np.inf
    people, pushed = [-np.inf], [-np.inf]
    for row in rows:
        if (created := moment(row.created_time)) is not None:
            (pushed if _pushed(row) else people).append(created)
    by_packets = (np.abs(times[:, None] - np.array(pushed)) <= LOOKED_S).any(axis=1)
    return float(max([*times[~by_packets].tolist(), *people]))


def _pushed(row: Row) -> bool:
    """Whether a box is as a packet brought it, also where it was sent as people's work."""
    return row.untouched or (parsed(row.reference) is not None and not row.is_changed)


def spot_of(reference: object, number: object, names: Names) -> Spot | None:
    """What a box is of, by its reference and its label's id; None where the reference was not made here."""
    told = parsed(reference)
    return told and Spot(names.of(number, told.label), told.frame, told.corners)


def spots_of(contents: Contents, names: Names) -> dict[str, Spot]:
    """The predictions of a packet, by their references without the number of a part: one for each detection."""
    found: dict[str, Spot] = {}
    for shape in contents:
        if spot := spot_of(shape.creation_ref_id, shape.label_file_id, names):
            found.setdefault(detection(shape.creation_ref_id), spot)
    return found


def verdicts(
    predicted: Mapping[str, Spot], there: Decided, deleted: Sequence[Spot], *, iou: float
) -> tuple[dict[str, str], set[str]]:
    """Which predictions are not to be sent, and of which only what people deleted could tell more.

    A prediction that fits an open one better than anything that people decided is that one: of those that fit the same
    open one the best does. Of the others, people have it where one of their boxes covers it, however many predictions
    that box covers; else they have turned it down before where a box that they deleted does.

    Args:
        predicted: the predictions, by any key.
        there: what the boxes of the file tell.
        deleted: what people have deleted.
        iou: from this overlap on two boxes of one label are the same object; just this much counts.

    Returns:
        The codes of those that are not to be sent; and the keys of those that no box of the file accounts for.
    """
    codes: dict[str, str] = {}
    unknown: set[str] = set()
    for alike, keys in _grouped(predicted).items():
        mine = _corners(predicted[key].corners for key in keys)
        has = _best(mine, _at(there.have, alike), iou)
        was = _best(mine, _at(there.turned_down, alike), iou)
        gone = _best(mine, _at(deleted, alike), iou)
        known = _matched(mine, _at(there.open, alike), np.maximum(has, was), iou)
        for i, key in enumerate(keys):
            if i in known:
                continue
            if has[i] or was[i]:
                codes[key] = HAVE if has[i] else REJECTED
            elif gone[i]:
                codes[key] = REJECTED
            else:
                unknown.add(key)
    return codes, unknown


def _grouped(predicted: Mapping[str, Spot]) -> dict[tuple[str, int | None], list[str]]:
    found: dict[tuple[str, int | None], list[str]] = {}
    for key, spot in predicted.items():
        found.setdefault((spot.label, spot.frame), []).append(key)
    return found


def _at(spots: Iterable[Spot], alike: tuple[str, int | None]) -> NDArray[np.float64]:
    return _corners(spot.corners for spot in spots if (spot.label, spot.frame) == alike)


def _corners(corners: Iterable[Corners]) -> NDArray[np.float64]:
    return np.array(list(corners), np.float64).reshape(-1, 4)


def _best(mine: NDArray[np.float64], others: NDArray[np.float64], iou: float) -> NDArray[np.float64]:
    """(N,) the best overlap of each box with any of the others; 0 where none reaches the bound."""
    if not len(others):
        return np.zeros(len(mine))
    best: NDArray[np.float64] = iou_matrix(mine, others).max(axis=1)
    return np.where(best >= iou, best, 0.0)


def _matched(mine: NDArray[np.float64], others: NDArray[np.float64], than: NDArray[np.float64], iou: float) -> set[int]:
    """Which boxes are one of the others: the best overlap first, each once, where it is better than another one."""
    if not len(others):
        return set()
    overlap = iou_matrix(mine, others)
    fits = np.flatnonzero((overlap >= iou) & (overlap > than[:, None]))
    found: set[int] = set()
    taken: set[int] = set()
    for i, j in (divmod(at, len(others)) for at in fits[np.argsort(-overlap.ravel()[fits], kind="stable")].tolist()):
        if i not in found and j not in taken:
            found.add(i)
            taken.add(j)
    return found


def _bounds(parts: Sequence[Row]) -> Corners:
    """The bounds of a box, or of all parts of an outline."""
    if len(parts) == 1:
        return _corners_of(parts[0])
    left, top, right, bottom = zip(*map(_corners_of, parts), strict=True)
    return min(left), min(top), max(right), max(bottom)


def _corners_of(row: Row) -> Corners:
    if not (corners := row.outline):
        return row.corners
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
