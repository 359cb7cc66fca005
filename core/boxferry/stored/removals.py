"""What a replacing packet takes away is written into it: else its removals look like deletions by people later.

The server keeps a packet's list as it was sent, keys that it does not know too. So any machine can tell afterwards
which boxes a push removed, and which ones people did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.destination import moment
from boxferry.packets.rows import Row, identities, identity
from boxferry.stored.beside import CHANGED as BESIDE_CHANGED
from boxferry.stored.beside import EQUAL as BESIDE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


CHANGED = "boxferry_changed"  #: likewise: when the file had last been changed as its boxes were read for the packet
EDITED = "boxferry_takes_edited"  #: likewise: those of the boxes that go which people had changed
PLANNED = "boxferry_planned"  #: likewise: when the push of the packet began to plan
READ = "boxferry_read"  #: likewise: when its boxes were read for the packet
REPLACES = "boxferry_replaces"  #: the key of a list's first box: the models whose boxes give way
TAKES_AWAY = "boxferry_takes_away"  #: the key of a list's first box: the references of the boxes that go
STORED = "boxferry_takes_stored"  #: likewise: when each of the boxes that go had been stored, in their order
HALVES = "boxferry_takes_halves"  #: likewise: those of which one row goes and another, which people changed, stays

NOTES = {TAKES_AWAY, STORED, HALVES, EDITED, CHANGED, PLANNED, READ, REPLACES, BESIDE, BESIDE_CHANGED}


def noted(listed: Sequence[Row], rows: Iterable[Row], *, changed: float, read: float = 0.0) -> list[Row]:
    """The boxes of a replacing packet, the first of them with the references of what the packet takes away.

    Args:
        listed: all that the packet's list holds; one box or more.
        rows: what the file holds at this moment.
        changed: when it was last changed, seconds since the epoch by the server's clock; 0 where unknown.
        read: when its boxes were read, likewise.
    """
    stay = identities(listed)
    kept = {box.reference for box in listed}
    going = [row for row in rows if row.reference and identity(row) not in stay]
    gone = {row.reference for row in going}
    stored = times_of(going)
    edited = {row.reference for row in going if not row.untouched} - kept
    notes = {TAKES_AWAY: sorted(gone - kept), STORED: [stored.get(name, 0.0) for name in sorted(gone - kept)]}
    notes |= {HALVES: sorted(gone & kept)} if gone & kept else {}
    notes |= {EDITED: sorted(edited)} if edited else {}
    return [Row({**listed[0], **notes, CHANGED: changed, READ: read}), *listed[1:]]


def times_of(rows: Iterable[Row]) -> dict[str, float]:
    """When each box had been stored, by its reference, seconds since the epoch by the server's clock."""
    found: dict[str, float] = {}
    for row in rows:
        if (made := moment(row.created_time)) is not None:
            found[row.reference] = max(made, found.get(row.reference, 0.0))
    return found


def taken_away(listed: Iterable[Row]) -> set[str] | None:
    """The references of what a replacing packet has taken away; None where the packet does not tell."""
    for box in listed:
        if isinstance(found := box.get(TAKES_AWAY), list):
            return {reference for reference in found if isinstance(reference, str)}
    return None


def changed_before(listed: Iterable[Row]) -> float:
    """When a file had last been changed as its boxes were read for a replacing packet; 0 where that does not tell.

    What came later went by the packet, though it does not tell so.
    """
    return time_under(CHANGED, listed)


def read_at(listed: Iterable[Row]) -> float:
    """When a file's boxes were read for a replacing packet; 0 where that does not tell."""
    return time_under(READ, listed)


def time_under(key: str, listed: Iterable[Row]) -> float:
    """A moment that a packet tells, seconds since the epoch by the server's clock; 0 where it does not."""
    times = (found for box in listed if isinstance(found := box.get(key), int | float))
    return float(next(times, 0.0))


def stored_before(listed: Iterable[Row]) -> dict[str, float]:
    """When the boxes that a replacing packet has taken away had been stored, by reference, as far as it tells."""
    for box in listed:
        names, times = box.get(TAKES_AWAY), box.get(STORED)
        if isinstance(names, list) and isinstance(times, list):
            pairs = zip(names, times, strict=False)
            return {name: float(t) for name, t in pairs if isinstance(name, str) and isinstance(t, int | float) and t}
    return {}


def naming(listed: Sequence[Row], models: Collection[str], *, planned: float = 0.0) -> list[Row]:
    """The boxes of a replacing packet, the first of them with the names of the models whose boxes give way to it.

    Args:
        listed: all that the packet's list holds; one box or more.
        models: those models.
        planned: when the packet's push began to plan, seconds since the epoch by the server's clock; 0 where unknown.
    """
    notes = ({REPLACES: sorted(models)} if models else {}) | ({PLANNED: planned} if planned else {})
    return [Row({**listed[0], **notes}), *listed[1:]]


def as_sent(box: Row) -> Row:
    """A box without those notes."""
    return Row((name, value) for name, value in box.items() if name not in NOTES)
