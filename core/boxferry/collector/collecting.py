"""How what a collector has left on disk is pushed: by the collector itself, and by `resume`."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place, Tally
from boxferry.collector.disk_queue import take_back
from boxferry.collector.disk_queue_format import HEAD
from boxferry.collector.disk_queue_push import DiskQueuePush, Doing
from boxferry.collector.waiting import asides, waiting_beside, waiting_in
from boxferry.deliver.finish import go_on
from boxferry.deliver.push import push
from boxferry.deliver.run_to_end import SendingOptions
from boxferry.errors import BoxferryError, OutboxBusy, OutboxError, UsageError
from boxferry.outbox.outcome import OPEN, UNSENT
from boxferry.outbox.turns import turn
from boxferry.plan.labels import label_ids
from boxferry.plan.options_file import read_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.collector.disk_queue_format import DiskQueueHead
    from boxferry.collector.waiting import Aside, Waiting
    from boxferry.deliver.report import PushResult
    from boxferry.deliver.workspace import Workspace
    from boxferry.outbox.entry import Run
    from boxferry.plan.patience import Patience
    from boxferry.plan.push_options import PushOptions
    from boxferry.plugins import Plugins
    from boxferry.reading.predictions import Predictions


log = logging.getLogger("boxferry.collector")


def check_collecting(options: PushOptions, min_score: float | None) -> None:
    """See that results can be sent like that.

    Raises:
        UsageError: the options would send nothing, or the score is not from 0 to 1.
    """
    if options.dry_run or options.plan is not None:
        raise UsageError("dry_run and plan cannot be combined with a collector: use push")
    if min_score is not None and not 0 <= min_score <= 1:
        raise UsageError(f"min_score: {min_score}, expected 0 to 1")


def within(options: PushOptions, wait_s: float) -> PushOptions:
    """The same, with at most so many seconds to wait for the end."""
    patience = options.patience
    return replace(options, patience=replace(patience, wait_s=min(patience.wait_s, wait_s)))


def doing(workspace: Workspace, head: DiskQueueHead, options: PushOptions, plugins: Plugins) -> Doing:
    """How what waits on disk of a run is pushed; the collectors and threads of a process take turns."""

    def pushed(predictions: Predictions, wait_s: float) -> PushResult:
        with turn(workspace.outbox_path):
            return push(
                workspace,
                replace(predictions, anonymous=True),
                within(options, wait_s),
                directory=head.directory,
                model=head.model,
                run=head.run,
            )

    labels = partial(label_ids, workspace.client, options.schema) if options.labels == "error" else None
    return Doing(pushed, head.images, labels, plugins, partial(_go_on, workspace, head, options))


def _go_on(workspace: Workspace, head: DiskQueueHead, options: PushOptions, wait_s: float) -> PushResult | None:
    """Send what earlier pushes of a run have left in the outbox; None where nothing is unsent."""
    unsent = [run for run in runs_of(workspace, head) if UNSENT & set(workspace.outbox.counts(run.id))]
    if not unsent:
        return None
    with turn(workspace.outbox_path):
        how = SendingOptions(patience=within(options, wait_s).patience, verify=options.verify)
        return go_on(workspace, unsent[-1], how, Tally(), options)


def runs_of(workspace: Workspace, head: DiskQueueHead) -> list[Run]:
    """The run that the results of a head go to, as the outbox has it, whichever process planned its packets."""
    return [run for run in workspace.runs() if _is_of(head, run)]


def _is_of(head: DiskQueueHead, run: Run) -> bool:
    """Whether results go to a run; a head has its directory's name or id, a run of an older outbox the id alone."""
    there = not run.directory or head.directory in {run.directory_id, str(run.directory_id), run.directory}
    return (head.model, head.run) == (run.model, run.name) and there


def settling(workspace: Workspace, options: PushOptions) -> Callable[[PushResult, float], PushResult]:
    """What waits for the end of what a push has sent."""

    def settle(result: PushResult, wait_s: float) -> PushResult:
        if result.run is None:
            return result
        with turn(workspace.outbox_path):
            patience = within(options, wait_s).patience
            how = SendingOptions(patience=patience, verify=options.verify)
            return go_on(workspace, result.run, how, Tally(), options)

    return settle


def waiting_here(workspace: Workspace) -> list[Waiting]:
    """What waits on disk for this project."""
    found = waiting_beside(workspace.outbox_path)
    return [each for each in found if (each.head.host, each.head.project) == workspace.here]


def waiting_of(workspace: Workspace, run: str) -> list[Waiting]:
    """What waits on disk of a run of this project.

    Args:
        workspace: the project and its outbox.
        run: the run's number in the outbox, its name, or 'model/run'.

    Raises:
        OutboxError: the runs of several models have that name.
    """
    own = waiting_here(workspace)
    outbox = workspace.known_outbox if own else None
    runs = outbox.runs() if outbox else []
    if numbered := [each for each in runs if str(each.id) == run]:
        return [each for each in own if _is_of(each.head, numbered[0])]
    found = [each for each in own if run in {each.head.run, f"{each.head.model}/{each.head.run}"}]
    if len(models := {each.head.model for each in found}) > 1:
        listed = ", ".join(f"{model}/{run}" for model in sorted(models))
        raise OutboxError(f"results of several runs '{run}' wait on disk: name one of {listed}")
    return found


def unfinished(workspace: Workspace) -> list[str]:
    """The runs of this project of which something waits, here or on the server, each as `resume` takes it."""
    runs = workspace.runs()
    heads = [each.head for each in waiting_here(workspace)]
    unknown = {f"{head.model}/{head.run}" for head in heads if not any(_is_of(head, run) for run in runs)}
    waiting = {run.id for run in runs if any(_is_of(head, run) for head in heads)}
    open_runs = [run for run in runs if OPEN & set(workspace.outbox.counts(run.id)) or run.id in waiting]
    return [*(str(run.id) for run in open_runs), *sorted(unknown)]


def send_waiting(
    workspace: Workspace, waiting: Waiting, patience: Patience, plugins: Plugins, tally: Tally
) -> PushResult | None:
    """Push what waits on disk of a run, and once more what was set aside; gives the last push's report.

    Raises:
        OutboxBusy: a collector that is running has some of it; the rest is pushed.
        BoxferryError: what keeps it from being pushed; it stays on disk.
    """
    folder = Path(waiting.folder)
    options = replace(read_options(waiting.head.options, f"{folder}/{HEAD}"), patience=replace(patience, wait_s=0.0))
    reports: list[PushResult] = []
    take_back(folder)
    way = doing(workspace, waiting.head, options, plugins)
    files = DiskQueuePush(folder, way, pushed=reports.append, note=log.warning)
    if problem := files.everything(lambda: 0.0):
        raise problem if isinstance(problem, BoxferryError) else OutboxError(f"{folder}: {problem}")
    if left := waiting_in(folder).images:
        name = f"{waiting.head.model}/{waiting.head.run}"
        raise OutboxBusy(f"{left} images of run '{name}' are being written or sent by another process; try again later")
    _count(tally, waiting, reports, asides(folder))
    return reports[-1] if reports else None


def _count(tally: Tally, waiting: Waiting, reports: Iterable[PushResult], aside: Iterable[Aside]) -> None:
    """Count what waited, what pushes of it have dropped, and what is set aside now."""
    tally.images += waiting.images + len(waiting.aside)
    tally.read += waiting.boxes + sum(each.boxes for each in waiting.aside)
    for report in reports:
        failed = report.tally.failed
        tally.dropped.update({code: n for code, n in report.tally.dropped.items() if code not in failed})
    for each in aside:
        tally.fail(Code.SET_ASIDE, each.reason, Place(each.image), boxes=each.boxes)
