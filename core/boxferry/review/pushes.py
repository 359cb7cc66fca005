"""What came onto a file, out of the outbox, the server's inputs and the file's own rows, in its order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec.structs import replace as replace_fields

from boxferry.outbox.kinds import REPLACING, Mode
from boxferry.outbox.outcome import State
from boxferry.packets.contents import references_in
from boxferry.packets.reference import is_ours, origin, whole
from boxferry.review.applied import LAG_S, SETTLES_S, Push
from boxferry.review.judged import by_people, name_of
from boxferry.stored.before import Before, decoded, told, told_beside
from boxferry.stored.removals import changed_before, read_at, taken_away

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.destination import InputRecord
    from boxferry.outbox.entry import Entry
    from boxferry.review.judged import Stored

UNDER_WAY = (State.SENDING, State.ACCEPTED, State.UNSURE)
NEW = Before(complete=False, kept=[], took=[], read=True)  #: of a packet that made its file: nothing was there


def pushes_of(
    entries: Iterable[tuple[int, Entry]], run_id: int, stored: Sequence[Stored], others: Iterable[InputRecord] = ()
) -> list[Push]:
    """The packets of one file, whatever run they are of, in the order in which they were applied.

    Args:
        entries: those that the outbox has, each with its run.
        run_id: the run in question.
        stored: the boxes that the file has now.
        others: the server's inputs of the file that ended well, the oldest first; those that the outbox has count once.
    """
    known, records = list(entries), list(others)
    times, told_of = _times(stored), set().union(*(record.references for record in records))
    by_number = {record.id: record for record in records}
    twice = [
        (run, entry)
        for run, entry in known
        if (_found(entry) and references_in(entry.body) <= told_of) or (entry.input_id in by_number and _blind(entry))
    ]
    lent = {name for run, entry in twice if run == run_id for name in references_in(entry.body)}
    known = [each for each in known if each not in twice]
    found = [
        _of_entry(entry, by_number.get(entry.input_id), own=run == run_id)
        for run, entry in known
        if _counts(entry, times, told=bool(records))
    ]
    inputs = {entry.input_id for _, entry in known}
    found += [_of_input(each, own=bool(lent & each.references)) for each in records if each.id not in inputs]
    brought = {name for each in found for name in each.push.brought}
    return _in_order(_timed(found, times), _strangers(stored, brought))


SAME_S = 0.01  #: within which two readings of a file are the same one


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A packet, and what is known of its times beside the rows that it left.

    Attributes:
        number: the server's number of its input; 0 where unknown.
        made: when it was sent, or its input was made; 0 where unknown.
        at: when the file's boxes were read for it; 0 where unknown.
        push: the packet.
        read: when the file had last been changed as it was read back; 0 where it was not.
        ended: when the packet is known to have ended, or, of one from elsewhere, to have been made.
        elsewhere: whether it is known from the server alone.
        applied: when the server had applied it, as it tells itself; 0 where it does not.
    """

    number: int
    push: Push
    read: float
    ended: float
    elsewhere: bool
    made: float = 0.0
    at: float = 0.0
    applied: float = 0.0

    @property
    def anew(self) -> frozenset[str]:
        """The boxes that it can have brought."""
        return self.push.brought - (self.push.kept or frozenset()) - self.push.twins.keys()

    def timed(self, times: Mapping[str, float], until: float) -> Push:
        """The packet with its times.

        Args:
            times: when each box came that it has brought.
            until: when the next packet came. One that has left nothing there came before that, and before its end was
                known: it may have been read back long after, when people had changed the file.
        """
        rows = max((t for name in self.anew if (t := times.get(name, 0.0)) > self.made - SETTLES_S), default=0.0)
        rows = rows or self.applied
        if self.elsewhere:
            came = rows or self.ended
            waited, dated = self._waited(came), bool(rows)
            stood = came + (SETTLES_S if waited else LAG_S)
            return replace(self.push, came=came, stood=stood, settled=waited and dated, waited=waited, dated=dated)
        sound = self.read and self.read <= (rows or self.ended or inf) + LAG_S
        stood = self.read if sound else (rows or self.ended) + LAG_S
        came = rows or min(self.read or inf, self.ended or inf, until)
        settled = bool(sound) and self.read <= (rows + SETTLES_S if rows else self.ended)
        stood, waited = (
            stood if rows else min(stood, until + LAG_S),
            self._waited(rows or (came if settled else self.made)),
        )
        if waited and rows and not settled:  # people had the time to act before it: what is not later is its own change
            stood, settled = rows + SETTLES_S, True
        dated = bool(rows or settled)
        late = not dated and self._waited(self.ended)
        return replace(self.push, came=came, stood=stood, settled=settled, waited=waited, dated=dated, late=late)

    def can_have_brought(self, stored: float, ends: Iterable[float]) -> bool:
        """Whether it can be the one that brought a box.

        Args:
            stored: when the box had been stored.
            ends: when the packets that sent it were applied; 0 where that is unknown.
        """
        if not self.applied:
            return True
        since = stored - SETTLES_S
        return self.applied >= since and not any(since <= end < self.applied for end in ends)

    def _waited(self, applied: float) -> bool:
        """Whether it was applied long after the reading."""
        return applied > (self.at or self.made or inf) + LAG_S


def _timed(found: list[_Numbered], times: Mapping[str, float]) -> list[tuple[int, Push]]:
    """The packets with their times: a box that is there came with the last packet that brought it anew.

    So does one that a packet took, and tells when it had been stored, with the last one before that. Where the server
    tells when packets were applied, it came with the first that was not before it.
    """
    there, ends = dict(times), _ends(found)
    found = [replace(each, applied=_exactly(each, times)) for each in found]
    timed: list[tuple[int, Push]] = []
    until = inf
    for each in _latest_first(found):
        brought = each.push.brought - (each.push.kept or frozenset())
        mine = {name: t for name, t in there.items() if name in brought and each.can_have_brought(t, ends[name])}
        push = each.timed(mine, until if each.number else inf)
        timed.append((each.number, push))
        until = min(until, push.came) if each.number else until
        there = {name: t for name, t in there.items() if name not in mine} | dict(push.stored)
    return timed[::-1]


def _exactly(each: _Numbered, times: Mapping[str, float]) -> float:
    """When a packet was applied, where that is known in whole seconds: as rows tell that it has brought back."""
    told, kept = each.applied, each.push.kept if each.push.replaces else None
    back = (times.get(name, 0.0) for name in kept or ())
    return max((t for t in back if told <= t <= told + 1.0), default=told) if told else 0.0


def _latest_first(found: Iterable[_Numbered]) -> list[_Numbered]:
    """Packets by when they were applied, where that is known of all that have a number, else by their numbers."""
    numbered, others = [each for each in found if each.number], [each for each in found if not each.number]
    key = (lambda each: each.applied) if all(each.applied for each in numbered) else (lambda each: each.number)
    return [*sorted(numbered, key=key, reverse=True), *others]


def _ends(found: Iterable[_Numbered]) -> dict[str, list[float]]:
    """When the packets that sent a box were applied, as far as that is known."""
    ends: dict[str, list[float]] = {}
    for each in found:
        for name in each.push.brought:
            ends.setdefault(name, []).append(each.applied)
    return ends


def _times(stored: Iterable[Stored]) -> dict[str, float]:
    """When each box came that no person has saved since, by its reference."""
    return {name_of(box): box.created for box in stored if box.created and not by_people(box)}


def _counts(entry: Entry, times: Mapping[str, float], *, told: bool) -> bool:
    """Whether a packet was applied; where its end is not known yet: its boxes are there, or what it takes is gone.

    Where the server has `told` of its inputs, and has none of the packet, another one has done that.
    """
    if entry.state == State.APPLIED:
        return True
    before = decoded(entry.before)
    if before is not None and before.took:
        gone = not any(whole(name) in times for name in before.took)
        return gone and (not told or entry.input_id is not None)
    return any(whole(name) in times for name in references_in(entry.body))


def _found(entry: Entry) -> bool:
    """Whether an input tells more of a packet than the outbox does.

    Its boxes were on the server already, or it was sent and the outbox has not learned yet what came of it.
    """
    if entry.input_id or not entry.boxes:
        return False
    return entry.state in UNDER_WAY if entry.sent else entry.state == State.APPLIED


def _blind(entry: Entry) -> bool:
    """Whether a packet was sent from a copy of the outbox and not from here: what boxes it found is not known."""
    before = decoded(entry.before)
    return entry.mode in REPLACING and (before is None or before.kept is None)


def _of_entry(entry: Entry, record: InputRecord | None, *, own: bool) -> _Numbered:
    """A packet of the outbox; what its input tells is surer, where that is known.

    Its end can have been learned days after, and of what an attempt that never arrived would have taken, people can
    have deleted some before the next one.
    """
    before, replaces = decoded(entry.before), entry.mode in REPLACING
    if before is None and entry.mode == Mode.NEW:
        before = NEW
    if record and replaces and before:
        before = _as_applied(before, record)
    push = _push(references_in(entry.body), before, own=own, replaces=replaces)
    applied = record.applied if record else 0.0
    ended = applied or min((record.written if record else 0.0) or inf, entry.ended or entry.sent)
    at, made = before.at if before else 0.0, (record.created if record else 0.0) or entry.sent
    elsewhere = not entry.sent
    return _Numbered(entry.input_id or 0, push, entry.stood, ended, elsewhere, made=made, at=at, applied=applied)


def _as_applied(before: Before, record: InputRecord) -> Before:
    """What a replacing packet found, as its input tells: another attempt, or machine, can have sent it after this one.

    That one read the file anew. Of what only this attempt would have taken, people can have deleted some before.
    """
    boxes = record.boxes
    if before.at and (at := read_at(boxes)) and abs(at - before.at) > SAME_S:
        return told(boxes)
    gone, changed = taken_away(boxes), changed_before(boxes) or before.changed
    if gone is None or not before.took:
        return before
    stays = {name for name in before.took if is_ours(name) and name not in gone and name not in before.twins}
    return replace_fields(before, took=[name for name in before.took if name not in stays], tried=[], changed=changed)


def _push(brought: set[str], before: Before | None, *, own: bool, replaces: bool) -> Push:
    facts = before or Before()
    kept = None if facts.kept is None else _wholes(facts.kept)
    return Push(
        brought=_wholes(brought),
        own=own,
        replaces=replaces,
        complete=facts.complete,
        changed=facts.changed,
        kept=kept,
        took=_wholes(facts.took or ()) - (kept or frozenset()),
        whole=facts.took is not None and not facts.partly,
        edited=_wholes(facts.edited),
        halves={name: whole(reference) for name, reference in facts.halves.items()},
        twins={whole(name): whole(other) for name, other in facts.twins.items()},
        read=facts.read,
        newest=facts.newest,
        stored={whole(name): made for name, made in facts.stored.items()},
        tried=_wholes(facts.tried),
        touched=_wholes(facts.touched),
        beside=_wholes(facts.beside),
        made=facts.made,
    )


def _wholes(references: Iterable[str]) -> frozenset[str]:
    return frozenset(map(whole, references))


def _of_input(record: InputRecord, *, own: bool) -> _Numbered:
    """A packet of another sender: what it sent tells which rows it left there, and not what it found."""
    replaces, boxes = record.replaces, record.boxes
    new = {box.reference for box in boxes if box.id is None and box.reference}
    before = told(boxes) if replaces else _appended(record)
    push = _push(new, before, own=own, replaces=replaces)
    at, made = before.at if before else 0.0, record.created or 0.0
    ended, applied = record.written, record.applied
    return _Numbered(record.id or 0, push, 0.0, ended, elsewhere=True, made=made, at=at, applied=applied)


def _appended(record: InputRecord) -> Before | None:
    """What a packet that takes nothing away tells of its file."""
    return told_beside(record.boxes) if record.mode or record.parent_input_id is not None else NEW


def _strangers(stored: Iterable[Stored], brought: set[str]) -> list[Push]:
    """What other senders put there, as far as it is there as it came."""
    found: dict[str, dict[str, float]] = {}
    for box in stored:
        if not by_people(box) and name_of(box) not in brought:
            found.setdefault(origin(box.reference), {})[name_of(box)] = box.created
    return [
        Push(brought=frozenset(names), came=max(names.values()), stood=max(names.values()) + LAG_S, own=False)
        for names in found.values()
    ]


def _in_order(numbered: list[tuple[int, Push]], strangers: list[Push]) -> list[Push]:
    """By the numbers that the server gave them, unless their times tell otherwise; those without one by their times.

    The server works on several at a time: one can be applied after another of a higher number. Times never go back.
    """
    found: list[Push] = []
    for push in _by_application([push for number, push in sorted(numbered, key=itemgetter(0)) if number]):
        found.append(replace(push, came=max(push.came, found[-1].came if found else 0.0)))
    for push in [*(p for n, p in numbered if not n), *strangers]:
        place = next((i for i, other in enumerate(found) if other.came > push.came), len(found))
        found.insert(place, push)
    return found


def _by_application(pushes: Iterable[Push]) -> list[Push]:
    """Packets in the order of their numbers, each after those that are clearly older by their boxes."""
    found: list[Push] = []
    for push in pushes:
        place = len(found)
        while place and found[place - 1].came > push.came + SETTLES_S:
            place -= 1
        found.insert(place, push)
    return found
