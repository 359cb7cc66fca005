"""A run brought to its end: what was planned goes out, what is accepted is watched, and the end is told."""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from boxferry.deliver.facts import note_end, run_facts, tallied
from boxferry.deliver.listener import PluginListener, listening
from boxferry.deliver.recheck import Recheck
from boxferry.deliver.report import PushResult
from boxferry.deliver.run_to_end import SendingOptions, run_to_end
from boxferry.errors import BoxferryError
from boxferry.observing import events
from boxferry.observing.names import Stage
from boxferry.outbox.entry import ENDED
from boxferry.outbox.outcome import State
from boxferry.plugins import plugin_manager

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from boxferry.boxes.tally import Tally
    from boxferry.deliver.listener import Listener
    from boxferry.deliver.workspace import Workspace
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.plan.patience import Patience
    from boxferry.plan.push_options import PushOptions
    from boxferry.plugins import Plugins


class Ending(NamedTuple):
    """How the sending of a run ended.

    Attributes:
        stopped: what ended it early, or None.
        silence: what a server on which nothing moves is likely to have; empty where something does.
    """

    stopped: BoxferryError | None
    silence: str = ""


def pending(outbox: Outbox, run: Run) -> list[Entry]:
    """The packets of a run that may still go out, decided on some time ago."""
    return outbox.entries(run.id, (State.QUEUED, State.SENDING, State.UNSURE, State.STUCK))


def looked_at(
    workspace: Workspace, run: Run, tally: Tally, asking: PushOptions, *, only: Collection[int] | None = None
) -> Callable[[Sequence[Entry]], None]:
    """What looks once more at packets that were planned some time ago; with `only`, at those that it numbers."""
    recheck = Recheck(workspace.client, workspace.outbox, run, tally, iou=asking.same_iou)

    def look(entries: Sequence[Entry]) -> None:
        recheck.shorten([entry for entry in entries if only is None or entry.id in only])

    return (lambda _: None) if asking.ask_again else look


def send(
    workspace: Workspace,
    run: Run,
    options: SendingOptions,
    listener: Listener,
    deleting: Mapping[str, int] = MappingProxyType({}),
) -> Ending:
    """Run to the end; what ended it early is given back, since the outbox knows the rest."""
    if deleting:
        listener.deleting(deleting)
    counts = workspace.outbox.counts(run.id)
    listener.started(sum(packets for state, (packets, _) in counts.items() if state not in ENDED))
    try:
        silence = run_to_end(
            workspace.client,
            workspace.outbox,
            run,
            options,
            connections=workspace.connections,
            on_change=listener.changed,
        )
    except BoxferryError as error:
        return Ending(error)
    finally:
        workspace.client.limit(lambda: math.inf)
    return Ending(None, silence)


def result_of(
    workspace: Workspace,
    tally: Tally,
    run: Run,
    patience: Patience,
    ending: Ending,
) -> PushResult:
    """What was done, with what the outbox has of the run now."""
    outbox = workspace.outbox
    states = outbox.counts(run.id)
    events.stands(run.id, states)
    return PushResult(
        tally=tally,
        run=run,
        outbox=str(workspace.outbox_path),
        states=states,
        failed=outbox.entries(run.id, (State.REFUSED, State.UNSURE, State.STUCK)),
        doubtful=outbox.doubtful(run.id),
        stopped=ending.stopped,
        silence=ending.silence,
        waited=patience.wait_s > 0,
    )


def go_on(
    workspace: Workspace,
    run: Run,
    options: SendingOptions,
    tally: Tally,
    asking: PushOptions,
    *,
    queue_missing: Callable[[Run, Tally], None] | None = None,
    listener: Listener | None = None,
    plugins: Plugins | None = None,
) -> PushResult:
    """Go on with a run of the outbox.

    Args:
        workspace: the project and its outbox.
        run: the run.
        options: how; which packets are looked at once more is found here.
        tally: counts what is not sent after all.
        asking: whether people are asked again what they have decided.
        queue_missing: queues what is gone from the server; None leaves it.
        listener: progress callbacks.
        plugins: the plugins that observe it; those that are installed where left out.

    Raises:
        OutboxBusy: another process is sending from this outbox.
        UsageError: the run belongs to another server or project.
    """
    workspace.check_run(run)
    with events.during(Stage.RESUME, **run_facts(run)) as span, tallied(tally):
        told = PluginListener(plugins or plugin_manager(), listening(listener), run)
        with workspace.outbox.sending():
            earlier = pending(workspace.outbox, run)
            if queue_missing is not None:
                queue_missing(run, tally)
            recheck = looked_at(workspace, run, tally, asking)
            options = replace(options, unknown=queue_missing is not None, earlier=earlier, recheck=recheck)
            ending = send(workspace, run, options, told)
        result = result_of(workspace, tally, run, options.patience, ending)
        note_end(span, result)
        return result
