"""The rows of a file as boxes: each looked at on its own, parts of one outline put together, attributes by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.destination import PLAIN, figure_of, instance, reference_of
from boxferry.packets.reference import detection, is_ours, parsed
from boxferry.review.judged import Stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.destination import Instance
    from boxferry.review.attribute_names import AttributeNames


ODD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ValueError)  #: what odd rows raise
LARGEST = 2**31 - 1  #: of frames and tracks


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is no box.

    Attributes:
        code: the reason in a fixed word: 'unreadable-box' or 'no-area'.
        message: what is wrong with it.
        reference: its `creation_ref_id`, where it can be read.
        drawn: when a person made or changed it, seconds since the epoch by the server's clock; 0 where none did.
    """

    code: str
    message: str
    reference: str | None = None
    drawn: float = 0.0


@dataclass(slots=True)
class StoredRows:
    """What a file holds.

    Attributes:
        boxes: its boxes; the parts of one outline are one.
        left_out: the rows that are none.
    """

    boxes: list[Stored] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def stored_rows(
    rows: Iterable[msgspec.Raw], labels: Mapping[int, str], attributes: AttributeNames | None = None
) -> StoredRows:
    """The boxes among a file's rows.

    Args:
        rows: as the server gives them.
        labels: label_file_id → label.
        attributes: names the attributes of a box; None leaves them out.
    """
    found = StoredRows()
    for row in rows:
        try:
            box = instance(row)
            stored = _stored(box, labels, attributes)
        except ODD as error:
            message = f"the server's row is no box: {error}"
            found.left_out.append(LeftOut(Code.UNREADABLE_BOX, message, reference_of(row)))
            continue
        if stored is None:
            message = f"{_kind(box)} that encloses nothing is no box"
            found.left_out.append(LeftOut(Code.NO_AREA, message, box.creation_ref_id, _drawn(box)))
        else:
            found.boxes.append(stored)
    found.boxes = _joined(found.boxes)
    return found


def _drawn(box: Instance) -> float:
    by_hand = box.touched or not (box.machine_made or is_ours(box.creation_ref_id))
    return box.created if by_hand else 0.0


def readable(row: msgspec.Raw) -> bool:
    """Whether a row is of the form that a stored box has."""
    try:
        instance(row)
    except ODD:
        return False
    return True


def _kind(box: Instance) -> str:
    kind = box.type or "box"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _stored(box: Instance, labels: Mapping[int, str], attributes: AttributeNames | None) -> Stored | None:
    """A row as a box; None where it encloses nothing.

    Raises:
        ValueError: it is on no frame.
    """
    if box.frame_number is not None and not 0 <= box.frame_number <= LARGEST:
        raise ValueError(f"frame_number {box.frame_number}, expected 0 to {LARGEST}")
    number, figure = box.label_file_id, figure_of(box)
    if figure.bounds is None:
        return None
    return Stored(
        row_id=box.id,
        reference=box.creation_ref_id or "",
        label=labels.get(number or 0, f"label {number}"),
        corners=figure.bounds,
        score=box.score,
        machine_made=bool(box.machine_made),
        touched=box.touched,
        frame=box.frame_number,
        root=box.root_id or 0,
        created=box.created,
        member=box.member_created_id if isinstance(box.member_created_id, int) else None,
        rings=(figure.ring,) if figure.ring else (),
        shape="" if (box.type or "") in PLAIN else str(box.type),
        points=figure.points,
        number=box.number if box.number is not None and 0 <= box.number <= LARGEST else None,
        attributes=attributes.of(box.attribute_groups) if attributes and box.attribute_groups else {},
    )


def _joined(boxes: list[Stored]) -> list[Stored]:
    """The boxes, with parts of one outline that have one label as one box, at the place of the first.

    A part that stands there twice, as after a doubled packet, begins a second box.
    """
    found: dict[tuple[object, ...], list[Stored]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for place, box in enumerate(boxes):
        reference = parsed(box.reference) if box.rings else None
        if reference is None or reference.part is None:
            found[(place,)] = [box]
            continue
        seen[box.reference, box.label] += 1
        whole = detection(box.reference), box.label, seen[box.reference, box.label]
        found.setdefault(whole, []).append(box)
    return [_one(parts) for parts in found.values()]


def _one(parts: list[Stored]) -> Stored:
    """One box of the parts of an outline, in the order in which they were sent."""
    if len(parts) == 1:
        return parts[0]
    parts = sorted(parts, key=lambda part: _part_number(part.reference))
    lows = [min(part.corners[side] for part in parts) for side in (0, 1)]
    highs = [max(part.corners[side] for part in parts) for side in (2, 3)]
    return replace(
        parts[0],
        corners=(lows[0], lows[1], highs[0], highs[1]),
        rings=tuple(ring for part in parts for ring in part.rings),
        touched=any(part.touched for part in parts),
        machine_made=all(part.machine_made for part in parts),
        created=max(part.created for part in parts),
    )


def _part_number(reference: str) -> int:
    found = parsed(reference)
    return (found.part or 0) if found else 0
