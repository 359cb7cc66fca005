"""Looks up packets whose outcome is unknown: the server is asked before anything is sent again.

The outcome is unknown when a request may or may not have been carried out: no answer, a broken connection, a 5xx, or
the process ended while it was in flight. For each route there is a question whose answer is conclusive:

* A packet without a batch, unless it is an upload, was never posted: its batch is written down before it goes out.
* By URL and onto existing files: the server writes the input down before it answers, under the batch that the packet
  named; a batch is small enough for one list. Within it a new file is known by its `original_filename`, an update by
  its `file_id`, and either by the references of its boxes. An input that is there says how far it is. One that is not
  there `settle_s` after the packet went out, by the server's clock, longer than a server or a gateway works on a
  request, never will be; nor one whose request the server has ended with an error of its own.
* By upload: the image is in the directory under the name that the server makes of it, or it is not, `settle_s` after
  it went out. A file that holds all of the packet's boxes is done. Where the server is done with it and boxes are
  missing, those are appended. A picture that it could not open has left a failed input. A file that shows nothing of
  this packet is another one: the upload goes out again, and is refused in the server's own words.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from boxferry.deliver.records import ended
from boxferry.errors import StillProcessing
from boxferry.outbox.kinds import Via
from boxferry.outbox.outcome import Outcome, State, input_outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.deliver.budget import Budget
    from boxferry.deliver.lookup import Lookup
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox

MOST_ATTEMPTS = 10
MOST_ERRORS = 3  #: how often a packet is sent that the server answers with an error of its own
ASK_AGAIN_S = 1.0


@dataclass(eq=False)
class Reconciler:
    """Brings the packets of one run whose outcome is unknown to a known state.

    Attributes:
        lookup: asks the server.
        outbox: holds the packets.
        run: whose packets they are.
        on_change: called with each packet that is decided.
        ask_again_s: seconds between two rounds.
    """

    lookup: Lookup
    outbox: Outbox
    run: Run
    _: KW_ONLY
    on_change: Callable[[Entry, Outcome], None]
    ask_again_s: float = ASK_AGAIN_S

    def reconcile(self, budget: Budget) -> None:
        """Ask until every such packet is decided.

        Raises:
            DiffgramError: the server cannot be asked; the outcomes stay unknown.
            StillProcessing: it was not known of some of them before the budget was spent.
        """
        with budget.waiting():
            while waiting := self.outbox.entries(self.run.id, (State.UNSURE,)):
                undecided = sum(not self._decided(entry) for entry in waiting)
                if undecided and not budget.pause(self.ask_again_s):
                    raise StillProcessing(f"the outcome of {undecided} packets is not known yet")

    def _decided(self, entry: Entry) -> bool:
        outcome = self._ask(entry)
        if outcome is not None:
            self.outbox.settle(entry.id, outcome, ended=self.lookup.now())
            self.on_change(entry, outcome)
        return outcome is not None

    def _ask(self, entry: Entry) -> Outcome | None:
        """What a packet came to; None while it cannot be known yet."""
        if entry.route == Via.UPLOAD:
            return self._ask_upload(entry)
        if entry.batch_id is None:
            return Outcome(State.QUEUED)
        record = self.lookup.records(entry.batch_id).of(entry)
        if record is None:
            return self._unless_early(entry)
        outcome = input_outcome(record)
        if outcome is None or (outcome.state == State.APPLIED and outcome.file_id is None):
            return Outcome(State.ACCEPTED, "", record.id, record.file_id)  # the watcher sees to its end, or its clips
        return outcome

    def _unless_early(self, entry: Entry) -> Outcome | None:
        """Nothing of the packet is there: it may be sent again, as soon as it cannot arrive any more."""
        if not self.lookup.settled(entry):
            return None
        if entry.attempts >= (MOST_ERRORS if entry.over else MOST_ATTEMPTS):
            return Outcome(
                State.REFUSED, f"given up after {entry.attempts} attempts: {entry.reason}", detail=entry.detail
            )
        return Outcome(State.QUEUED)

    def _ask_upload(self, entry: Entry) -> Outcome | None:
        file_id = self.lookup.file_named(entry.file_name)
        if file_id is None:
            return (entry.over and self.lookup.failed_upload(entry)) or self._unless_early(entry)
        missing = self.lookup.missing(entry, file_id)
        if not missing and not self.lookup.other_picture(entry, file_id):
            return Outcome(State.APPLIED, "", None, file_id)
        records = self.lookup.own_records(entry, file_id)
        if not records:
            return self._unless_early(entry)
        if not (entry.over or ended(records)):
            return None
        if not (left := missing - self.lookup.taken_since(file_id)):
            return Outcome(State.APPLIED, "", None, file_id)
        return self.lookup.append_rest(entry, file_id, left)
