"""Learns from the server how accepted packets end, with few calls: one list a batch and round."""

from __future__ import annotations

import time
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from boxferry.deliver.stalls import Stalls
from boxferry.outbox.kinds import REPLACING
from boxferry.outbox.outcome import Outcome, State, input_outcome
from boxferry.plan.patience import STUCK_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.deliver.budget import Budget
    from boxferry.deliver.lookup import Lookup
    from boxferry.destination import InputRecord
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
AHEAD = 2  #: batches that are asked for while the server gets on
TOO_EARLY = "timing issue"  #: in the server's words for an update of a file that is still being processed
MOST_ATTEMPTS = 10
NO_RECORD = "the server has no record of it"
LOOKS = 8  #: into how many parts the time is cut after which a packet is stuck: how often the whole project is asked


@dataclass(eq=False)
class Watcher:
    """Follows the accepted packets of one run until each is applied, refused, stuck, or to be sent again.

    Attributes:
        lookup: asks the server.
        outbox: holds the packets.
        run: whose packets they are.
        on_change: called with each packet that has come to another state.
        stuck_s: seconds after which an input that does not move is suspect, see `Stalls`.
        clock: seconds.
    """

    lookup: Lookup
    outbox: Outbox
    run: Run
    _: KW_ONLY
    on_change: Callable[[Entry, Outcome], None]
    stuck_s: float = STUCK_S
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._look_every_s = self.stuck_s / LOOKS
        self._looked = self.clock()
        self.stalls = Stalls(stuck_s=self.stuck_s, clock=self.clock)

    def watch(self, budget: Budget, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Ask until every accepted packet has ended, `until` says so, or the budget is spent.

        The pauses grow while nothing changes, and are short again when something has. A server works on packets in
        their order, so a round asks for the first few batches only, unless nothing has changed there.

        Returns:
            False where the budget was spent.
        """
        pause, changed = FIRST_PAUSE_S, 0
        with budget.waiting():
            while not until() and (waiting := self.outbox.entries(self.run.id, (State.ACCEPTED,))):
                changed = self._look(waiting, most=AHEAD if changed else None)
                if changed == len(waiting):
                    continue
                if not budget.pause(pause):
                    return False
                pause = FIRST_PAUSE_S if changed else min(pause * 2, self._look_every_s, LONGEST_PAUSE_S)
        return True

    def _look(self, waiting: list[Entry], *, most: int | None) -> int:
        """One list for each of the first `most` batches, or for all; gives how many packets have ended."""
        self._look_at_project()
        ended = 0
        for batch_id in sorted({entry.batch_id or 0 for entry in waiting})[:most]:
            of_batch = [entry for entry in waiting if (entry.batch_id or 0) == batch_id]
            for entry, record in self.lookup.records_of(of_batch, batch_id, self.stalls):
                ended += self._settle(entry, record)
        return ended

    def _look_at_project(self) -> None:
        """Look at what the project has unfinished and newest, now and then: it tells whether the server works."""
        if self.clock() - self._looked >= self._look_every_s:
            self._looked = self.clock()
            self.stalls.see_unfinished(self.lookup.unfinished())
            self.stalls.see(self.lookup.newest())

    def _settle(self, entry: Entry, record: InputRecord | None) -> bool:
        outcome = input_outcome(record) if record else self.lookup.unless_early(entry, NO_RECORD)
        if record and outcome and outcome.state == State.APPLIED and outcome.file_id is None:
            outcome = self.lookup.split(entry, record, outcome)
        if record and outcome is None:
            outcome = self._stuck(record)
        if outcome is None:
            return False
        if outcome.state == State.REFUSED and TOO_EARLY in outcome.reason and entry.attempts < MOST_ATTEMPTS:
            outcome = Outcome(State.QUEUED, outcome.reason)
        outcome, stood = self.lookup.clash(entry, outcome), 0.0
        if record and outcome.state == State.APPLIED and entry.mode in REPLACING:
            outcome = self.lookup.compared(entry, record, outcome)
            stood = self.lookup.last_changed(entry.file_id or 0)
        self.outbox.settle(entry.id, outcome, ended=self.lookup.now(), stood=stood)
        self.on_change(entry, outcome)
        return True

    def _stuck(self, record: InputRecord) -> Outcome | None:
        reason = self.stalls.reason(record, video=record.media_type == "video")
        return Outcome(State.STUCK, reason, record.id, record.file_id) if reason else None
