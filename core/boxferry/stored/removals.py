"""What a replacing packet takes away is written into it: else its removals look like deletions by people later.

The server keeps a packet's list as it was sent, keys that it does not know too. So any machine can tell afterwards
which boxes a push removed, and which ones people did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.packets.rows import Row, identities, identity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


CHANGED = "boxferry_changed"  #: likewise: when the file had last been changed as its boxes were read for the packet
REPLACES = "boxferry_replaces"  #: the key of a list's first box: the models whose boxes give way
TAKES_AWAY = "boxferry_takes_away"  #: the key of a list's first box: the references of the boxes that go
HALVES = "boxferry_takes_halves"  #: likewise: those of which one row goes and another, which people changed, stays


def noted(listed: Sequence[Row], rows: Iterable[Row], *, changed: float) -> list[Row]:
    """The boxes of a replacing packet, the first of them with the references of what the packet takes away.

    Args:
        listed: all that the packet's list holds; one box or more.
        rows: what the file holds at this moment.
        changed: when it was last changed, seconds since the epoch by the server's clock; 0 where unknown.
    """
    stay = identities(listed)
    kept = {box.reference for box in listed}
    gone = {row.reference for row in rows if identity(row) not in stay} - {""}
    notes = {TAKES_AWAY: sorted(gone - kept), **({HALVES: sorted(gone & kept)} if gone & kept else {})}
    return [Row({**listed[0], **notes, CHANGED: changed}), *listed[1:]]


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
    times = (found for box in listed if isinstance(found := box.get(CHANGED), int | float))
    return float(next(times, 0.0))


def halves_of(listed: Iterable[Row]) -> set[str]:
    """The references of which a replacing packet has taken one row away and left another, as far as it tells."""
    named = [found for box in listed if isinstance(found := box.get(HALVES), list)]
    return {reference for references in named for reference in references if isinstance(reference, str)}


def naming(listed: Sequence[Row], models: Collection[str]) -> list[Row]:
    """The boxes of a replacing packet, the first of them with the names of the models whose boxes give way to it."""
    return [Row({**listed[0], REPLACES: sorted(models)}), *listed[1:]] if models else list(listed)


def given_way(listed: Iterable[Row]) -> set[str]:
    """The models whose boxes gave way to a replacing packet, as far as it tells."""
    named = [found for box in listed if isinstance(found := box.get(REPLACES), list)]
    return {model for models in named for model in models if isinstance(model, str)}


def as_sent(box: Row) -> Row:
    """A box without those notes."""
    return Row((name, value) for name, value in box.items() if name not in {TAKES_AWAY, HALVES, CHANGED, REPLACES})
