"""A run is resumed: what waits on disk is sent, and what is in the outbox is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from boxferry.boxes.tally import Tally
from boxferry.collector.collecting import send_waiting, unfinished, waiting_of
from boxferry.deliver.finish import go_on
from boxferry.deliver.report import PushResult
from boxferry.plugins import plugin_manager
from boxferry.upkeep.check import checked_runs
from boxferry.upkeep.missing import Missing

if TYPE_CHECKING:
    from boxferry.deliver.listener import Listener
    from boxferry.deliver.run_to_end import SendingOptions
    from boxferry.deliver.workspace import Workspace
    from boxferry.outbox.entry import Run
    from boxferry.plan.patience import Patience
    from boxferry.plan.push_options import PushOptions
    from boxferry.plugins import Plugins


class ResumeKeywords(TypedDict, total=False):
    """The options of resuming a run; see `Diffgram.resume`."""

    wait_s: float | None
    patience: Patience | None
    verify: bool
    resend_stuck: bool
    resend_missing: bool
    ask_again: bool
    same_iou: float
    listener: Listener | None
    plugins: Plugins | None


def resume(
    workspace: Workspace,
    run: str,
    options: SendingOptions,
    *,
    resend_missing: bool,
    asking: PushOptions,
    listener: Listener | None,
    plugins: Plugins | None,
) -> PushResult:
    """Go on with a run; see `Diffgram.resume`.

    Raises:
        OutboxError: there is no such run, or another process is sending from this outbox (`OutboxBusy`).
        UsageError: the run belongs to another server or project.
    """
    plugins, tally = plugins or plugin_manager(), Tally()
    sent = [send_waiting(workspace, each, options.patience, plugins, tally) for each in waiting_of(workspace, run)]
    found = next((each.run for each in reversed(sent) if each and each.run), None)
    if sent and found is None:
        return PushResult(tally=tally, run=None, outbox=str(workspace.outbox_path))

    def queue_missing(run: Run, tally: Tally) -> None:
        Missing(workspace.client, workspace.outbox, run, tally).queue()

    return go_on(
        workspace,
        found or workspace.outbox.find_run(run),
        options,
        tally,
        asking,
        queue_missing=queue_missing if resend_missing else None,
        listener=listener,
        plugins=plugins,
    )


def to_resume(workspace: Workspace, *, missing: bool) -> list[str]:
    """The runs that `resume` has something to do for; with `missing`, those too of which something is gone."""
    found = unfinished(workspace)
    gone = [str(checked.run.id) for checked in checked_runs(workspace, None) if checked.amiss] if missing else []
    return [*found, *(run for run in gone if run not in found)]
