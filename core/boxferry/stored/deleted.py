"""What people deleted of all that was ever sent to a file, whichever run and machine sent it; pure.

A file's inputs keep what was sent. What was applied and is not there any more was deleted by people, unless a packet
that replaces boxes took it away. Such packets say what they take away, see `removals`; what came after their file was
read for them goes by them, too. Of one that says nothing, as of another program or an earlier version, all that is not
in its list counts as taken away by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.outbox.outcome import was_applied
from boxferry.packets.reference import PREFIX, detection, is_ours
from boxferry.stored.decided import spot_of
from boxferry.stored.removals import changed_before, taken_away

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from boxferry.destination import InputRecord
    from boxferry.packets.rows import Row
    from boxferry.stored.decided import Names, Spot


DIGEST = len(PREFIX) + 17  #: characters of a reference that say which file, model and run


def deleted(
    inputs: Iterable[InputRecord],
    rows: Iterable[Row],
    names: Names,
    *,
    lost: Collection[int] = (),
    unsent: Collection[str] = (),
) -> list[Spot]:
    """The boxes that people deleted, as they were sent.

    Args:
        inputs: all of the file's, the oldest first.
        rows: the boxes that the file has.
        names: the labels.
        lost: inputs of which it is known that the server called them done and stored nothing.
        unsent: references of boxes that are known not to have arrived, whatever the inputs say.
    """
    there: dict[str, Spot] = {}
    came: dict[str, float] = {}
    for record in inputs:
        if not was_applied(record) or record.id in lost:
            continue
        listed = record.all_boxes
        brought = _spots((box for box in listed if box.reference not in unsent), names)
        if record.replaces:
            gone, changed = taken_away(listed), changed_before(listed)
            known = {place for place in there if came[place] <= changed}  # it took along what came after its reading
            stay = set[str]() if gone is None else known - set(map(_place, gone))
            there = {place: spot for place, spot in there.items() if place in stay}
        there |= brought
        came |= dict.fromkeys(brought, record.written)
    alive = {_place(row.reference) for row in rows if is_ours(row.reference)}
    return [spot for place, spot in there.items() if place not in alive]


def _spots(boxes: Iterable[Row], names: Names) -> dict[str, Spot]:
    found = ((box.reference, spot_of(box.reference, _label(box), names)) for box in boxes)
    return {_place(str(reference)): spot for reference, spot in found if spot}


def _label(box: Row) -> object:
    """The id of a box's label as it was sent; of a row that was sent back, people may have changed it."""
    return box.label_id if box.id is None else None


def _place(reference: str) -> str:
    """What a reference says of the box alone: two runs that sent the same box have it in common."""
    return detection(reference)[DIGEST:]
