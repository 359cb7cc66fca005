"""What became of packets of which nobody is sure: the server is asked before anything is sent again.

A packet is unsure when its request may or may not have been carried out: no answer, a broken connection, a 5xx, or the
process ended while it was in flight. For each route there is a question whose answer is conclusive:

* A packet without a batch, unless it is an upload, was never posted: its batch is written down before it goes out.
* By URL and onto existing files: the server writes the input down before it answers, under the batch that the packet
  named; a batch is small enough for one list. Within it a new file is known by its `original_filename`, an update by
  its `file_id`. An input that is there says how far it is. One that is not there `settle_s` after the packet went out,
  longer than a server or a gateway works on a request, never will be.
* By upload: the image is in the directory under the name that the server makes of it, or it is not, `settle_s` after
  it went out. A file that holds all of the packet's boxes is done. Where the server's record shows that the boxes
  arrived and it is done with them, those that are missing are appended. A file that shows nothing of this packet is
  somebody else's: the upload goes out again, and is refused in the server's own words.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from boxferry.errors import StillProcessing
from boxferry.sending.evidence import ended
from boxferry.sending.outcome import Outcome, input_outcome
from boxferry.sending.updates import only_missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.sending.evidence import Evidence
    from boxferry.sending.outbox import Entry, Outbox, Run

SETTLE_S = 90.0
MOST_ATTEMPTS = 10
ASK_AGAIN_S = 1.0


class Reconciler:
    """Brings the unsure packets of one run to a state that is sure."""

    def __init__(
        self,
        evidence: Evidence,
        outbox: Outbox,
        run: Run,
        *,
        settle_s: float = SETTLE_S,
        limit_s: float = 600.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            evidence: asks the server.
            outbox: holds the packets.
            run: whose packets they are.
            settle_s: seconds after which a request that left no trace on the server never will.
            limit_s: seconds, beyond `settle_s`, after which the server is not waited for any more.
            clock: seconds since the epoch, as in the outbox.
            sleep: waits.
        """
        self._evidence = evidence
        self._outbox = outbox
        self._run = run
        self._settle_s = settle_s
        self._limit_s = limit_s
        self._clock = clock
        self._sleep = sleep

    def reconcile(self) -> None:
        """Ask until every unsure packet is decided.

        Raises:
            DiffgramError: the server cannot be asked; what is unsure stays so.
            StillProcessing: the server was at work on some of them until the time was over.
        """
        deadline = self._clock() + self._settle_s + self._limit_s
        while waiting := self._outbox.entries(self._run.id, ("unsure",)):
            outcomes = [(entry, self._ask(entry)) for entry in waiting]
            for entry, outcome in outcomes:
                if outcome is not None:
                    self._outbox.settle(entry.id, outcome)
            if undecided := sum(outcome is None for _, outcome in outcomes):
                if self._clock() > deadline:
                    raise StillProcessing(f"the server is still at work on {undecided} packets of which nobody is sure")
                self._sleep(min(ASK_AGAIN_S, self._settle_s / 4))

    def _ask(self, entry: Entry) -> Outcome | None:
        """What became of a packet; None while it cannot be known yet."""
        if entry.route == "upload":
            return self._ask_upload(entry)
        if entry.batch_id is None:
            return Outcome("queued")
        record = self._evidence.records(entry.batch_id).of(entry)
        if record is None:
            return self._unless_early(entry)
        outcome = input_outcome(record)
        if outcome is None or (outcome.state == "applied" and outcome.file_id is None):
            return Outcome("accepted", "", record.id, record.file_id)  # the watcher sees to its end, or to its clips
        return outcome

    def _unless_early(self, entry: Entry) -> Outcome | None:
        """Nothing of the packet is there: it may be sent again, as soon as it cannot arrive any more."""
        if self._clock() < entry.changed + self._settle_s:
            return None
        if entry.attempts >= MOST_ATTEMPTS:
            return Outcome("refused", f"given up after {entry.attempts} attempts: {entry.reason}")
        return Outcome("queued")

    def _ask_upload(self, entry: Entry) -> Outcome | None:
        file_id = self._evidence.file_named(entry.file_name)
        if file_id is None:
            return self._unless_early(entry)
        missing = self._evidence.missing(entry, file_id)
        if not missing:
            return Outcome("applied", "", None, file_id)
        records = self._evidence.own_records(entry, file_id)
        if not records or not ended(records):
            return self._unless_early(entry) if not records else None
        self._outbox.append_instead(entry.id, *only_missing(self._outbox.body(entry.id), file_id, missing))
        return Outcome("queued", "", None, file_id)
