"""The facts about packets and runs that log lines and spans have."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boxferry.observing import events
from boxferry.observing.names import Fact, Metric
from boxferry.outbox.outcome import Outcome, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.tally import Tally
    from boxferry.deliver.report import PushResult
    from boxferry.observing.observer import Facts, Span
    from boxferry.outbox.entry import Entry, Run


def packet_facts(entry: Entry, outcome: Outcome | None = None) -> Facts:
    """Those about a packet, and about what it has come to."""
    facts: Facts = {
        Fact.PACKET.value: entry.id,
        Fact.FILE.value: entry.file_name,
        Fact.ROUTE.value: str(entry.route),
        Fact.BOXES.value: entry.boxes,
    }
    if file_id := (outcome and outcome.file_id) or entry.file_id:
        facts[Fact.FILE_ID.value] = file_id
    if outcome is not None:
        facts[Fact.STATE.value] = str(outcome.state)
    if outcome is not None and outcome.reason:
        facts[Fact.REASON.value] = outcome.reason
    return facts


def entry_facts(entry: Entry) -> Facts:
    """Those about a packet as the outbox has it."""
    return packet_facts(entry, Outcome(State(entry.state), entry.reason))


@contextmanager
def tallied(tally: Tally) -> Iterator[None]:
    """Report what the tally gains inside, also where that ends with an error."""
    images, read, dropped, failed = tally.images, tally.read, Counter(tally.dropped), Counter(tally.failed)
    try:
        yield
    finally:
        events.count(Metric.IMAGES, tally.images - images)
        events.count(Metric.BOXES, tally.read - read)
        events.counts(Metric.DROPPED, tally.dropped - dropped)
        events.counts(Metric.ERRORS, tally.failed - failed)


def run_facts(run: Run) -> Facts:
    """Those about a run of the outbox."""
    return {Fact.MODEL.value: run.model, Fact.RUN.value: run.name, Fact.DIRECTORY.value: run.where}


def note_end(span: Span, result: PushResult) -> None:
    """Note on a step how it ended."""
    span.facts[Fact.EXIT_CODE.value] = result.exit_code
    if result.stopped is not None:
        span.facts[Fact.ERROR.value] = type(result.stopped).__name__
