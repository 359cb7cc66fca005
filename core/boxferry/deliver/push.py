"""A push: predictions are planned, stored in the outbox and sent; and a plan that is carried out."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import ClassTable, class_text, classes_in
from boxferry.boxes.tally import Tally
from boxferry.deliver.facts import note_end, tallied
from boxferry.deliver.finish import looked_at, pending, result_of, send
from boxferry.deliver.listener import PluginListener, listening
from boxferry.deliver.recheck import Recheck, unless_completed
from boxferry.deliver.report import PlannedFile, PushResult, planned_file
from boxferry.deliver.run_to_end import SendingOptions
from boxferry.errors import UnknownLabel, UsageError
from boxferry.observing.events import during
from boxferry.observing.names import Fact, Stage
from boxferry.outbox.entry import Entry
from boxferry.outbox.outcome import State
from boxferry.plan.directories import place_of
from boxferry.plan.earlier import Earlier
from boxferry.plan.label_sync import note_labels
from boxferry.plan.make_planner import (
    Allowance,
    check_names,
    make_planner,
    plan_summary,
    planned_labels,
    unsent,
    with_deletions,
)
from boxferry.plan.plan_file import with_label_ids, writing_plan
from boxferry.plugins import plugin_manager
from boxferry.reading.predictions import Predictions
from boxferry.reading.read import read

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from boxferry.deliver.listener import Listener
    from boxferry.deliver.workspace import Workspace
    from boxferry.destination import Directory
    from boxferry.observing.observer import Facts
    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.plan.plan_file import Plan
    from boxferry.plan.planner import Planner
    from boxferry.plan.push_options import PushOptions
    from boxferry.plugins import Plugins


def push(
    workspace: Workspace,
    predictions: object,
    options: PushOptions,
    *,
    directory: str | int,
    model: str,
    run: str,
    listener: Listener | None = None,
) -> PushResult:
    """Send predictions to be corrected; see `Diffgram.push`.

    Raises:
        BoxferryError: nothing was sent.
    """
    facts: Facts = {Fact.MODEL.value: model, Fact.RUN.value: run, Fact.DIRECTORY.value: str(directory)}
    with during(Stage.PUSH, **facts) as span:
        workspace.client.limit(lambda: options.patience.budget_s)
        check_names(model=model, run=run)
        source = predictions if isinstance(predictions, Predictions) else read(predictions)
        dry_run = options.dry_run or options.plan is not None
        if not dry_run:
            workspace.client.check_role()
        place, created, near = place_of(workspace.client, directory, options)
        model = "" if options.annotations else model
        planning = partial(make_planner, workspace.client, source, place, options, model=model, run=run)
        if dry_run:
            with during(Stage.PLAN):
                result = _dry_run(workspace, planning(memory=workspace.memory()), place, options)
        else:
            with workspace.outbox.sending():
                with during(Stage.PLAN):
                    planner = planning(memory=workspace.memory())
                    planned = _planned(workspace, planner, place, options, listening(listener))
                result = _carried_out(workspace, planned, options)
        result = replace(result, directory_created=created, directory_near=near)
        note_end(span, result)
        return result


def _dry_run(workspace: Workspace, planner: Planner, place: Directory, options: PushOptions) -> PushResult:
    planned = (each for each in planner.entries() if isinstance(each, Entry))
    entries: Iterator[Entry] = (entry for entry in planned if entry.state == State.QUEUED)
    if options.plan is not None:
        entries = _filed(workspace, planner, place, options.plan, entries)
    with tallied(planner.tally):
        files, problem = _listed(entries)
    if problem is not None and options.plan is not None:
        raise problem
    note_labels(planner, workspace.sent_labels)
    return PushResult(
        tally=planner.tally,
        run=planner.earlier.run,
        outbox=str(workspace.outbox_path),
        labels_created=planner.labels.created,
        attributes_created=planner.attributes_created,
        planned=files,
        stopped=problem,
    )


def _listed(entries: Iterator[Entry]) -> tuple[list[PlannedFile], UnknownLabel | None]:
    """The files that would be sent, and which labels are missing: that is known at the end, and is one finding more."""
    files: list[PlannedFile] = []
    try:
        files.extend(map(planned_file, entries))
    except UnknownLabel as error:
        return files, error
    return files, None


def _filed(
    workspace: Workspace, planner: Planner, place: Directory, path: str | os.PathLike[str], entries: Iterator[Entry]
) -> Iterator[Entry]:
    head = workspace.head(place.id, planner.making.model, planner.making.run)
    return writing_plan(path, head, entries, partial(plan_summary, planner))


class _Planned(NamedTuple):
    """A run whose packets are stored, and what its sending needs besides."""

    planner: Planner
    run: Run
    told: PluginListener
    earlier: list[Entry]
    deleting: dict[str, int]


def _planned(
    workspace: Workspace, planner: Planner, place: Directory, options: PushOptions, listener: Listener
) -> _Planned:
    """Store the packets of a push in the outbox."""
    outbox = workspace.outbox
    run = workspace.run_of(workspace.head(place.id, planner.making.model, planner.making.run), source=planner.source)
    outbox.keep_directory(run.id, place.nickname or "")
    planner = replace(planner, earlier=Earlier(outbox, run))
    told = PluginListener(planner.predictions.plugins, listener, run)
    earlier, allowance = pending(outbox, run), Allowance(options)
    with tallied(planner.tally):
        outbox.add(run.id, allowance.passing(told.built(planner.entries())))
    _keep(workspace, planner, run)
    return _Planned(planner, run, told, earlier, allowance.deleting)


def _carried_out(workspace: Workspace, planned: _Planned, options: PushOptions) -> PushResult:
    planner, run = planned.planner, planned.run
    sending = SendingOptions(
        patience=options.patience,
        verify=options.verify,
        unknown=options.resend_missing,
        earlier=planned.earlier,
        recheck=looked_at(workspace, run, planner.tally, options),
    )
    with tallied(planner.tally):
        ending = send(workspace, run, sending, planned.told, planned.deleting)
    result = result_of(workspace, planner.tally, run, options.patience, ending)
    return replace(result, labels_created=planner.labels.created, attributes_created=planner.attributes_created)


def _keep(workspace: Workspace, planner: Planner, run: Run) -> None:
    """Keep with the run what is asked for when its boxes come home."""
    keep_classes(workspace.outbox, run, planner.classes, planner.tally)
    note_labels(planner, workspace.sent_labels)
    if planner.attributes is not None and (sources := planner.attributes.sources):
        workspace.outbox.keep_attributes(run.id, json.dumps(sources))


def carry_out(
    workspace: Workspace,
    plan: Plan,
    options: PushOptions,
    *,
    listener: Listener | None = None,
    plugins: Plugins | None = None,
) -> PushResult:
    """Send what a plan holds, and nothing else; see `Diffgram.carry_out`.

    Raises:
        UsageError: the plan is for another server or project, or deletes boxes of people and may not.
        BoxferryError: nothing was sent.
    """
    head = plan.head
    with during(Stage.CARRY_OUT, **{Fact.MODEL.value: head.model, Fact.RUN.value: head.run}) as span:
        result = _plan_carried_out(workspace, plan, options, listener=listener, plugins=plugins)
        note_end(span, result)
        return result


def _plan_carried_out(
    workspace: Workspace, plan: Plan, options: PushOptions, *, listener: Listener | None, plugins: Plugins | None
) -> PushResult:
    head, client, outbox = plan.head, workspace.client, workspace.outbox
    if (head.host, head.project) != workspace.here:
        raise UsageError(f"the plan is for project '{head.project}' on {head.host}: use that host and project")
    client.limit(lambda: options.patience.budget_s)
    client.check_role()
    place = client.find_directory(head.directory_id)
    ids, created = planned_labels(client, plan.summary)
    run, tally = workspace.run_of(head), Tally()
    outbox.keep_directory(run.id, place.nickname or "")
    told, allowance = PluginListener(plugins or plugin_manager(), listening(listener), run), Allowance(options)
    with outbox.sending(), tallied(tally):
        waiting = {entry.id for entry in pending(outbox, run)}
        entries = _still_wanted(workspace, plan, run, ids, options, tally)
        outbox.add(run.id, allowance.passing(told.built(with_deletions(client, head, entries))))
        keep_classes(outbox, run, table_of(plan.summary.classes), tally)
        ending = send(
            workspace,
            run,
            SendingOptions(
                patience=options.patience,
                verify=options.verify,
                earlier=pending(outbox, run),
                recheck=looked_at(workspace, run, tally, options, only=waiting),
            ),
            told,
            allowance.deleting,
        )
    return replace(result_of(workspace, tally, run, options.patience, ending), labels_created=created)


def _still_wanted(
    workspace: Workspace, plan: Plan, run: Run, ids: dict[int, int], options: PushOptions, tally: Tally
) -> list[Entry]:
    """The packets of a plan that go out, with what has changed on the server since it was made."""
    client, outbox = workspace.client, workspace.outbox
    entries = list(unsent(outbox, run, with_label_ids(plan.entries, ids), tally))
    named = options.replace_completed
    entries = list(unless_completed(client, plan.head.directory_id, entries, tally, replace_completed=named))
    if options.ask_again:
        return entries
    return list(Recheck(client, outbox, run, tally, iou=options.same_iou).without(entries))


def keep_classes(outbox: Outbox, run: Run, found: ClassTable, tally: Tally) -> None:
    """Add the classes of what was read to those that a run keeps; an id stays with the name that it had first.

    Args:
        outbox: keeps them.
        run: the run.
        found: what the source told while it was read.
        tally: notes where two sources contradict each other.
    """
    if found.clash:
        tally.note(Code.CLASS_IDS, f"{found.clash}: pull renumbers the classes of this run")
        return
    outbox.keep_classes(run.id, lambda kept: class_text(_joined(classes_in(kept), found.names(), tally)))


def _joined(kept: dict[int | str, str], found: dict[int | str, str], tally: Tally) -> dict[int | str, str]:
    for class_id, name in found.items():
        if kept.get(class_id, name) != name:
            tally.note(
                Code.CLASS_IDS,
                f"class {class_id} is '{name}', and '{kept[class_id]}' where the run was pushed before: pull keeps "
                "the earlier table, or takes another one with --names",
            )
            break
    return {**kept, **{class_id: name for class_id, name in found.items() if class_id not in kept}}


def table_of(pairs: list[tuple[int | str, str]]) -> ClassTable:
    """The table of classes that a plan holds."""
    table = ClassTable()
    table.learn(dict(pairs), "the plan")
    return table
