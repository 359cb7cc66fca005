"""Carries one run to its end: what is unsure is looked up, what is queued is sent, what is accepted is watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.sending.circuit import Circuit
from boxferry.sending.evidence import Evidence
from boxferry.sending.holdings import Holdings
from boxferry.sending.outcome import Outcome
from boxferry.sending.reconcile import SETTLE_S, Reconciler
from boxferry.sending.sender import Sender
from boxferry.sending.target import REPLACING
from boxferry.sending.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.diffgram.client import Client
    from boxferry.sending.outbox import Entry, Outbox, Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long is waited, and for what.

    Attributes:
        wait_s: seconds until the server has applied everything; 0 does not wait for it.
        settle_s: seconds after which a request that left no trace on the server never will.
        failures: how many calls in a row may fail before sending stops.
        first_pause_s: seconds to wait after the first failure; they double with each further one.
    """

    wait_s: float = 600.0
    settle_s: float = SETTLE_S
    failures: int = 8
    first_pause_s: float = 0.5


def carry(
    client: Client,
    outbox: Outbox,
    run: Run,
    *,
    connections: int,
    patience: Patience,
    verify: bool,
    on_change: Callable[[Entry, Outcome], None],
) -> None:
    """Go on with a run until nothing is left to do, or the time is over.

    With `verify`, what was applied on the way is read back: 'success' can mean that no box was stored.

    Raises:
        BoxferryError: what ended it early; the outbox knows the rest.
    """
    applied: dict[int, tuple[Entry, Outcome]] = {}

    def listen(entry: Entry, outcome: Outcome) -> None:
        if outcome.state == "applied":
            applied[entry.id] = entry, outcome
        on_change(entry, outcome)

    outbox.recover(run.id)
    evidence = Evidence(client, outbox, run, Holdings(client, run.directory_id))
    reconciler = Reconciler(evidence, outbox, run, settle_s=patience.settle_s, limit_s=patience.wait_s)
    circuit = Circuit(patience=patience.failures, first_pause_s=patience.first_pause_s)
    watcher = Watcher(evidence, outbox, run, on_change=listen)
    while True:
        reconciler.reconcile()
        Sender(client, outbox, run, evidence, circuit, connections=connections, on_change=listen).send()
        if outbox.entries(run.id, ("unsure",)):
            continue
        if patience.wait_s <= 0 or not watcher.watch(patience.wait_s) or not outbox.entries(run.id, ("queued",)):
            break
    if verify:
        _read_back(evidence, outbox, list(applied.values()))


def _read_back(evidence: Evidence, outbox: Outbox, applied: list[tuple[Entry, Outcome]]) -> None:
    """Compare what the server holds with what was sent; a packet of which boxes are missing counts as refused."""
    for entry, outcome in applied:
        if entry.mode in REPLACING:
            continue  # looked at as soon as it was applied
        file_id = outcome.file_id or entry.file_id
        missing = evidence.missing(entry, file_id) if file_id is not None and entry.boxes else set()
        if missing:
            reason = f"the server says success, but {len(missing)} of {entry.boxes} boxes are not stored"
            outbox.settle(entry.id, Outcome("refused", reason))
