"""What came onto a file, out of the outbox, the server's inputs and the file's own rows, in its order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from boxferry.diffgram.answers import moment
from boxferry.packets.contents import references_in
from boxferry.packets.reference import origin, whole
from boxferry.review.timeline import Push, by_people, name_of
from boxferry.sending.before import Before, decoded, told
from boxferry.sending.outcome import State
from boxferry.sending.target import REPLACING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.diffgram.answers import InputRecord
    from boxferry.review.fates import Stored
    from boxferry.sending.outbox import Entry

LAG_S = 10.0  #: how long after its rows a packet may go on changing the file
UPDATE_REPLACING = "update_with_existing"


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
    known = list(entries)
    times = _times(stored)
    numbered: list[tuple[int, Push]] = [
        (entry.input_id or 0, _of_entry(entry, times, own=run == run_id))
        for run, entry in known
        if entry.state == State.APPLIED or _has_come(entry, times)
    ]
    inputs = {entry.input_id for _, entry in known}
    numbered += [(record.id or 0, _of_input(record, times)) for record in others if record.id not in inputs]
    brought = {name for _, push in numbered for name in push.brought}
    return _in_order(numbered, _strangers(stored, brought))


def _times(stored: Iterable[Stored]) -> dict[str, float]:
    """When each box came that no person has saved since, by its reference."""
    return {name_of(box): box.created for box in stored if box.created and not by_people(box)}


def _has_come(entry: Entry, times: Mapping[str, float]) -> bool:
    """Whether a packet whose end is not known yet shows on the file: its boxes are there, or what it takes is gone."""
    before = decoded(entry.before)
    if before is not None and before.took:
        return not any(whole(name) in times for name in before.took)
    return any(whole(name) in times for name in references_in(entry.body))


def _of_entry(entry: Entry, times: Mapping[str, float], *, own: bool) -> Push:
    before, replaces = decoded(entry.before), entry.mode in REPLACING
    if before is None and entry.mode == "new":
        before = Before(complete=False, kept=[], took=[], read=True)
    push = _push(references_in(entry.body), before, own=own, replaces=replaces)
    rows = _came(push, times)
    if not entry.sent:  # made of the server's inputs and rows: the packet went out from elsewhere
        return replace(push, came=rows or entry.ended, stood=max(rows, entry.ended) + LAG_S)
    told = entry.stood and (not rows or entry.stood <= rows + LAG_S)
    stood = entry.stood if told else (rows or entry.ended or entry.sent) + LAG_S
    return replace(push, came=rows or entry.stood or entry.ended or entry.sent, stood=stood)


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
        twins={whole(name): whole(other) for name, other in facts.twins.items()},
        read=facts.read,
    )


def _wholes(references: Iterable[str]) -> frozenset[str]:
    return frozenset(map(whole, references))


def _came(push: Push, times: Mapping[str, float]) -> float:
    """When the boxes of a packet were stored, by those that are there as they came; 0 where none is."""
    fresh = push.brought - (push.kept or frozenset()) - push.twins.keys()
    return max((times[name] for name in fresh if name in times), default=0.0)


def _of_input(record: InputRecord, times: Mapping[str, float]) -> Push:
    """A packet of another sender: what it sent tells which rows it left there, and not what it found."""
    replaces, boxes = record.mode == UPDATE_REPLACING, record.boxes
    new = {str(box["creation_ref_id"]) for box in boxes if box.get("id") is None and box.get("creation_ref_id")}
    push = _push(new, told(boxes) if replaces else None, own=False, replaces=replaces)
    made, rows = record.created or 0.0, _came(push, times)
    written = moment(record.time_updated) or 0.0
    return replace(push, came=rows or made, stood=max(rows, made, written) + LAG_S)


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
    """By the numbers that the server gave them; those without one by their times. Time never goes back."""
    found: list[Push] = []
    for _, push in sorted(((n, p) for n, p in numbered if n), key=lambda pair: pair[0]):
        found.append(replace(push, came=max(push.came, found[-1].came if found else 0.0)))
    for push in [*(p for n, p in numbered if not n), *strangers]:
        place = next((i for i, other in enumerate(found) if other.came > push.came), len(found))
        found.insert(place, push)
    return found
