"""How what a collector has left on disk is pushed: by the collector itself, and by `resume`."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.collector.spool import take_back
from boxferry.collector.spool_format import HEAD
from boxferry.collector.spool_push import Doing, SpoolPush
from boxferry.collector.waiting import asides, waiting_in
from boxferry.errors import BoxferryError, OutboxBusy, OutboxError, UsageError
from boxferry.outbox.outcome import OPEN
from boxferry.outbox.turns import turn
from boxferry.plan.options_file import read_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.boxes.tally import Tally
    from boxferry.collector.spool_format import SpoolHead
    from boxferry.collector.waiting import Aside, Waiting
    from boxferry.deliver.report import PushReport
    from boxferry.diffgram.settings import Server
    from boxferry.outbox.outbox import Outbox
    from boxferry.plan.patience import Patience
    from boxferry.plan.push_options import PushOptions
    from boxferry.plugins import Plugins
    from boxferry.reading.predictions import Predictions


log = logging.getLogger("boxferry.collector")


class Project(Protocol):
    """What is asked of the project that results on disk are for; `Diffgram` is one."""

    outbox_path: Path
    server: Server

    @property
    def outbox(self) -> Outbox:
        """The outbox, opened."""

    def waiting(self) -> list[Waiting]:
        """What waits on disk beside the outbox."""

    def labels(self, schema: str | None = None) -> Mapping[str, int]:
        """The project's labels and their ids."""

    def push(
        self, predictions: object, *, directory: str | int, model: str, run: str, options: PushOptions | None = None
    ) -> PushReport:
        """Send boxes to be corrected."""


def check_collecting(options: PushOptions, min_score: float | None) -> None:
    """See that results can be sent like that.

    Raises:
        UsageError: the options would send nothing, or the score is not from 0 to 1.
    """
    if options.dry_run or options.plan is not None:
        raise UsageError("a collector sends what it takes: dry_run and plan are for a push")
    if min_score is not None and not 0 <= min_score <= 1:
        raise UsageError(f"min_score: {min_score}, expected 0 to 1")


def within(options: PushOptions, wait_s: float) -> PushOptions:
    """The same, with at most so many seconds to wait for the end."""
    patience = options.patience
    return replace(options, patience=replace(patience, wait_s=min(patience.wait_s, wait_s)))


def doing(diffgram: Project, head: SpoolHead, options: PushOptions, plugins: Plugins) -> Doing:
    """How what waits on disk of a run is pushed; the collectors and threads of a process take turns."""

    def push(predictions: Predictions, wait_s: float) -> PushReport:
        with turn(diffgram.outbox_path):
            return diffgram.push(
                replace(predictions, anonymous=True),
                directory=head.directory,
                model=head.model,
                run=head.run,
                options=within(options, wait_s),
            )

    labels = partial(diffgram.labels, options.schema) if options.labels == "error" else None
    return Doing(push, head.images, labels, plugins)


def waiting_of(diffgram: Project, run: str) -> list[Waiting]:
    """What waits on disk of a run of this project.

    Args:
        diffgram: the project.
        run: the run's number in the outbox, its name, or 'model/run'.

    Raises:
        OutboxError: the runs of several models have that name.
    """
    place = (diffgram.server.host, diffgram.server.project)
    own = [each for each in diffgram.waiting() if (each.head.host, each.head.project) == place]
    runs = diffgram.outbox.runs() if own and diffgram.outbox_path.exists() else []
    if numbered := {(each.model, each.name) for each in runs if str(each.id) == run}:
        return [each for each in own if (each.head.model, each.head.run) in numbered]
    found = [each for each in own if run in {each.head.run, f"{each.head.model}/{each.head.run}"}]
    if len(models := {each.head.model for each in found}) > 1:
        listed = ", ".join(f"{model}/{run}" for model in sorted(models))
        raise OutboxError(f"results of several runs '{run}' wait on disk: name one of {listed}")
    return found


def unfinished(diffgram: Project) -> list[str]:
    """The runs of this project of which something waits, here or on the server, each as `resume` takes it."""
    place = (diffgram.server.host, diffgram.server.project)
    runs = [run for run in diffgram.outbox.runs() if (run.host, run.project) == place]
    heads = [each.head for each in diffgram.waiting() if (each.head.host, each.head.project) == place]
    waiting = {(head.model, head.run) for head in heads}
    known = {(run.model, run.name) for run in runs}
    open_runs = [run for run in runs if OPEN & set(diffgram.outbox.counts(run.id)) or (run.model, run.name) in waiting]
    return [*(str(run.id) for run in open_runs), *(f"{model}/{run}" for model, run in sorted(waiting - known))]


def send_waiting(
    diffgram: Project, waiting: Waiting, patience: Patience, plugins: Plugins, tally: Tally
) -> PushReport | None:
    """Push what waits on disk of a run, and once more what was set aside; gives the last push's report.

    Raises:
        OutboxBusy: a collector that is running has some of it; the rest is pushed.
        BoxferryError: what keeps it from being pushed; it stays on disk.
    """
    folder = Path(waiting.folder)
    options = replace(read_options(waiting.head.options, f"{folder}/{HEAD}"), patience=replace(patience, wait_s=0.0))
    reports: list[PushReport] = []
    take_back(folder)
    way = doing(diffgram, waiting.head, options, plugins)
    files = SpoolPush(folder, way, pushed=reports.append, note=log.warning)
    if problem := files.everything(lambda: 0.0):
        raise problem if isinstance(problem, BoxferryError) else OutboxError(f"{folder}: {problem}")
    if left := waiting_in(folder).images:
        name = f"{waiting.head.model}/{waiting.head.run}"
        raise OutboxBusy(f"{left} images of run '{name}' are being written or sent by another process; try again later")
    _count(tally, waiting, reports, asides(folder))
    return reports[-1] if reports else None


def _count(tally: Tally, waiting: Waiting, reports: Iterable[PushReport], aside: Iterable[Aside]) -> None:
    """Count what waited, what pushes of it have dropped, and what is set aside now."""
    tally.images += waiting.images + len(waiting.aside)
    tally.read += waiting.boxes + sum(each.boxes for each in waiting.aside)
    for report in reports:
        failed = report.tally.failed
        tally.dropped.update({code: n for code, n in report.tally.dropped.items() if code not in failed})
    for each in aside:
        tally.fail(Code.SET_ASIDE, each.reason, Place(each.image), boxes=each.boxes)
