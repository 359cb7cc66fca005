"""`Diffgram`: one project on one server, and the outbox that belongs to it; what users hold."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, Unpack

from boxferry.boxes.tally import Tally
from boxferry.collector.collecting import check_collecting, doing, send_waiting, unfinished, waiting_of, within
from boxferry.collector.collector import Collector
from boxferry.collector.spool_format import SpoolHead, folder_named, spool_folder
from boxferry.collector.waiting import waiting_beside
from boxferry.deliver.budget import Budget
from boxferry.deliver.carry import carry
from boxferry.deliver.completed import unless_completed
from boxferry.deliver.listener import Listener, Told
from boxferry.deliver.recheck import Recheck
from boxferry.deliver.report import PushReport, planned_file
from boxferry.diffgram.client import Client
from boxferry.diffgram.settings import Server, server_from_env
from boxferry.errors import BoxferryError, UsageError
from boxferry.outbox.outbox import ENDED, Entry, Outbox
from boxferry.outbox.outcome import State
from boxferry.outbox.run_classes import keep_classes, table_of
from boxferry.outbox.turns import turn
from boxferry.packets.contents import references_in
from boxferry.packets.reference import origin
from boxferry.plan.asked_rows import AskedRows
from boxferry.plan.earlier import Earlier
from boxferry.plan.label_sync import LabelSync, note_labels, to_create
from boxferry.plan.labels import choose_schema
from boxferry.plan.options_file import plain
from boxferry.plan.patience import Patience
from boxferry.plan.plan_file import PlanHead, with_label_ids, writing_plan
from boxferry.plan.prepare import (
    Allowance,
    Memory,
    check_names,
    plan_summary,
    planned_labels,
    prepared,
    unsent,
    with_deletions,
)
from boxferry.plan.push_options import PushOptions, given_options
from boxferry.plugins import plugin_manager
from boxferry.reading.predictions import Predictions
from boxferry.reading.read import read
from boxferry.stored.decided import SAME_IOU
from boxferry.stored.run_origin import model_of, read_origin
from boxferry.upkeep.adopt import Adopter
from boxferry.upkeep.check import Checker
from boxferry.upkeep.dedupe import SPARED, Deduper, DedupeReport
from boxferry.upkeep.missing import Missing
from boxferry.upkeep.nightly import NightlyReport, alone, earlier_runs, gone_on_with, quiet_push, tried
from boxferry.upkeep.retiring import Retiring

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from boxferry.collector.waiting import Waiting
    from boxferry.diffgram.answers import Directory, ModelRun
    from boxferry.outbox.outbox import Run
    from boxferry.plan.label_check import LabelCheck
    from boxferry.plan.plan_file import Plan
    from boxferry.plan.planner import Planner
    from boxferry.plan.push_options import PushKeywords
    from boxferry.plugins import Plugins
    from boxferry.upkeep.adopt import Adoption
    from boxferry.upkeep.check import Checked
    from boxferry.upkeep.retire import RetireReport


OUTBOX_VARIABLE = "BOXFERRY_OUTBOX"


def default_outbox(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the outbox is unless told otherwise: BOXFERRY_OUTBOX, or the user's state folder."""
    if named := environ.get(OUTBOX_VARIABLE):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_state_path("boxferry")) / "outbox.sqlite"


class Sending:
    """One project on a Diffgram server. Making it does no I/O; the outbox is opened at its first use.

    Use it as a context manager, or call `close`.
    """

    def __init__(
        self,
        server: Server,
        *,
        outbox: str | os.PathLike[str] | None = None,
        connections: int = 4,
        timeout_s: float = 60.0,
    ) -> None:
        """Say where.

        Args:
            server: host, project and credentials.
            outbox: the path of the outbox; see `default_outbox`.
            connections: how many packets are in flight at once.
            timeout_s: seconds to wait for an answer to one call.
        """
        if connections < 1:
            raise UsageError(f"connections: {connections}, expected 1 or more")
        self.server = server
        self.outbox_path = Path(outbox) if outbox else default_outbox()
        self._connections = connections
        self._client = Client(server, connections=connections, timeout_s=timeout_s)

    @classmethod
    def from_env(
        cls, *, host: str | None = None, project: str | None = None, outbox: str | os.PathLike[str] | None = None
    ) -> Self:
        """With the settings of the environment or the configuration file; see `server_from_env`.

        Raises:
            ConfigError: a setting is missing.
        """
        return cls(server_from_env(os.environ, host=host, project=project), outbox=outbox)

    def close(self) -> None:
        """Close the connections and the outbox."""
        self._client.close()
        if "outbox" in self.__dict__:
            self.outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def outbox(self) -> Outbox:
        """The outbox, opened.

        Raises:
            OutboxError: it cannot be opened.
        """
        return Outbox(self.outbox_path)

    def labels(self, schema: str | None = None) -> dict[str, int]:
        """The project's labels, name → `label_file_id`, of one schema or the default one."""
        return self._client.label_ids(choose_schema(self._client.schemas(), schema).id)

    def check_labels(self, names: Iterable[str], *, schema: str | None = None) -> LabelCheck:
        """Compare a model's classes with the project's labels: missing, near, twice, renamed, unused; changes nothing.

        Args:
            names: the classes.
            schema: the labels schema by name or id; the default one where left out.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        return self._labels(schema).check(names)

    def sync_labels(
        self, names: Iterable[str], *, schema: str | None = None, create: bool = False, near: bool = False
    ) -> LabelCheck:
        """Make the labels that a model's classes lack; only shown unless `create`.

        Args:
            names: the classes.
            schema: the labels schema by name or id; the default one where left out.
            create: make them.
            near: also those that the server has under a near name.

        Raises:
            UsageError: the server takes no label of such a name.
            DiffgramError: the server cannot be asked.
        """
        if create:
            return self._labels(schema).create(names, near=near)
        found = self._labels(schema).check(names)
        return replace(found, created=to_create(found, near=near))

    def _labels(self, schema: str | None) -> LabelSync:
        return LabelSync(self._client, choose_schema(self._client.schemas(), schema).id, self._sent_labels)

    def _sent_labels(self) -> dict[int, set[str]]:
        return self._memory().labels()

    def model_runs(self) -> list[ModelRun]:
        """The runs of models that the project's boxes came from, the oldest first."""
        return self._client.model_runs()

    def push(
        self,
        predictions: object,
        *,
        directory: str | int,
        model: str,
        run: str,
        options: PushOptions | None = None,
        listener: Listener | None = None,
        manner: PushOptions | None = None,
        **given: Unpack[PushKeywords],
    ) -> PushReport:
        """Send the boxes to be corrected; every packet is in the outbox before the first one goes out.

        Args:
            predictions: what `read` gave, or anything that it takes: results in memory, the path of a file or folder.
            directory: the directory on the server, by name or id.
            model: the model's name, on every box.
            run: the run's name, on every box; pushing the same run again sends only what is new.
            options: options that several pushes have in common; without any the images are uploaded.
            listener: progress callbacks, called from the sending threads.
            manner: the former name of `options`.
            given: the options of this push, which count before those of `options`; `PushOptions` has them all.

        Raises:
            UsageError: there is no option of a name, or a value cannot be (`OptionError`: two contradict each other).
            BoxferryError: nothing was sent: the source, the labels or the directory are not right, or the server
                cannot be reached. What goes wrong once sending has begun is in the report.
        """
        options = given_options(options, given, manner)
        self._client.limit(lambda: options.patience.budget_s)
        check_names(model=model, run=run)
        place = self._client.find_directory(directory)
        if not isinstance(predictions, Predictions):
            predictions = read(predictions)
        model = "" if options.annotations else model
        if options.dry_run or options.plan is not None:
            planner = prepared(self._client, predictions, place, options, model=model, run=run, memory=self._memory())
            return self._dry_run(planner, place, options)
        self._client.check_role()
        with self.outbox.sending():
            planner = prepared(self._client, predictions, place, options, model=model, run=run, memory=self._memory())
            return self._carry_out(planner, place, options, listener or Listener())

    def _memory(self) -> Memory:
        outbox = self.outbox if self.outbox_path.exists() else None
        return Memory(outbox, self.server.host, self.server.project)

    def asked(self, directory: str | int, *, same_iou: float = SAME_IOU, expected: int = 0) -> AskedRows:
        """What people have decided on the files of a directory, to compare boxes with before they are pushed.

        Args:
            directory: the directory on the server, by name or id.
            same_iou: see `PushOptions`.
            expected: about how many images are going to be compared; 0 where unknown.

        Raises:
            DiffgramError: the server cannot be asked, or has no such directory.
        """
        rows = AskedRows(self._client, self._client.find_directory(directory), iou=same_iou, expected=expected)
        if self.outbox_path.exists():
            rows.remember(self.outbox, self.server.host, self.server.project)
        return rows

    def collector(
        self,
        *,
        directory: str | int,
        model: str,
        run: str,
        options: PushOptions | None = None,
        manner: PushOptions | None = None,
        names: str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None = None,
        images: str | os.PathLike[str] | None = None,
        min_score: float | None = None,
        waiting: int = 1000,
        every_s: float = 5.0,
        close_s: float = 60.0,
        **given: Unpack[PushKeywords],
    ) -> Collector:
        """What an inference loop hands its results to: a context manager, called with each result.

        What goes wrong does not reach the loop, and the loop waits for no server and no disk; what happened to the
        results stands in its `report`. Without the server results wait on this machine, for the next collector of the
        run or for `resume`.

        Args:
            directory: the directory on the server, by name or id.
            model: the model's name.
            run: the run's name.
            options: options that several pushes have in common.
            manner: the former name of `options`.
            names: the classes' names, where the results have ids alone.
            images: the folder of the images, where the results do not say where they are; only those that results name
                are uploaded.
            min_score: leave boxes out whose score is under it.
            waiting: how many images may wait in memory.
            every_s: seconds between pushes.
            close_s: seconds that leaving the context takes at most.
            given: how the boxes are pushed, as in `push`.

        Raises:
            UsageError: an option makes no sense.
        """
        chosen = given_options(options, given, manner)
        check_names(model=model, run=run)
        check_collecting(chosen, min_score)
        head = SpoolHead(
            host=self.server.host,
            project=self.server.project,
            directory=directory,
            model=model,
            run=run,
            images="" if images is None else folder_named(images),
            options=plain(chosen),
        )
        plugins = plugin_manager()
        return Collector(
            spool_folder(self.outbox_path, head.host, head.project, str(directory), model, run),
            head,
            doing(self, head, chosen, plugins),
            options={"names": names, "plugins": plugins},
            min_score=min_score,
            settle=partial(self._settle, chosen),
            waiting=waiting,
            every_s=every_s,
            close_s=close_s,
        )

    def _settle(self, options: PushOptions, report: PushReport, wait_s: float) -> PushReport:
        """Wait for the end of what a push has sent."""
        if report.run is None:
            return report
        with turn(self.outbox_path):
            return self._go_on(report.run, within(options, wait_s).patience, Tally(), options, verify=options.verify)

    def waiting(self) -> list[Waiting]:
        """What collectors have left on disk beside the outbox, of every server and project; asks no server."""
        return waiting_beside(self.outbox_path)

    def unfinished(self, *, missing: bool = False) -> list[str]:
        """The runs of this project that `resume` has something to do for, each as it takes it; asks no server.

        With `missing` it does: runs of which something is gone from the server are among them.
        """
        found = unfinished(self)
        gone = [str(checked.run.id) for checked in self.check() if checked.amiss] if missing else []
        return [*found, *(run for run in gone if run not in found)]

    def _dry_run(self, planner: Planner, place: Directory, options: PushOptions) -> PushReport:
        planned = (each for each in planner.entries() if isinstance(each, Entry))
        entries: Iterator[Entry] = (entry for entry in planned if entry.state == State.QUEUED)
        if options.plan is not None:
            entries = self._filed(planner, place, options.plan, entries)
        files = [planned_file(entry) for entry in entries]
        note_labels(planner, self._sent_labels)
        return PushReport(
            tally=planner.tally,
            run=planner.earlier.run,
            outbox=str(self.outbox_path),
            labels_created=planner.labels.created,
            attributes_created=planner.attributes_created,
            planned=files,
        )

    def _filed(
        self, planner: Planner, place: Directory, path: str | os.PathLike[str], entries: Iterator[Entry]
    ) -> Iterator[Entry]:
        head = PlanHead(
            host=self.server.host,
            project=self.server.project,
            directory_id=place.id,
            model=planner.model,
            run=planner.run,
        )
        return writing_plan(path, head, entries, partial(plan_summary, planner))

    def _carry_out(self, planner: Planner, place: Directory, options: PushOptions, listener: Listener) -> PushReport:
        head = PlanHead(
            host=self.server.host,
            project=self.server.project,
            directory_id=place.id,
            model=planner.model,
            run=planner.run,
        )
        run = self._run_of(head, source=planner.source)
        planner = replace(planner, earlier=Earlier(self.outbox, run))
        listener = Told(planner.predictions.plugins, listener, run)
        earlier = self._pending(run)
        allowance = Allowance(options)
        self.outbox.add(run.id, allowance.passing(listener.built(planner.entries())))
        keep_classes(self.outbox, run, planner.classes, planner.tally)
        note_labels(planner, self._sent_labels)
        if planner.attributes is not None and (sources := planner.attributes.sources):
            self.outbox.keep_attributes(run.id, json.dumps(sources))
        ending = self._send(
            run,
            options.patience,
            listener,
            allowance.deleting,
            verify=options.verify,
            unknown=options.resend_missing,
            earlier=earlier,
            recheck=self._recheck(run, planner.tally, options),
        )
        report = self._report(planner.tally, run, options.patience, ending, planner.labels.created)
        return replace(report, attributes_created=planner.attributes_created)

    def _run_of(self, head: PlanHead, *, source: str = "") -> Run:
        return self.outbox.run(
            host=head.host,
            project=head.project,
            directory_id=head.directory_id,
            model=head.model,
            name=head.run,
            source=source,
        )

    def carry_out(
        self,
        plan: Plan,
        /,
        *,
        options: PushOptions | None = None,
        listener: Listener | None = None,
        plugins: Plugins | None = None,
        manner: PushOptions | None = None,
        **given: Unpack[PushKeywords],
    ) -> PushReport:
        """Send what a plan holds, and nothing else.

        A file of which this run has the same packet already is left out, so that a plan can be carried out again.

        Args:
            plan: what `read_plan` gave.
            options: `patience`, `verify`, `delete_people`, `replace_completed`, `ask_again` and `same_iou` count; the
                rest stands in the plan.
            listener: is told how it goes on, from the sending threads.
            plugins: the plugins that observe it; those that are installed where left out.
            manner: the former name of `options`.
            given: options of this call, as in `push`.

        Raises:
            UsageError: the plan is for another server or project, or deletes boxes of people and may not.
            BoxferryError: nothing was sent.
        """
        options = given_options(options, given, manner)
        head, summary = plan.head, plan.summary
        if (head.host, head.project) != (self.server.host, self.server.project):
            raise UsageError(f"the plan is for project '{head.project}' on {head.host}: name those settings")
        self._client.limit(lambda: options.patience.budget_s)
        self._client.check_role()
        self._client.find_directory(head.directory_id)
        ids, created = planned_labels(self._client, summary)
        run = self._run_of(head)
        tally, told = Tally(), Told(plugins or plugin_manager(), listener or Listener(), run)
        with self.outbox.sending():
            waiting = {entry.id for entry in self._pending(run)}
            entries = list(unsent(self.outbox, run, with_label_ids(plan.entries, ids), tally))
            named = options.replace_completed
            entries = list(unless_completed(self._client, head.directory_id, entries, tally, replace_completed=named))
            if not options.ask_again:
                entries = Recheck(self._client, self.outbox, run, tally, iou=options.same_iou).without(entries)
            allowance = Allowance(options)
            entries = with_deletions(self._client, head, entries)
            self.outbox.add(run.id, allowance.passing(told.built(entries)))
            keep_classes(self.outbox, run, table_of(summary.classes), tally)
            earlier = self._pending(run)
            ending = self._send(
                run,
                options.patience,
                told,
                allowance.deleting,
                verify=options.verify,
                earlier=earlier,
                recheck=self._recheck(run, tally, options, only=waiting),
            )
        return self._report(tally, run, options.patience, ending, created)

    def resume(
        self,
        run: str,
        *,
        patience: Patience | None = None,
        verify: bool = False,
        resend_stuck: bool = False,
        resend_missing: bool = False,
        ask_again: bool = False,
        same_iou: float = SAME_IOU,
        listener: Listener | None = None,
        plugins: Plugins | None = None,
    ) -> PushReport:
        """Go on with a run: look up unknown outcomes, send what is queued, watch what is accepted.

        What collectors of the run have left on disk is sent first, and what they have set aside is tried again.

        Args:
            run: its number or name; 'model/run' where several models have left results of one name on disk.
            patience: how long is waited, and for what.
            verify: read back what is applied now.
            resend_stuck: send again what the server will never apply, as far as nothing of it is stored.
            resend_missing: send again what was applied and is gone from the server, where no person removed it; files
                only where they were made from here and their pictures are still as they were.
            ask_again: send what waits also where people have decided about it since it was planned; see `PushOptions`.
            same_iou: see `PushOptions`.
            listener: called as it goes on, from the sending threads.
            plugins: the plugins that observe it; those that are installed where left out.

        Raises:
            OutboxError: there is no such run, or another process is sending from this outbox (`OutboxBusy`).
            UsageError: the run belongs to another server or project.
        """
        patience, plugins, tally = patience or Patience(), plugins or plugin_manager(), Tally()
        asking = PushOptions(ask_again=ask_again, same_iou=same_iou)
        sent = [send_waiting(self, each, patience, plugins, tally) for each in waiting_of(self, run)]
        found = next((each.run for each in reversed(sent) if each and each.run), None)
        if sent and found is None:
            return PushReport(tally=tally, run=None, outbox=str(self.outbox_path))
        return self._go_on(
            found or self.outbox.find_run(run),
            patience,
            tally,
            asking,
            verify=verify,
            resend_stuck=resend_stuck,
            resend_missing=resend_missing,
            listener=listener,
            plugins=plugins,
        )

    def _go_on(
        self,
        run: Run,
        patience: Patience,
        tally: Tally,
        asking: PushOptions,
        *,
        verify: bool,
        resend_stuck: bool = False,
        resend_missing: bool = False,
        listener: Listener | None = None,
        plugins: Plugins | None = None,
    ) -> PushReport:
        if (run.host, run.project) != (self.server.host, self.server.project):
            raise UsageError(f"run '{run.name}' belongs to project '{run.project}' on {run.host}: name those settings")
        told = Told(plugins or plugin_manager(), listener or Listener(), run)
        with self.outbox.sending():
            earlier = self._pending(run)
            if resend_missing:
                Missing(self._client, self.outbox, run, tally).queue()
            ending = self._send(
                run,
                patience,
                told,
                {},
                verify=verify,
                resend_stuck=resend_stuck,
                unknown=resend_missing,
                earlier=earlier,
                recheck=self._recheck(run, tally, asking),
            )
        return self._report(tally, run, patience, ending, [])

    def nightly(
        self,
        predictions: Callable[[], object],
        *,
        directory: str | int,
        model: str,
        run: str,
        options: PushOptions | None = None,
        listener: Listener | None = None,
        plugins: Plugins | None = None,
        quiet: str = "",
        manner: PushOptions | None = None,
        **given: Unpack[PushKeywords],
    ) -> NightlyReport:
        """Go on with what earlier runs have left, here and on disk, and push tonight's predictions.

        What goes wrong with an earlier run does not keep tonight's from being pushed, and is in the report. Where
        nothing was predicted, the night is a success that says so.

        Args:
            predictions: gives what `push` takes; called after the earlier runs, so that a source that cannot be read
                holds nothing up.
            directory: the directory on the server, by name or id.
            model: the model's name.
            run: the run's name.
            options: how, tonight and for the earlier runs as far as it says how long is waited and what is verified.
            listener: called as it goes on, from the sending threads.
            plugins: the plugins that observe it; those that are installed where left out.
            quiet: why there is nothing to push; then `predictions` is not called.
            manner: the former name of `options`.
            given: options of this call, as in `push`.

        Raises:
            OutboxBusy: another night is under way from this outbox.
        """
        options, plugins = given_options(options, given, manner), plugins or plugin_manager()
        go_on = partial(
            self.resume,
            patience=options.patience,
            verify=options.verify,
            ask_again=options.ask_again,
            same_iou=options.same_iou,
            listener=listener,
            plugins=plugins,
        )
        with alone(self.outbox_path):
            earlier = gone_on_with(earlier_runs(self), go_on)
            if quiet:
                return NightlyReport(earlier=earlier, quiet=quiet)
            tonight = tried(
                run,
                lambda: self.push(
                    predictions(), directory=directory, model=model, run=run, options=options, listener=listener
                ),
            )
        return NightlyReport(earlier=earlier, tonight=tonight, quiet=quiet_push(tonight))

    def dedupe(
        self, run: str, *, dry_run: bool = False, replace_completed: bool = False, wait_s: float = 600.0
    ) -> DedupeReport:
        """Remove boxes of a run that files hold twice; one stays, and every row that people made or changed.

        Args:
            run: its number or name in the outbox.
            dry_run: only look.
            replace_completed: change files that people have completed too.
            wait_s: seconds to wait for the server.

        Raises:
            OutboxError: there is no such run.
            UsageError: the run belongs to another server or project.
            DiffgramError: the server cannot be asked.
            StillProcessing: the server was not done in time.
        """
        found = self._run_here(run)
        names, origins = dict[int, str](), dict[int, set[str]]()
        for entry in self.outbox.entries(found.id):
            if entry.file_id is not None and entry.boxes:
                names[entry.file_id] = entry.file_name
                origins.setdefault(entry.file_id, set()).update(map(origin, references_in(self.outbox.body(entry.id))))
        deduper = Deduper(self._client, found, origins, names)
        files = deduper.find()
        spared = [file for file in files if file.completed and not replace_completed]
        files = [file for file in files if file not in spared]
        if files and not dry_run:
            files = deduper.remove(files, Budget(wait_s))
        files += [replace(file, problem=SPARED) for file in spared]
        return DedupeReport(files=files, dry_run=dry_run, several=deduper.several())

    def retire(
        self, *names: str, directories: Sequence[str | int] = (), remove: bool = False, wait_s: float = 600.0
    ) -> RetireReport:
        """Take the untouched boxes of runs off the server; people's boxes, completed files and other runs' boxes stay.

        Doing it again, from here or from another machine, finds nothing to do, or goes on.

        Args:
            names: runs, each by its number or name, or 'model/run'; or a model's name for all of its runs.
            directories: the directories on the server, by name or id; those to which this outbox has sent the runs
                where left out.
            remove: carry it out; without it, only look.
            wait_s: seconds to wait for the server.

        Raises:
            UsageError: a name means several runs; the outbox does not know them and no directory is named; or packets
                of them wait in this outbox.
            NotFound: there is no such run, model or directory.
            OutboxBusy: another process is sending from this outbox.
            DiffgramError: the server cannot be asked.
        """
        outbox = self.outbox if remove or self.outbox_path.exists() else None
        here = (self.server.host, self.server.project)
        runs = [each for each in outbox.runs() if (each.host, each.project) == here] if outbox else []
        waiting = [each for each in self.waiting() if (each.head.host, each.head.project) == here]
        retiring = Retiring(self._client, outbox, runs, names, waiting=waiting)
        if remove:
            self._client.check_role()
        shelves = retiring.shelves(retiring.places(directories))
        pairs = retiring.pairs(shelves)
        report = retiring.report(shelves, pairs)
        if not remove:
            return report
        with self.outbox.sending():
            retiring.check_ended(pairs)
            try:
                files = retiring.remove(shelves, pairs, wait_s)
            finally:
                self._client.limit(lambda: math.inf)
            report = replace(report, files=files, dry_run=False)
            if report.exit_code == 0:
                retiring.note(pairs)
        return report

    def _run_here(self, run: str) -> Run:
        found = self.outbox.find_run(run)
        if (found.host, found.project) != (self.server.host, self.server.project):
            raise UsageError(f"run '{run}' belongs to project '{found.project}' on {found.host}: name those settings")
        return found

    def check(self, run: str | None = None) -> list[Checked]:
        """Compare what the outbox calls applied with what the server has; nothing is sent or changed.

        Args:
            run: its number or name in the outbox; all runs of this project where left out.

        Raises:
            OutboxError: there is no such run.
            UsageError: the run belongs to another server or project.
            DiffgramError: the server cannot be asked.
        """
        here = (self.server.host, self.server.project)
        runs = [each for each in self.outbox.runs() if (each.host, each.project) == here]
        wanted = runs if run is None else [self._run_here(run)]
        return [Checker(self._client, self.outbox, each).report() for each in wanted]

    def adopt(self, run: str, *, directory: str | int, model: str | None = None) -> Adoption:
        """Take up a run that another outbox pushed, from the server alone, so that it can be pulled and gone on with.

        Nothing is sent. What this outbox has of the run stays as it is; only what is missing is added, so that adopting
        again brings what other machines have pushed since. Pictures that were sent without boxes bear no trace of a
        run, and are not taken up.

        Args:
            run: the run's name, as the server lists it.
            directory: the directory on the server, by name or id.
            model: the model's name; needed only where neither the server's inputs nor this outbox tell it. An empty one
                is that of annotations.

        Raises:
            NotFound: there is no such directory, or it has no box of the run.
            UsageError: the model cannot be told.
            OutboxBusy: another process is sending from this outbox.
            DiffgramError: the server cannot be asked.
        """
        place = self._client.find_directory(directory)
        found = read_origin(self._client, place, run)
        known = (each.model for each in self.outbox.runs())
        model = model_of(found, place, run, model, known)
        labels = {name: n for schema in self._client.schemas() for name, n in self._client.label_ids(schema.id).items()}
        head = PlanHead(host=self.server.host, project=self.server.project, directory_id=place.id, model=model, run=run)
        with self.outbox.sending():
            adopter = Adopter(found, self._run_of(head), labels)
            self.outbox.add(adopter.run.id, adopter.entries(self.outbox))
        return adopter.adoption()

    def _report(
        self, tally: Tally, run: Run, patience: Patience, ending: Ending, labels_created: list[str]
    ) -> PushReport:
        return PushReport(
            tally=tally,
            run=run,
            outbox=str(self.outbox_path),
            labels_created=labels_created,
            states=self.outbox.counts(run.id),
            failed=self.outbox.entries(run.id, (State.REFUSED, State.UNSURE, State.STUCK)),
            doubtful=self.outbox.doubtful(run.id),
            stopped=ending.stopped,
            silence=ending.silence,
            waited=patience.wait_s > 0,
        )

    def _pending(self, run: Run) -> list[Entry]:
        """The packets of a run that may still go out, decided on some time ago."""
        return self.outbox.entries(run.id, (State.QUEUED, State.SENDING, State.UNSURE, State.STUCK))

    def _recheck(
        self, run: Run, tally: Tally, asking: PushOptions, *, only: Collection[int] | None = None
    ) -> Callable[[Sequence[Entry]], None]:
        """What looks once more at packets that were planned some time ago; with `only`, at those that it numbers."""
        recheck = Recheck(self._client, self.outbox, run, tally, iou=asking.same_iou)

        def look(entries: Sequence[Entry]) -> None:
            recheck.shorten([entry for entry in entries if only is None or entry.id in only])

        return (lambda _: None) if asking.ask_again else look

    def _send(
        self,
        run: Run,
        patience: Patience,
        listener: Listener,
        deleting: Mapping[str, int],
        *,
        verify: bool,
        resend_stuck: bool = False,
        unknown: bool = False,
        earlier: Sequence[Entry] = (),
        recheck: Callable[[Sequence[Entry]], None] = lambda _: None,
    ) -> Ending:
        """Carry the run to its end; what ended it early is given back, since the outbox knows the rest."""
        if deleting:
            listener.deleting(deleting)
        counts = self.outbox.counts(run.id)
        listener.started(sum(packets for state, (packets, _) in counts.items() if state not in ENDED))
        try:
            silence = carry(
                self._client,
                self.outbox,
                run,
                connections=self._connections,
                patience=patience,
                verify=verify,
                resend_stuck=resend_stuck,
                unknown=unknown,
                earlier=earlier,
                recheck=recheck,
                on_change=listener.changed,
            )
        except BoxferryError as error:
            return Ending(error)
        finally:
            self._client.limit(lambda: math.inf)
        return Ending(None, silence)


class Ending(NamedTuple):
    """How the sending of a run ended.

    Attributes:
        stopped: what ended it early, or None.
        silence: what a server on which nothing moves is likely to have; empty where something does.
    """

    stopped: BoxferryError | None
    silence: str = ""
