"""Reads back what was applied: the server's success can mean that no box was stored, or that one was stored twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from boxferry.packets.contents import references_in
from boxferry.sending.outcome import Outcome, State
from boxferry.sending.target import REPLACING

if TYPE_CHECKING:
    from boxferry.sending.evidence import Evidence
    from boxferry.sending.outbox import Entry, Outbox


def read_back(evidence: Evidence, outbox: Outbox, ended: list[tuple[Entry, Outcome]]) -> None:
    """Compare what the files hold with what was sent, as a multiset, and write down what differs.

    An applied packet of which boxes are missing counts as refused, so that the next push sends them again; one of which
    boxes are there twice stays applied, with a reason. Of a refused one a part can be stored: its reason says so.
    """
    looked_at = [
        (entry, outcome, file_id)
        for entry, outcome in ended
        if (file_id := outcome.file_id or entry.file_id) and entry.boxes and entry.mode not in REPLACING
    ]
    stored = evidence.stored({file_id: _is_video(outbox, entry) for entry, _, file_id in looked_at})
    for entry, outcome, file_id in looked_at:
        wanted = references_in(outbox.body(entry.id))
        if found := _difference(outcome, wanted, stored.get(file_id, Counter())):
            outbox.settle(entry.id, found, ended=evidence.now())


def _is_video(outbox: Outbox, entry: Entry) -> bool:
    return b'"frame_packet_map"' in outbox.body(entry.id)


def _difference(outcome: Outcome, wanted: set[str], stored: Counter[str]) -> Outcome | None:
    there = wanted & stored.keys()
    twice = sum(stored[reference] > 1 for reference in wanted)
    if outcome.state == State.REFUSED:
        part = f"{outcome.reason}; {len(there)} of {len(wanted)} boxes are stored"
        return outcome._replace(reason=part) if there else None
    if len(there) < len(wanted):
        reason = f"the server says success, but {len(wanted) - len(there)} of {len(wanted)} boxes are not stored"
        return Outcome(State.REFUSED, reason)
    if twice:
        return outcome._replace(
            reason=f"{twice} of {len(wanted)} boxes are stored twice: boxferry dedupe removes doubles"
        )
    return None
