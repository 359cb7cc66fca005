"""`Diffgram`: one project on one server, and the outbox that belongs to it; what users hold.

Each method is a call into one of the rooms below; what it does is written there.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self, Unpack, overload

from boxferry.boxes.notebook import paragraph
from boxferry.collector.making import collector_of
from boxferry.collector.waiting import waiting_beside
from boxferry.deliver import push as pushing
from boxferry.deliver.run_to_end import SendingOptions
from boxferry.deliver.workspace import Workspace, default_outbox
from boxferry.diffgram.settings import Credentials, Server, server_from_env
from boxferry.plan.asked_rows import AskedRows, asked_rows
from boxferry.plan.label_sync import LabelSync, label_sync, to_create
from boxferry.plan.labels import label_ids
from boxferry.plan.patience import Patience
from boxferry.plan.push_options import PushOptions, given_options
from boxferry.review import fetching
from boxferry.review.fetching import unwatched
from boxferry.review.forget import forget_run
from boxferry.stored.decided import SAME_IOU
from boxferry.upkeep.adopt import adopt
from boxferry.upkeep.check import checked_runs
from boxferry.upkeep.dedupe import dedupe
from boxferry.upkeep.nightly import night
from boxferry.upkeep.resume import resume, to_resume
from boxferry.upkeep.retiring import retire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from boxferry.collector.collector import Collector
    from boxferry.collector.waiting import Waiting
    from boxferry.deliver.listener import Listener
    from boxferry.deliver.report import PushResult
    from boxferry.diffgram.answers import ModelRun
    from boxferry.diffgram.client import Client
    from boxferry.outbox.outbox import Outbox
    from boxferry.plan.label_check import LabelCheck
    from boxferry.plan.plan_file import Plan
    from boxferry.plan.push_options import PushKeywords
    from boxferry.plugins import Plugins
    from boxferry.reading.steps import Keep
    from boxferry.review.dataset import TrainingSet
    from boxferry.review.forget import Forgotten
    from boxferry.review.period import PeriodReport
    from boxferry.review.review import Review
    from boxferry.review.runs import RunFacts
    from boxferry.review.work import DirectoryWork
    from boxferry.upkeep.adopt import Adoption
    from boxferry.upkeep.check import Checked
    from boxferry.upkeep.dedupe import DedupeReport
    from boxferry.upkeep.nightly import NightlyReport
    from boxferry.upkeep.resume import ResumeKeywords
    from boxferry.upkeep.retire import RetireReport

__all__ = ["Diffgram", "default_outbox"]


class Diffgram:
    """One project on a Diffgram server: predictions go there, corrections come home.

    Making it does no I/O; the outbox is opened at its first use. Use it as a context manager, or call `close`.

    Attributes:
        server: host, project and credentials.
        outbox_path: where the outbox is.
        workspace: what the calls work on: the outbox and the calls to the server; for integrations.
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
        self.workspace = Workspace(server, outbox=outbox, connections=connections, timeout_s=timeout_s)
        self.server = server
        self.outbox_path = self.workspace.outbox_path

    @classmethod
    def connect(
        cls,
        host: str,
        project: str,
        client_id: str,
        client_secret: str,
        *,
        outbox: str | os.PathLike[str] | None = None,
        connections: int = 4,
        timeout_s: float = 60.0,
        insecure: bool = False,
    ) -> Self:
        """A project by its address and an API key; nothing is asked yet.

        Args:
            host: 'https://diffgram.example.com'.
            project: the project's string id, as in its URL.
            client_id: the key's public part.
            client_secret: its secret part.
            outbox: the path of the outbox; see `default_outbox`.
            connections: how many packets are in flight at once.
            timeout_s: seconds to wait for an answer to one call.
            insecure: send the credentials over plain http to another machine.

        Raises:
            ConfigError: the host is no http(s) URL, or the key is not valid.
            UsageError: `connections` is below 1.
        """
        credentials = Credentials(client_id=client_id, client_secret=client_secret)
        server = Server(host=host, project=project, credentials=credentials, insecure=insecure)
        return cls(server, outbox=outbox, connections=connections, timeout_s=timeout_s)

    @classmethod
    def from_env(
        cls,
        *,
        profile: str | None = None,
        host: str | None = None,
        project: str | None = None,
        outbox: str | os.PathLike[str] | None = None,
    ) -> Self:
        """With the settings of the environment or the configuration file; see `server_from_env`.

        Args:
            profile: the profile of the configuration file; DIFFGRAM_PROFILE, or the default one where left out.
            host: overrides the environment.
            project: likewise.
            outbox: the path of the outbox; see `default_outbox`.

        Raises:
            ConfigError: a setting is missing, or there is no such profile.
        """
        return cls(server_from_env(os.environ, profile=profile, host=host, project=project), outbox=outbox)

    def close(self) -> None:
        """Close the connections and the outbox."""
        self.workspace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Diffgram: project '{self.server.project}' on {self.server.host}, outbox {self.outbox_path}>"

    def _repr_html_(self) -> str:
        """The same as a paragraph, for a notebook."""
        return paragraph(self)

    @property
    def _client(self) -> Client:
        return self.workspace.client

    @property
    def outbox(self) -> Outbox:
        """The outbox, opened.

        Raises:
            OutboxError: it cannot be opened.
        """
        return self.workspace.outbox

    def labels(self, schema: str | None = None) -> dict[str, int]:
        """The project's labels, name → `label_file_id`, of one schema or the default one.

        Raises:
            NotFound: there is no such schema.
            DiffgramError: the server cannot be asked.
        """
        return label_ids(self._client, schema)

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
        return label_sync(self._client, schema, self.workspace.sent_labels)

    def model_runs(self) -> list[ModelRun]:
        """The runs of models that the project's boxes came from, the oldest first.

        Raises:
            DiffgramError: the server cannot be asked.
        """
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
    ) -> PushResult:
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
        return pushing.push(
            self.workspace, predictions, options, directory=directory, model=model, run=run, listener=listener
        )

    def asked(self, directory: str | int, *, same_iou: float = SAME_IOU, expected: int = 0) -> AskedRows:
        """What people have decided on the files of a directory, to compare boxes with before they are pushed.

        Args:
            directory: the directory on the server, by name or id.
            same_iou: see `PushOptions`.
            expected: about how many images are going to be compared; 0 where unknown.

        Raises:
            DiffgramError: the server cannot be asked, or has no such directory.
        """
        return asked_rows(self._client, directory, self.workspace.memory(), iou=same_iou, expected=expected)

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
        keep: Keep | None = None,
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
            keep: a function of an image and its boxes; images for which it is false are not sent, and counted.
            waiting: how many images may wait in memory.
            every_s: seconds between pushes.
            close_s: seconds that leaving the context takes at most.
            given: how the boxes are pushed, as in `push`.

        Raises:
            UsageError: an option is not valid.
        """
        return collector_of(
            self.workspace,
            given_options(options, given, manner),
            directory=directory,
            model=model,
            run=run,
            names=names,
            images=images,
            min_score=min_score,
            keep=keep,
            waiting=waiting,
            every_s=every_s,
            close_s=close_s,
        )

    def waiting(self) -> list[Waiting]:
        """What collectors have left on disk beside the outbox, of every server and project; asks no server."""
        return waiting_beside(self.outbox_path)

    def unfinished(self, *, missing: bool = False) -> list[str]:
        """The runs of this project that `resume` has something to do for, each as it takes it; asks no server.

        With `missing` it does: runs of which something is gone from the server are among them.

        Raises:
            OutboxError: the outbox cannot be read.
            DiffgramError: the server cannot be asked.
        """
        return to_resume(self.workspace, missing=missing)

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
    ) -> PushResult:
        """Send what a plan holds, and nothing else.

        A file of which this run has the same packet already is left out, so that a plan can be carried out again.

        Args:
            plan: what `read_plan` gave.
            options: `patience`, `verify`, `delete_people`, `replace_completed`, `ask_again` and `same_iou` count; the
                rest stands in the plan.
            listener: progress callback, called from the sending threads.
            plugins: the plugins that observe it; those that are installed where left out.
            manner: the former name of `options`.
            given: options of this call, as in `push`.

        Raises:
            UsageError: the plan is for another server or project, or deletes boxes of people and may not.
            BoxferryError: nothing was sent.
        """
        options = given_options(options, given, manner)
        return pushing.carry_out(self.workspace, plan, options, listener=listener, plugins=plugins)

    @overload
    def resume(self, run: str, **how: Unpack[ResumeKeywords]) -> PushResult: ...

    @overload
    def resume(self, run: None = None, **how: Unpack[ResumeKeywords]) -> list[PushResult]: ...

    def resume(
        self,
        run: str | None = None,
        *,
        wait_s: float | None = None,
        patience: Patience | None = None,
        verify: bool = False,
        resend_stuck: bool = False,
        resend_missing: bool = False,
        ask_again: bool = False,
        same_iou: float = SAME_IOU,
        listener: Listener | None = None,
        plugins: Plugins | None = None,
    ) -> PushResult | list[PushResult]:
        """Go on with a run: look up unknown outcomes, send what is queued, watch what is accepted.

        What collectors of the run have left on disk is sent first, and what they have set aside is tried again.

        Args:
            run: its number or name; 'model/run' where several models have left results of one name on disk. Without it
                all runs of this project that have not ended, one after another, and the result is a list.
            wait_s: seconds to wait for the server until it has applied everything; 0 does not wait for that.
            patience: further settings of waiting.
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
        patience = patience or Patience()
        patience = patience if wait_s is None else replace(patience, wait_s=float(wait_s))
        go_on = partial(
            resume,
            self.workspace,
            options=SendingOptions(patience=patience, verify=verify, resend_stuck=resend_stuck),
            resend_missing=resend_missing,
            asking=PushOptions(ask_again=ask_again, same_iou=same_iou),
            listener=listener,
            plugins=plugins,
        )
        return go_on(run) if run is not None else [go_on(each) for each in self.unfinished(missing=resend_missing)]

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
            options: how, tonight and for the earlier runs as far as it says how long is waited and what is verified;
                with `dry_run` the report names the earlier runs and what would be sent, and nothing is changed.
            listener: called as it goes on, from the sending threads.
            plugins: the plugins that observe it; those that are installed where left out.
            quiet: why there is nothing to push; then `predictions` is not called, and the server is only asked whether
                it would have taken a push.
            manner: the former name of `options`.
            given: options of this call, as in `push`.

        Raises:
            OutboxBusy: another night is under way from this outbox.
        """
        options = given_options(options, given, manner)

        def tonight() -> PushResult:
            return self.push(
                predictions(), directory=directory, model=model, run=run, options=options, listener=listener
            )

        return night(
            self.workspace,
            None if quiet else tonight,
            options,
            directory=directory,
            run=run,
            listener=listener,
            plugins=plugins,
            quiet=quiet,
        )

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
        return dedupe(self.workspace, run, dry_run=dry_run, replace_completed=replace_completed, wait_s=wait_s)

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
        return retire(self.workspace, names, directories=directories, remove=remove, wait_s=wait_s)

    def check(self, run: str | None = None) -> list[Checked]:
        """Compare what the outbox calls applied with what the server has; nothing is sent or changed.

        Args:
            run: its number or name in the outbox; all runs of this project where left out.

        Raises:
            OutboxError: there is no such run.
            UsageError: the run belongs to another server or project.
            DiffgramError: the server cannot be asked.
        """
        return checked_runs(self.workspace, run)

    def adopt(self, run: str, *, directory: str | int, model: str | None = None) -> Adoption:
        """Add a run that another outbox pushed, from the server alone, so that it can be pulled and resumed.

        Nothing is sent. What this outbox has of the run stays as it is; only what is missing is added, so that adopting
        again brings what other machines have pushed since. Pictures that were sent without boxes bear no trace of a
        run, and are not added.

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
        return adopt(self.workspace, run, directory=directory, model=model)

    def pull(self, run: str, *, own: bool = False, on_file: Callable[[int, int], None] = unwatched) -> Review:
        """The files of a run with their boxes as they are now; only what changed since the last pull is read.

        Args:
            run: its number or name in the outbox.
            own: this run's boxes and those of people, no other run's.
            on_file: called with how many files are read, and of how many.

        Raises:
            OutboxError: there is no such run.
            UsageError: the run belongs to another server or project.
            DiffgramError: the server cannot be asked.
        """
        return fetching.pull(self.workspace, run, own=own, on_file=on_file)

    def dataset(
        self,
        *runs: str,
        directory: str | int | Sequence[str | int] = (),
        people: bool = False,
        on_file: Callable[[int, int], None] = unwatched,
    ) -> TrainingSet:
        """The pictures of directories, or of some runs, that people have settled: each once, with its final boxes.

        People have looked at them since the last boxes came, whichever run and machine sent these. The server alone is
        asked, and only what changed since the last time is read; no outbox is needed.

        Args:
            runs: their numbers or names, those of models, or 'model/run'; all of the directory where none is named.
            directory: the name or id of one or several; those to which this outbox has sent the runs where left out.
            people: pictures too on which no run put a box, and which people have drawn boxes on, or completed.
            on_file: called with how many files are read, and of how many.

        Raises:
            UsageError: neither runs nor a directory are named, or the outbox does not know a run.
            NotFound: there is no such directory, or no box of such a run.
            DiffgramError: the server cannot be asked.
        """
        return fetching.training_set(self.workspace, runs, directory=directory, people=people, on_file=on_file)

    def work(
        self,
        *directories: str | int,
        on_file: Callable[[int, int], None] = unwatched,
    ) -> list[DirectoryWork]:
        """What is left to do: how far the review is, what failed or is stuck, and what to review next.

        The server alone is asked, and only what changed since the last time is read; no outbox is needed.

        Args:
            directories: the names or ids of directories; all of the project where left out.
            on_file: called with how many files of a directory are read, and of how many.

        Raises:
            NotFound: there is no such directory.
            DiffgramError: the server cannot be asked.
        """
        return fetching.work(self.workspace, directories, on_file)

    def report(
        self,
        *directories: str | int,
        since: str | float,
        on_file: Callable[[int, int], None] = unwatched,
    ) -> PeriodReport:
        """What happened since a moment, over all runs: predicted, reviewed, the fates, by day, and between models.

        The server alone is asked, and only what changed since the last time is read; no outbox is needed.

        Args:
            directories: the names or ids of directories; all of the project where left out.
            since: '36h', '7d', '2w', a day or time in ISO 8601, or seconds since the epoch; by the server's clock.
            on_file: called with how many files of a directory are read, and of how many.

        Raises:
            UsageError: `since` is no time.
            NotFound: there is no such directory.
            DiffgramError: the server cannot be asked.
        """
        return fetching.report(self.workspace, directories, since, on_file)

    def forget(self, run: str, *, unfinished: bool = False) -> Forgotten:
        """Take a run out of the outbox; what the server has of it stays there, and `adopt` takes it up again.

        Args:
            run: its number or name in the outbox.
            unfinished: forget it although something of it has not ended, which is then not sent.

        Raises:
            OutboxError: there is no such run, or another process is sending (`OutboxBusy`).
            UsageError: something of the run has not ended.
        """
        return forget_run(self.outbox, run, unfinished=unfinished)

    def runs(self, *, server: bool = False) -> list[RunFacts]:
        """The runs of this project that the outbox knows, the oldest first.

        Args:
            server: ask the server too: how many boxes are left untouched, how many files are reviewed, and which runs
                it has that this outbox does not know.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        return fetching.run_facts(self.workspace, server=server)
