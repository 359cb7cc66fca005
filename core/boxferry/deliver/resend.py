"""Looks at stuck packets again: the server may have applied them since, or they are to be sent once more."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from boxferry.deliver.stalls import Stalls
from boxferry.outbox.kinds import REPLACING
from boxferry.outbox.outcome import Outcome, State, input_outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.deliver.lookup import Lookup
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox


@dataclass(eq=False)
class Resender:
    """Brings stuck packets to another state, where there is reason to.

    Attributes:
        lookup: asks the server.
        outbox: holds the packets.
        run: whose packets they are.
        resend: send again what is stuck still, as far as nothing of it is stored.
        on_change: called with each packet that has come to another state.
    """

    lookup: Lookup
    outbox: Outbox
    run: Run
    _: KW_ONLY
    resend: bool
    on_change: Callable[[Entry, Outcome], None]

    def look(self) -> None:
        """Ask for every stuck packet of the run once.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        stuck = self.outbox.entries(self.run.id, (State.STUCK,))
        for batch_id in sorted({entry.batch_id or 0 for entry in stuck}):
            of_batch = [entry for entry in stuck if (entry.batch_id or 0) == batch_id]
            for entry, record in self.lookup.records_of(of_batch, batch_id, Stalls()):
                outcome = input_outcome(record) if record else Outcome(State.UNSURE, "the server has no record of it")
                if outcome is None and self.resend:
                    self.lookup.blockers.dead |= {record.id} if record and record.id is not None else set()
                    outcome = self._again(entry)
                if outcome is not None:
                    self.outbox.settle(entry.id, outcome, ended=self.lookup.now())
                    self.on_change(entry, outcome)

    def _again(self, entry: Entry) -> Outcome:
        """What of a stuck packet is to be sent: all of it, or the boxes that are not stored."""
        if entry.mode in REPLACING:
            return Outcome(State.QUEUED)
        file_id = entry.file_id or self.lookup.file_named(entry.file_name)
        if file_id is None:
            return Outcome(State.QUEUED)
        missing = self.lookup.missing(entry, file_id)
        if not missing:
            return Outcome(State.APPLIED, "", entry.input_id, file_id)
        return self.lookup.append_rest(entry, file_id, missing)
