"""What a file was like just before a packet went onto it: what people had completed, and which boxes went by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from boxferry.destination import moment
from boxferry.packets.reference import is_ours
from boxferry.packets.rows import identities, identity
from boxferry.stored import beside
from boxferry.stored.beside import named_under
from boxferry.stored.removals import (
    EDITED,
    HALVES,
    changed_before,
    read_at,
    stored_before,
    taken_away,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.packets.rows import Row


ROOT = "#"  #: what stands before the number of a box that bears no reference of ours


class Before(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a file was like, as far as a report has to know it to tell people's work from a packet's.

    Attributes:
        complete: whether people had completed it; None where that is not known.
        changed: when it had last been changed, seconds since the epoch by the server's clock; 0 where unknown.
        kept: the references of boxes that were there and stay; None where nothing was looked at.
        took: those of the boxes that go by the packet; None where that is not known.
        edited: those among them that people had changed.
        halves: name → reference, of the rows that have theirs in common with a row that people changed: a save that
            changed one of two equal boxes leaves the other so.
        twins: reference → the one of an equal box, which the server keeps in its place; where that bears none, or a
            row that people changed has it too, '#' and the number of its first row.
        read: whether the file's boxes were read for it; else it is what the packet itself tells.
        partly: whether other boxes may have gone too.
        newest: the highest number of its rows, as the server counts them; 0 where unknown.
        at: when its boxes were read, by the server's clock; 0 where unknown.
        stored: reference → when each of the boxes that go had been stored, likewise, as far as that is known.
        touched: those of the boxes that stay which people had changed.
        beside: those of equal boxes that were there, where that is all that is known of what was.
        made: '#' and the number of the first row of a box that stays and bears no reference of ours → when the row that
            was there came to be, likewise.
        tried: the references of those that only an earlier attempt would have taken, which may never have arrived.
        planned: when its push began to plan, likewise.
    """

    complete: bool | None = None
    changed: float = 0.0
    kept: list[str] | None = None
    took: list[str] | None = None
    edited: list[str] = []
    halves: dict[str, str] = {}
    twins: dict[str, str] = {}
    read: bool = False
    partly: bool = False
    newest: int = 0
    at: float = 0.0
    stored: dict[str, float] = {}
    tried: list[str] = []
    touched: list[str] = []
    planned: float = 0.0
    beside: list[str] = []
    made: dict[str, float] = {}

    def after(self, earlier: Before | None) -> Before:
        """The same for a packet that was on its way once before: what went then went by it too."""
        if earlier is None:
            return self
        found = msgspec.structs.replace(self, planned=earlier.planned)
        if earlier.took is None or self.took is None:
            return found
        return msgspec.structs.replace(
            found,
            complete=earlier.complete,
            changed=earlier.changed,
            stored={**earlier.stored, **self.stored},
            took=sorted({*earlier.took, *self.took}),
            tried=sorted({*earlier.took, *earlier.tried} - {*self.took}),
            edited=sorted({*earlier.edited, *self.edited}),
            halves={**earlier.halves, **self.halves},
            twins={**earlier.twins, **self.twins},
        )


_decoder = msgspec.json.Decoder(Before)


def encoded(before: Before | None) -> str:
    """As the outbox keeps it; empty where nothing is known."""
    return "" if before is None else msgspec.json.encode(before).decode()


def decoded(text: str) -> Before | None:
    """What the outbox has kept; None where nothing is known."""
    return _decoder.decode(text) if text else None


def was_complete(text: str) -> bool:
    """Whether people had completed a file, by what the outbox has kept of it."""
    before = decoded(text)
    return before is not None and bool(before.complete)


def replaced(
    rows: Sequence[Row],
    stay: Iterable[Row],
    new: Iterable[Row],
    *,
    complete: bool = False,
    changed: float = 0.0,
    at: float = 0.0,
) -> Before:
    """What a packet that replaces a file's boxes does to them: of equal boxes the server keeps one, the newest.

    Args:
        rows: what the file holds.
        stay: those of them that are sent back.
        new: the boxes that are sent beside them.
        complete: whether people have completed the file.
        changed: when it was last changed, seconds since the epoch by the server's clock.
        at: when its boxes were read, likewise.
    """
    new = list(new)
    wanted = identities(stay) | identities(new)
    left = {key: row for row in sorted(rows, key=_number) if (key := identity(row)) in wanted}
    gone = [row for row in rows if left.get(identity(row)) is not row]
    named = _named(rows)
    merged = [(_name(row, named), _name(left[key], named)) for row in [*gone, *new] if (key := identity(row)) in left]
    kept = {_name(row, named) for row in left.values()}
    return Before(
        complete=complete,
        changed=changed,
        kept=sorted(kept),
        took=sorted({_name(row, named) for row in gone} - kept),
        edited=sorted(_name(row, named) for row in gone if not row.untouched),
        halves={named[_number(row)]: row.reference for row in rows if _number(row) in named},
        twins={name: other for name, other in merged if name != other},
        read=True,
        newest=max(map(_number, rows), default=0),
        at=at,
        touched=sorted(_name(row, named) for row in left.values() if is_ours(row.reference) and not row.untouched),
        stored={_name(row, named): made for row in gone if (made := moment(row.created_time)) is not None},
        made={
            _root(row): made
            for row in left.values()
            if not is_ours(row.reference) and (made := moment(row.created_time)) is not None
        },
    )


def told(listed: Iterable[Row]) -> Before:
    """What a replacing packet tells of itself, whoever sent it: the rows that it sent back, and what it takes away.

    A packet of another program, or of an earlier version, does not tell the latter.
    """
    boxes = list(listed)
    there = [box for box in boxes if box.id is not None]
    new = [box for box in boxes if box.id is None and not box.comes_deleted]
    found, gone = replaced(there, there, new, changed=changed_before(boxes)), taken_away(boxes)
    halves = {
        f"{ROOT}{reference}": reference for reference in named_under(HALVES, boxes)
    }  # their rows' numbers are not noted
    took = sorted({*(found.took or ()), *(gone or ()), *halves})
    halves = {**found.halves, **halves}
    return msgspec.structs.replace(
        found,
        complete=None,
        took=took,
        edited=sorted(named_under(EDITED, boxes)),
        halves=halves,
        read=False,
        partly=gone is None,
        at=read_at(boxes),
        stored=stored_before(boxes),
    )


def told_beside(listed: Iterable[Row]) -> Before | None:
    """What an appending packet tells of itself: the boxes that were there and had been sent alike; None for nothing."""
    boxes = list(listed)
    equal, changed = named_under(beside.EQUAL, boxes), named_under(beside.CHANGED, boxes)
    return Before(beside=sorted(equal), touched=sorted(changed)) if equal or changed else None


def _number(row: Row) -> int:
    return int(row.id or 0)


def _named(rows: Iterable[Row]) -> dict[int, str]:
    """The names of rows that have one reference with a row that people changed: a save can split two equal boxes so."""
    changed: set[str] = set()
    found: dict[int, str] = {}
    for row in sorted(rows, key=lambda row: (row.untouched, _number(row))):
        name = _name(row, {})
        if name in changed:
            found[_number(row)] = _root(row)
        elif not row.untouched and not name.startswith(ROOT):
            changed.add(name)
    return found


def _name(row: Row, named: Mapping[int, str]) -> str:
    reference = row.reference
    return named.get(_number(row)) or (reference if is_ours(reference) else _root(row))


def _root(row: Row) -> str:
    return f"{ROOT}{row.root}"
