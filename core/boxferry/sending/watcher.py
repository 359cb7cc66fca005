"""Learns from the server what became of accepted packets, with few calls: one list a batch and round."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from boxferry.sending.outcome import Outcome, input_outcome
from boxferry.sending.target import REPLACING

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.diffgram.answers import InputRecord
    from boxferry.sending.evidence import Evidence
    from boxferry.sending.outbox import Entry, Outbox, Run

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
AHEAD = 2  #: batches that are asked for while the server gets on
TOO_EARLY = "timing issue"  #: in the server's words for an update of a file that is still being processed
MOST_ATTEMPTS = 10


class Watcher:
    """Follows the accepted packets of one run until each is applied, refused, or to be sent again."""

    def __init__(
        self,
        evidence: Evidence,
        outbox: Outbox,
        run: Run,
        *,
        on_change: Callable[[Entry, Outcome], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare; nothing is asked yet. `on_change` is told what became of each packet."""
        self._evidence = evidence
        self._outbox = outbox
        self._run = run
        self._on_change = on_change
        self._clock = clock
        self._sleep = sleep

    def watch(self, timeout_s: float) -> bool:
        """Ask until every accepted packet has ended, or for `timeout_s` seconds; tells whether all have ended.

        The pauses grow while nothing changes, and are short again when something has. A server works on packets in
        their order, so a round asks for the first few batches only, unless nothing has changed there.
        """
        deadline = self._clock() + timeout_s
        pause, changed = FIRST_PAUSE_S, 0
        while waiting := self._outbox.entries(self._run.id, ("accepted",)):
            changed = self._look(waiting, most=AHEAD if changed else None)
            if changed == len(waiting):
                continue
            if self._clock() + pause > deadline:
                return False
            self._sleep(pause)
            pause = FIRST_PAUSE_S if changed else min(pause * 2, LONGEST_PAUSE_S)
        return True

    def _look(self, waiting: list[Entry], *, most: int | None) -> int:
        """One list for each of the first `most` batches, or for all; gives how many packets have ended."""
        ended = 0
        for batch_id in sorted({entry.batch_id or 0 for entry in waiting})[:most]:
            records = self._evidence.records(batch_id)
            for entry in (e for e in waiting if e.batch_id == batch_id):
                ended += self._settle(entry, records.of(entry))
        return ended

    def _settle(self, entry: Entry, record: InputRecord | None) -> bool:
        outcome = input_outcome(record) if record else None
        if record and outcome and outcome.state == "applied" and outcome.file_id is None:
            outcome = self._evidence.split(entry, record, outcome)
        if outcome is None:
            return False
        if outcome.state == "refused" and TOO_EARLY in outcome.reason and entry.attempts < MOST_ATTEMPTS:
            outcome = Outcome("queued", outcome.reason)
        outcome = self._evidence.clash(entry, outcome)
        if record and outcome.state == "applied" and entry.mode in REPLACING:
            outcome = self._evidence.compared(entry, record, outcome)
        self._outbox.settle(entry.id, outcome)
        self._on_change(entry, outcome)
        return True
