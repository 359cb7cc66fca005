"""Reads back what was applied: the server's success can mean that no box was stored, or that one was stored twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from boxferry.outbox.kinds import REPLACING, Mode
from boxferry.outbox.outcome import Outcome, State
from boxferry.packets.contents import is_of_video, references_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from boxferry.deliver.budget import Budget
    from boxferry.deliver.lookup import Lookup
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox

    Ended = Mapping[int, tuple[Entry, Outcome]]


FRAMES_S = 10.0  #: for how long boxes of a video may be missing after the server's success
PAUSE_S = 0.5


def read_back(
    lookup: Lookup,
    outbox: Outbox,
    run: Run,
    ended: Ended,
    budget: Budget,
    *,
    on_change: Callable[[Entry, Outcome], None],
) -> None:
    """Compare what the files hold with what was sent, as a multiset, and write down what differs.

    An applied packet of which boxes are missing counts as refused, so that the next push sends them again; one of which
    boxes are there twice, or whose file has a namesake in the directory, stays applied, with a reason. Of a refused one
    a part can be stored: its reason says so.

    What an earlier process did not come to read back is read back too, and what bears a reason is looked at again: the
    reason goes when it does not hold any more. Of these only what is there too often is judged: what is not there may
    have been removed by people since.

    Args:
        lookup: asks the server.
        outbox: has the packets.
        run: whose packets they are.
        ended: the packets that ended in this process, with their outcomes, by number.
        budget: of the time for which boxes of videos are waited for.
        on_change: called with each packet that counts as refused now.
    """
    applied = [entry for entry in outbox.unread(run.id) if entry.file_id is not None and entry.mode not in REPLACING]
    named = lookup.namesakes({entry.file_name for entry in applied if _made(entry)})
    applied = [_moved(entry, named.get(entry.file_name, ())) for entry in applied]
    refused = list(_refused(ended))
    stored = lookup.stored(dict(_files(outbox, [*applied, *refused])))
    _wait_for_frames(lookup, outbox, [entry for entry in applied if entry.id in ended], stored, budget)
    for entry in refused:
        _note_part(lookup, outbox, entry, ended[entry.id][1], stored)
    for entry in applied:
        if entry.id in ended and (missing := _missing(outbox, entry, stored)):
            outbox.settle(entry.id, missing, ended=lookup.now())
            on_change(entry, missing)
    outbox.set_checked(_judged(lookup, outbox, entry, stored, named.get(entry.file_name, ())) for entry in applied)


def _wait_for_frames(
    lookup: Lookup, outbox: Outbox, applied: list[Entry], stored: dict[int, Counter[str]], budget: Budget
) -> None:
    """Look again at videos of which boxes are missing: a server can call one done before its last frame is stored."""
    with budget.waiting():
        for _ in range(round(FRAMES_S / PAUSE_S)):
            missing = [entry for entry in applied if _missing(outbox, entry, stored)]
            late = {file_id: True for file_id, video in _files(outbox, missing) if video}
            if not late or not budget.pause(PAUSE_S):
                return
            stored |= lookup.stored(late)


def _made(entry: Entry) -> bool:
    """Whether a packet made the file, though it may have become one that appends to it."""
    return entry.mode == Mode.NEW or bool(entry.mark)


def _moved(entry: Entry, ids: Sequence[int]) -> Entry:
    """The packet with its file: where another one of the name is left, since one of two was removed, that one."""
    return msgspec.structs.replace(entry, file_id=ids[0]) if len(ids) == 1 else entry


def _refused(ended: Ended) -> Iterator[Entry]:
    for entry, outcome in ended.values():
        file_id = outcome.file_id or entry.file_id
        if outcome.state == State.REFUSED and file_id and entry.mode not in REPLACING:
            yield msgspec.structs.replace(entry, file_id=file_id)


def _files(outbox: Outbox, entries: list[Entry]) -> Iterator[tuple[int, bool]]:
    """The files that boxes went to, each with whether it is a video."""
    for entry in entries:
        if entry.boxes and entry.file_id is not None:
            yield entry.file_id, is_of_video(outbox.body(entry.id))


def _there(outbox: Outbox, entry: Entry, stored: Mapping[int, Counter[str]]) -> tuple[set[str], Counter[str]]:
    """The references of a packet's boxes, and how often its file has each of them."""
    wanted, there = references_in(outbox.body(entry.id)), stored.get(entry.file_id or 0, Counter())
    return wanted, Counter({reference: there[reference] for reference in wanted if reference in there})


def _note_part(
    lookup: Lookup, outbox: Outbox, entry: Entry, outcome: Outcome, stored: Mapping[int, Counter[str]]
) -> None:
    wanted, there = _there(outbox, entry, stored)
    if there:
        part = f"{outcome.reason}; {len(there)} of {len(wanted)} boxes are stored"
        outbox.settle(entry.id, outcome._replace(reason=part), ended=lookup.now())


def _missing(outbox: Outbox, entry: Entry, stored: Mapping[int, Counter[str]]) -> Outcome | None:
    wanted, there = _there(outbox, entry, stored)
    if missing := len(wanted) - len(there):
        reason = f"the server reports success, but {missing} of {len(wanted)} boxes are not stored"
        return Outcome(State.REFUSED, reason)
    return None


def _judged(
    lookup: Lookup, outbox: Outbox, entry: Entry, stored: Mapping[int, Counter[str]], ids: Sequence[int]
) -> Entry:
    """The packet with the reason that it bears now: what is there more often than it should be."""
    wanted, there = _there(outbox, entry, stored)
    reasons = []
    if len(ids) > 1:
        listed = ", ".join(map(str, ids))
        reasons.append(f"{len(ids)} files have its name (ids {listed}): remove all but one, then push again")
    if twice := sum(count > 1 for count in there.values()):
        reasons.append(f"{twice} of {len(wanted)} boxes are stored twice: run boxferry dedupe")
    return msgspec.structs.replace(entry, reason="; ".join(reasons), stood=lookup.stood.get(entry.file_id or 0, 0.0))
