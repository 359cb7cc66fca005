"""Takes a run out of the outbox, with all that is kept on this machine of it; the server is not asked."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.collector.waiting import waiting_beside
from boxferry.errors import UsageError
from boxferry.review.cache import cache_name
from boxferry.upkeep.retiring import COMING

if TYPE_CHECKING:
    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Attributes:
        run: the run as it was.
        packets: how many packets it had.
        unfinished: how many of them had not ended.
        waiting: how many images of it wait on disk still, as a collector left them.
    """

    run: Run
    packets: int
    unfinished: int
    waiting: int


def forget_run(outbox: Outbox, wanted: str, *, unfinished: bool = False) -> Forgotten:
    """Take a run out of an outbox; what the server has of it stays there, and `adopt` takes it up again.

    Args:
        outbox: the outbox.
        wanted: the run's number or name.
        unfinished: forget it although something of it has not ended, which is then not sent.

    Raises:
        OutboxError: there is no such run.
        OutboxBusy: another process is sending from the outbox.
        UsageError: something of the run has not ended.
    """
    with outbox.sending():
        run = outbox.find_run(wanted)
        found = Forgotten(run, *_counts(outbox, run), waiting=_waiting(outbox, run))
        if not unfinished:
            _check(found)
        outbox.forget(run.id)
        (Path(f"{outbox.path}.pull") / cache_name(run, outbox.identity)).unlink(missing_ok=True)
    return found


def _counts(outbox: Outbox, run: Run) -> tuple[int, int]:
    """How many packets a run has, and how many of them have not ended."""
    counts = {state: packets for state, (packets, _) in outbox.counts(run.id).items()}
    return sum(counts.values()), sum(packets for state, packets in counts.items() if state in COMING)


def _waiting(outbox: Outbox, run: Run) -> int:
    key = (run.host, run.project, run.model, run.name)
    heads = [(each, each.head) for each in waiting_beside(outbox.path)]
    return sum(each.images for each, head in heads if (head.host, head.project, head.model, head.run) == key)


def _check(found: Forgotten) -> None:
    run = found.run
    if found.unfinished or found.waiting:
        on_disk = f" and {found.waiting} images wait on disk" if found.waiting else ""
        raise UsageError(
            f"run {run.id} '{run.name}': {found.unfinished} packets are not finished{on_disk}: resume it (boxferry "
            f"resume {run.id}), or forget them too (boxferry status --forget {shlex.quote(str(run.id))} --unfinished)"
        )
