"""Carries one run to its end: unknown outcomes are looked up, what is queued is sent, what is accepted is watched."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from boxferry.deliver.backoff import Backoff
from boxferry.deliver.blockers import Blockers
from boxferry.deliver.budget import Budget
from boxferry.deliver.changed import changed_files
from boxferry.deliver.lookup import Lookup
from boxferry.deliver.reconcile import ASK_AGAIN_S, Reconciler
from boxferry.deliver.resend import Resender
from boxferry.deliver.sender import Sender
from boxferry.deliver.verify import read_back
from boxferry.deliver.watcher import Watcher
from boxferry.errors import StillProcessing, Unreachable
from boxferry.observing.events import during
from boxferry.observing.names import Stage
from boxferry.outbox.outcome import Outcome, State
from boxferry.plan.patience import PILOT_S
from boxferry.stored.stored_boxes import StoredBoxes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.destination import Client
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.plan.patience import Patience

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class SendingOptions:
    """How a run is brought to its end.

    Attributes:
        patience: how long is waited, and for what.
        verify: read back what is applied on the way: 'success' can mean that no box was stored.
        resend_stuck: send again what the server will never apply, as far as nothing of it is stored.
        unknown: the server may not know the run any more, whatever was applied before.
        earlier: packets that an earlier command left: they go out only where the ids of their files stand for the same
            files still, and after `recheck` was given those that are queued.
        recheck: looks once more at packets that were planned some time ago.
    """

    patience: Patience
    verify: bool
    resend_stuck: bool = False
    unknown: bool = False
    earlier: Sequence[Entry] = ()
    recheck: Callable[[Sequence[Entry]], None] = lambda _: None


def run_to_end(
    client: Client,
    outbox: Outbox,
    run: Run,
    options: SendingOptions,
    *,
    connections: int,
    on_change: Callable[[Entry, Outcome], None],
) -> str:
    """Go on with a run until nothing is left to do, or the time is over.

    Returns:
        What a server on which nothing moves is likely to have; empty where all has ended, or something moves.

    Raises:
        BoxferryError: what ended it early; the outbox knows the rest.
    """
    return _Course(client, outbox, run, options, connections=connections, on_change=on_change).run_to_end()


@dataclass(eq=False)
class _Course:
    """One way of a run through its steps; see `run_to_end`."""

    client: Client
    outbox: Outbox
    run: Run
    options: SendingOptions
    _: KW_ONLY
    connections: int
    on_change: Callable[[Entry, Outcome], None]

    def __post_init__(self) -> None:
        client, outbox, run, options, patience = self.client, self.outbox, self.run, self.options, self.options.patience
        self._ended: dict[int, tuple[Entry, Outcome]] = {}
        self._unsure: list[Entry] = []  # of the earlier ones, until it is known whether they have arrived
        self._budget = Budget(patience.budget_s)
        self._for_pilot = self._budget if patience.wait_s > 0 else Budget(PILOT_S)
        self._backoff = Backoff(
            patience=patience.failures, first_pause_s=patience.first_pause_s, limit_s=patience.budget_s
        )
        client.limit(lambda: min(self._budget.left_s, self._backoff.left_s))
        stored_boxes = StoredBoxes(client, run.directory_id)
        blockers = Blockers(client, stuck_s=patience.stuck_s, left_s=lambda: self._budget.left_s)
        self._lookup = Lookup(client, outbox, run, stored_boxes, blockers, settle_s=patience.settle_s)
        ask_again_s = min(ASK_AGAIN_S, patience.settle_s / 4)
        self._reconciler = Reconciler(self._lookup, outbox, run, on_change=self.on_change, ask_again_s=ask_again_s)
        self._watcher = Watcher(self._lookup, outbox, run, on_change=self._listen, stuck_s=patience.stuck_s)
        self._resender = Resender(self._lookup, outbox, run, resend=options.resend_stuck, on_change=self._listen)
        self._sender = partial(
            Sender,
            client,
            outbox,
            run,
            self._lookup,
            self._backoff,
            connections=self.connections,
            on_change=self._listen,
        )

    def _listen(self, entry: Entry, outcome: Outcome) -> None:
        if outcome.state in {State.APPLIED, State.REFUSED}:
            self._ended[entry.id] = entry, outcome
        self.on_change(entry, outcome)

    def run_to_end(self) -> str:
        """Take the steps until nothing is left to do."""
        self.outbox.recover(self.run.id)
        self._lookup.changed = changed_files(self.client, self.run.directory_id, self.options.earlier)
        self._asked(self._check_again)
        self._asked(self._resender.look)
        while True:
            self._asked(lambda: self._reconciler.reconcile(self._budget))
            self._asked(self._check_unsure)
            if self.options.patience.pilot:
                self._send_pilot()
            self._sender().send()
            if self.outbox.entries(self.run.id, (State.UNSURE,)):
                continue
            if not self._watched() or not self.outbox.waiting(self.run.id):
                break
        if self.options.verify:
            with during(Stage.VERIFY):
                read_back(self._lookup, self.outbox, self.run, self._ended, self._budget, on_change=self.on_change)
        return self._watcher.stalls.silence() if self.outbox.entries(self.run.id, (State.ACCEPTED,)) else ""

    def _check_again(self) -> None:
        """Let what was planned some time ago, and is certain not to be on the server, be looked at once more."""
        self._lookup.old = {entry.id for entry in self.options.earlier}
        waiting = [entry for entry in self.options.earlier if entry.state == State.QUEUED]
        self.options.recheck([entry for entry in waiting if entry.file_id not in self._lookup.changed])
        self._unsure = [entry for entry in self.options.earlier if entry.state in {State.SENDING, State.UNSURE}]

    def _check_unsure(self) -> None:
        """The same for what an earlier command may have sent, and has not."""
        queued = {entry.id for entry in self.outbox.entries(self.run.id, (State.QUEUED,))} if self._unsure else set()
        unsent = [entry for entry in self._unsure if entry.id in queued]
        self.options.recheck([entry for entry in unsent if entry.file_id not in self._lookup.changed])
        self._unsure = []

    def _asked(self, step: Callable[[], T]) -> T:
        """Take a step that only asks; a question that fails counts as one failure, as a packet does.

        Raises:
            Unreachable: too many in a row have failed, or for too long.
        """
        failed = False
        while True:
            try:
                answer = step()
            except Unreachable:
                if not self._backoff.failed():
                    raise
                failed = True
            else:
                if failed:  # else nothing may have been asked, and the packets' own failures go on counting
                    self._backoff.worked()
                return answer

    def _watched(self) -> bool:
        return self.options.patience.wait_s > 0 and self._asked(lambda: self._watcher.watch(self._budget))

    def _known(self) -> bool:
        """Whether the server knows the model and the run; annotations have none, and need not be known."""
        if self.options.unknown and self.run.model:  # a server that has lost boxes may have lost the run
            return any(outcome.state == State.APPLIED and entry.boxes for entry, outcome in self._ended.values())
        return not self.run.model or self.outbox.sent_before(self.run.id)

    def _send_pilot(self) -> None:
        """Send packets one by one until one is applied, so that the server makes its model and run once.

        Several packets of an unknown run, worked on at the same time, break: each of them makes those rows.

        Raises:
            StillProcessing: the time was over before the first packet was applied.
        """
        while not self._known() and (self.outbox.entries(self.run.id, (State.ACCEPTED,)) or self._next_pilot()):
            self._asked(lambda: self._reconciler.reconcile(self._budget))
            if self.options.patience.wait_s == 0 and not self.outbox.waiting(self.run.id):
                return  # it is accepted, and none follows that it would be waited for
            if not self._asked(lambda: self._watcher.watch(self._for_pilot, until=self._known)):
                silence = self._watcher.stalls.silence()
                raise StillProcessing(
                    "the first packet of the run, which is sent alone, is not applied yet"
                    + (f"; {silence}" if silence else "")
                )

    def _next_pilot(self) -> bool:
        waiting = self.outbox.waiting(self.run.id, filled=True)
        if waiting:
            self._sender().send_one()
        return waiting
