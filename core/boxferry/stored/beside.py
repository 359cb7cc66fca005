"""What an appending packet finds beside its boxes is written into it: boxes that were sent alike, changed or not.

A save makes one of two equal boxes, and none of a box that people had changed before the other came. Afterwards the
server's rows are the same in both cases; its record of the packet tells them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.packets.reference import is_ours, place_in, whole
from boxferry.packets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

EQUAL = "boxferry_beside"  #: the key of a list's first box: the references of boxes that were sent alike, and are so
CHANGED = "boxferry_beside_changed"  #: likewise: of those that people had changed by then


def beside(listed: Sequence[Row], rows: Iterable[Row]) -> list[Row]:
    """The boxes of an appending packet, the first of them with what they come beside; as they are without any.

    Args:
        listed: the boxes that are sent.
        rows: what the file holds at this moment.
    """
    places = {place_in(whole(box.reference)) for box in listed}
    alike = [row for row in rows if is_ours(row.reference) and place_in(whole(row.reference)) in places]
    equal = {row.reference for row in alike if row.untouched}
    changed = {row.reference for row in alike} - equal
    if not alike:
        return list(listed)
    return [Row({**listed[0], EQUAL: sorted(equal), CHANGED: sorted(changed)}), *listed[1:]]


def named_under(key: str, listed: Iterable[Row]) -> set[str]:
    """The references that a packet's boxes have under a key."""
    named: list[Collection[object]] = [found for box in listed if isinstance(found := box.get(key), list)]
    return {reference for references in named for reference in references if isinstance(reference, str)}
