"""`Diffgram` as users hold it: what sends, and what brings the corrections home."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.errors import UsageError
from boxferry.pushing import Sending
from boxferry.review import corrected as boxes
from boxferry.review.attribute_names import AttributeNames
from boxferry.review.cache import Cache, cache_name
from boxferry.review.chosen import chosen
from boxferry.review.dataset import Dataset
from boxferry.review.forget import forget_run
from boxferry.review.period import PeriodReport, period_report
from boxferry.review.pull import pulled
from boxferry.review.review import Review
from boxferry.review.runs import elsewhere, known_here, known_there
from boxferry.review.shelf import OpenDirectory, Shelf, pictures_of
from boxferry.review.since import moment_since
from boxferry.review.work import DirectoryWork, work_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.review.forget import Forgotten
    from boxferry.review.runs import RunFacts


class Diffgram(Sending):
    """One project on a Diffgram server: predictions go there, corrections come home. See `sending.project`."""

    def pull(self, run: str, *, on_file: Callable[[int, int], None] = lambda _done, _all: None) -> Review:
        """The files of a run with their boxes as they are now; only what changed since the last pull is read.

        Args:
            run: its number or name in the outbox.
            on_file: called with how many files are read, and of how many.

        Raises:
            OutboxError: there is no such run.
            UsageError: the run belongs to another server or project.
            DiffgramError: the server cannot be asked.
        """
        found = self.outbox.find_run(run)
        if (found.host, found.project) != (self.server.host, self.server.project):
            raise UsageError(f"run '{run}' belongs to project '{found.project}' on {found.host}: name those settings")
        schemas = [schema.id for schema in self._client.schemas()]
        labels = {number: name for schema in schemas for number, name in self._client.label_names(schema).items()}
        attributes = AttributeNames(
            lambda: [group for schema in schemas for group in self._client.attribute_groups(schema)],
            json.loads(found.attributes or "{}"),
        )
        name = cache_name(found, self.outbox.identity)
        with Cache(Path(f"{self.outbox_path}.pull") / name) as cache:
            files = list(
                pulled(self._client, self.outbox, found, labels, cache, attributes=attributes, on_file=on_file)
            )
        there = [file for file in files if not file.gone]
        own = self.outbox.originals(found.id)
        originals = {boxes.key_of(f): own[f.file_id] for f in there if f.file_id in own and boxes.as_it_was(f)}
        gone = [file.file_name for file in files if file.gone]
        packets = sum(count for count, _ in self.outbox.counts(found.id).values())
        return Review(found, there, gone, originals, labels=boxes.sent_labels(files), packets=packets)

    def dataset(
        self,
        *runs: str,
        directory: str | int | Sequence[str | int] = (),
        people: bool = False,
        on_file: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> Dataset:
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
        if not runs and not directory and directory != 0:
            raise UsageError("name a directory, or runs")
        shelf = self._shelf()
        named = [directory] if isinstance(directory, str | int) else list(directory)
        labels = shelf.labels()
        opened = shelf.open(shelf.places(named, runs), labels, on_file)
        found = chosen(pictures_of(opened), runs, shelf.runs, people=people)
        return Dataset(
            directories=[one.name for one in opened],
            pictures=found.pictures,
            waiting=found.waiting,
            pushed_since=found.pushed_since,
            by_people=found.by_people,
            labels=list(labels.values()),
            address=self._address,
        )

    def _address(self, file_id: int) -> str:
        """Where the server says that an image is; empty where it does not."""
        image = self._client.view(file_id).image
        return (image.url_signed if image else None) or ""

    def work(
        self,
        *directories: str | int,
        on_file: Callable[[int, int], None] = lambda _done, _all: None,
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
        opened = self._open(directories, on_file)
        newest, failed = self._client.inputs(), self._client.inputs(status="Failed")
        return work_of(opened, newest, failed, self._client.now())

    def report(
        self,
        *directories: str | int,
        since: str | float,
        on_file: Callable[[int, int], None] = lambda _done, _all: None,
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
        # what is wrong is said before asking
        begin = moment_since(since, math.inf) if isinstance(since, str) else since
        opened = self._open(directories, on_file)
        now = self._client.now()
        begin = moment_since(since, now) if isinstance(since, str) else begin
        members = self._client.members()
        return period_report(pictures_of(opened), [each.name for each in opened], members, since=begin, until=now)

    def _open(self, directories: Sequence[str | int], on_file: Callable[[int, int], None]) -> list[OpenDirectory]:
        """The directories that are named, or all of the project."""
        shelf = self._shelf()
        places = shelf.places(directories, ()) if directories else self._client.directories()
        return shelf.open(places, shelf.labels(), on_file)

    def _shelf(self) -> Shelf:
        outbox = self.outbox if self.outbox_path.exists() else None
        return Shelf(self._client, self.server, self.outbox_path, outbox)

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
        here = (self.server.host, self.server.project)
        runs = self.outbox.runs() if self.outbox_path.exists() else []
        found = [known_here(self.outbox, run) for run in runs if (run.host, run.project) == here]
        if not server:
            return found
        names = {str(each.id): each.nickname or "" for each in self._client.directories()}
        return [known_there(each, self.pull, names) for each in found] + elsewhere(self.model_runs(), found)
