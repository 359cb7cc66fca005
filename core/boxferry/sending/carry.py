"""Carries one run to its end: unknown outcomes are looked up, what is queued is sent, what is accepted is watched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from boxferry.errors import StillProcessing, Unreachable, UsageError
from boxferry.option_checks import check_words
from boxferry.sending.budget import Budget
from boxferry.sending.changed import changed_files
from boxferry.sending.circuit import Circuit
from boxferry.sending.evidence import SETTLE_S, Evidence
from boxferry.sending.holdings import Holdings
from boxferry.sending.outcome import Outcome, State
from boxferry.sending.reconcile import ASK_AGAIN_S, Reconciler
from boxferry.sending.resend import Resender
from boxferry.sending.sender import Sender
from boxferry.sending.stalls import STUCK_S
from boxferry.sending.verify import read_back
from boxferry.sending.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.diffgram.client import Client
    from boxferry.sending.outbox import Entry, Outbox, Run

T = TypeVar("T")

PILOT_S = 60.0  #: how long the first packet of a run is waited for where nothing else is


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long is waited, and for what.

    Attributes:
        wait_s: seconds that may be spent on waiting for the server, until it has applied everything; 0 does not wait
            for that, only for what has to be known before the next packet may go out.
        settle_s: seconds after which a request that left no trace on the server never will.
        stuck_s: seconds after which an input that does not move is suspected never to be applied.
        failures: how many calls in a row may fail before sending stops.
        first_pause_s: seconds to wait after the first failure; they double with each further one.
        pilot: whether the first packet of a run that the server does not know goes alone, and is waited for. Without it
            packets that the server works on at the same time can be lost there; for tests of just that.

    Raises:
        UsageError: a value is of another type, or below 0.
    """

    wait_s: float = 600.0
    settle_s: float = SETTLE_S
    stuck_s: float = STUCK_S
    failures: int = 8
    first_pause_s: float = 0.5
    pilot: bool = True

    def __post_init__(self) -> None:
        check_words(self)
        for name in ("wait_s", "settle_s", "stuck_s", "first_pause_s"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name}: {getattr(self, name)} s, expected 0 or more")

    @property
    def budget_s(self) -> float:
        """Seconds that may be spent on waiting of any kind."""
        return self.wait_s if self.wait_s > 0 else max(PILOT_S, self.settle_s)


def carry(
    client: Client,
    outbox: Outbox,
    run: Run,
    *,
    connections: int,
    patience: Patience,
    verify: bool,
    resend_stuck: bool = False,
    unknown: bool = False,
    earlier: Sequence[Entry] = (),
    recheck: Callable[[Sequence[Entry]], None] = lambda _: None,
    on_change: Callable[[Entry, Outcome], None],
) -> str:
    """Go on with a run until nothing is left to do, or the time is over.

    With `verify`, what was applied on the way is read back: 'success' can mean that no box was stored. Packets of
    `earlier` go out only where the ids of their files stand for the same files still, and after `recheck` was given
    those that are queued. With `unknown`, the server may not know the run any more, whatever was applied before.

    Returns:
        What a server on which nothing moves is likely to have; empty where all has ended, or something moves.

    Raises:
        BoxferryError: what ended it early; the outbox knows the rest.
    """
    return _Course(
        client,
        outbox,
        run,
        connections=connections,
        patience=patience,
        verify=verify,
        resend_stuck=resend_stuck,
        unknown=unknown,
        earlier=earlier,
        recheck=recheck,
        on_change=on_change,
    ).run_to_end()


class _Course:
    """One way of a run through its steps."""

    def __init__(
        self,
        client: Client,
        outbox: Outbox,
        run: Run,
        *,
        connections: int,
        patience: Patience,
        verify: bool,
        resend_stuck: bool,
        unknown: bool,
        earlier: Sequence[Entry],
        recheck: Callable[[Sequence[Entry]], None],
        on_change: Callable[[Entry, Outcome], None],
    ) -> None:
        self._client, self._earlier, self._recheck, self._unknown = client, earlier, recheck, unknown
        self._outbox, self._run, self._patience, self._verify = outbox, run, patience, verify
        self._on_change = on_change
        self._ended: dict[int, tuple[Entry, Outcome]] = {}
        self._unsure: list[Entry] = []  # of the earlier ones, until it is known whether they have arrived
        self._budget = Budget(patience.budget_s)
        self._circuit = Circuit(
            patience=patience.failures, first_pause_s=patience.first_pause_s, limit_s=patience.budget_s
        )
        client.limit(lambda: min(self._budget.left_s, self._circuit.left_s))
        holdings = Holdings(client, run.directory_id)
        self._evidence = Evidence(client, outbox, run, holdings, settle_s=patience.settle_s)
        ask_again_s = min(ASK_AGAIN_S, patience.settle_s / 4)
        self._reconciler = Reconciler(self._evidence, outbox, run, ask_again_s=ask_again_s)
        self._watcher = Watcher(self._evidence, outbox, run, on_change=self._listen, stuck_s=patience.stuck_s)
        self._resender = Resender(self._evidence, outbox, run, resend=resend_stuck, on_change=self._listen)
        self._sender = partial(
            Sender, client, outbox, run, self._evidence, self._circuit, connections=connections, on_change=self._listen
        )

    def _listen(self, entry: Entry, outcome: Outcome) -> None:
        if outcome.state in {State.APPLIED, State.REFUSED}:
            self._ended[entry.id] = entry, outcome
        self._on_change(entry, outcome)

    def run_to_end(self) -> str:
        """Take the steps until nothing is left to do."""
        self._outbox.recover(self._run.id)
        self._evidence.changed = changed_files(self._client, self._run.directory_id, self._earlier)
        self._asked(self._check_again)
        self._asked(self._resender.look)
        while True:
            self._asked(lambda: self._reconciler.reconcile(self._budget))
            self._asked(self._check_unsure)
            if self._patience.pilot:
                self._send_pilot()
            self._sender().send()
            if self._outbox.entries(self._run.id, (State.UNSURE,)):
                continue
            if not self._watched() or not self._outbox.waiting(self._run.id):
                break
        if self._verify:
            read_back(self._evidence, self._outbox, self._run, self._ended, self._budget)
        return self._watcher.stalls.silence() if self._outbox.entries(self._run.id, (State.ACCEPTED,)) else ""

    def _check_again(self) -> None:
        """Let what was planned some time ago, and is certain not to be on the server, be looked at once more."""
        self._evidence.old = {entry.id for entry in self._earlier}
        waiting = [entry for entry in self._earlier if entry.state == State.QUEUED]
        self._recheck([entry for entry in waiting if entry.file_id not in self._evidence.changed])
        self._unsure = [entry for entry in self._earlier if entry.state in {State.SENDING, State.UNSURE}]

    def _check_unsure(self) -> None:
        """The same for what an earlier command may have sent, and has not."""
        queued = {entry.id for entry in self._outbox.entries(self._run.id, (State.QUEUED,))} if self._unsure else set()
        unsent = [entry for entry in self._unsure if entry.id in queued]
        self._recheck([entry for entry in unsent if entry.file_id not in self._evidence.changed])
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
                if not self._circuit.failed():
                    raise
                failed = True
            else:
                if failed:  # else nothing may have been asked, and the packets' own failures go on counting
                    self._circuit.worked()
                return answer

    def _watched(self) -> bool:
        return self._patience.wait_s > 0 and self._asked(lambda: self._watcher.watch(self._budget))

    def _known(self) -> bool:
        """Whether the server knows the model and the run; annotations have none, and need not be known."""
        if self._unknown and self._run.model:  # a server that has lost boxes may have lost the run
            return any(outcome.state == State.APPLIED and entry.boxes for entry, outcome in self._ended.values())
        return not self._run.model or self._outbox.sent_before(self._run.id)

    def _send_pilot(self) -> None:
        """Send packets one by one until one is applied, so that the server makes its model and run once.

        Several packets of an unknown run, worked on at the same time, break: each of them makes those rows.

        Raises:
            StillProcessing: the time was over before the first packet was applied.
        """
        while not self._known() and (self._outbox.entries(self._run.id, (State.ACCEPTED,)) or self._next_pilot()):
            self._asked(lambda: self._reconciler.reconcile(self._budget))
            if not self._asked(lambda: self._watcher.watch(self._budget, until=self._known)):
                silence = self._watcher.stalls.silence()
                raise StillProcessing(
                    "the first packet of the run, which goes alone, is not applied yet"
                    + (f"; {silence}" if silence else "")
                )

    def _next_pilot(self) -> bool:
        waiting = self._outbox.waiting(self._run.id, filled=True)
        if waiting:
            self._sender().send_one()
        return waiting
