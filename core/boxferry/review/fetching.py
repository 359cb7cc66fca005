"""What is fetched from a project for review: a run with its corrections, datasets, what is left to do, a period."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.errors import UsageError
from boxferry.observing.events import during
from boxferry.observing.names import Fact, Stage
from boxferry.pages.notebook import Watch
from boxferry.review import corrected as boxes
from boxferry.review.attribute_names import AttributeNames
from boxferry.review.cache import Cache, cache_name
from boxferry.review.chosen import chosen
from boxferry.review.dataset import TrainingSet
from boxferry.review.period import PeriodReport, period_report
from boxferry.review.pull import pulled
from boxferry.review.review import Review
from boxferry.review.runs import elsewhere, known_here, known_there
from boxferry.review.shelf import OpenDirectory, Shelf, pictures_of
from boxferry.review.since import moment_since
from boxferry.review.work import DirectoryWork, work_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.deliver.workspace import Workspace
    from boxferry.observing.observer import Facts
    from boxferry.outbox.entry import Run
    from boxferry.review.runs import RunFacts

    OnFile = Callable[[int, int], None]


unwatched = Watch("reading", "files")  #: without a progress callback


def pull(workspace: Workspace, run: str, *, own: bool, on_file: OnFile = unwatched) -> Review:
    """A run's files as they are now; see `Diffgram.pull`.

    Raises:
        BoxferryError: there is no such run here, or the server cannot be asked.
    """
    found = workspace.run(run)
    facts: Facts = {Fact.MODEL.value: found.model, Fact.RUN.value: found.name, Fact.DIRECTORY.value: found.where}
    with during(Stage.PULL, **facts):
        return _pulled(workspace, found, own=own, on_file=on_file)


def _pulled(workspace: Workspace, found: Run, *, own: bool, on_file: OnFile) -> Review:
    client, outbox = workspace.client, workspace.outbox
    schemas = [schema.id for schema in client.schemas()]
    labels = {number: name for schema in schemas for number, name in client.label_names(schema).items()}
    attributes = AttributeNames(
        lambda: [group for schema in schemas for group in client.attribute_groups(schema)],
        json.loads(found.attributes or "{}"),
    )
    name = cache_name(found, outbox.identity)
    with Cache(Path(f"{workspace.outbox_path}.pull") / name) as cache:
        files = list(pulled(client, outbox, found, labels, cache, attributes=attributes, on_file=on_file))
    there = [file for file in files if not file.gone]
    kept = outbox.originals(found.id)
    originals = {boxes.key_of(f): kept[f.file_id] for f in there if f.file_id in kept and boxes.as_it_was(f)}
    gone = [file.file_name for file in files if file.gone]
    packets = sum(count for count, _ in outbox.counts(found.id).values())
    return Review(found, there, gone, originals, labels=boxes.sent_labels(files), packets=packets, own=own)


def training_set(
    workspace: Workspace,
    runs: Sequence[str],
    *,
    directory: str | int | Sequence[str | int],
    people: bool,
    on_file: OnFile,
) -> TrainingSet:
    """The pictures that people have settled; see `Diffgram.dataset`.

    Raises:
        BoxferryError: it is not clear which pictures are meant, or the server cannot be asked.
    """
    if not runs and not directory and directory != 0:
        raise UsageError("name a directory, or runs")
    shelf = _shelf(workspace)
    named = [directory] if isinstance(directory, str | int) else list(directory)
    labels = shelf.labels()
    with during(Stage.DATASET):
        opened = shelf.open(shelf.places(named, runs), labels, on_file)
    found = chosen(pictures_of(opened), runs, shelf.runs, people=people)

    def address(file_id: int) -> str:
        image = workspace.client.view(file_id).image
        return (image.url_signed if image else None) or ""

    return TrainingSet(
        directories=[one.name for one in opened],
        pictures=found.pictures,
        waiting=found.waiting,
        pushed_since=found.pushed_since,
        by_people=found.by_people,
        labels=list(labels.values()),
        address=address,
    )


def work(workspace: Workspace, directories: Sequence[str | int], on_file: OnFile) -> list[DirectoryWork]:
    """What is left to do; see `Diffgram.work`.

    Raises:
        BoxferryError: there is no such directory, or the server cannot be asked.
    """
    opened = _open(workspace, directories, on_file)
    client = workspace.client
    newest, failed = client.inputs(), client.inputs(status="Failed")
    return work_of(opened, newest, failed, client.now())


def report(workspace: Workspace, directories: Sequence[str | int], since: str | float, on_file: OnFile) -> PeriodReport:
    """What happened since a moment; see `Diffgram.report`.

    Raises:
        BoxferryError: `since` is no time, there is no such directory, or the server cannot be asked.
    """
    begin = moment_since(since, math.inf) if isinstance(since, str) else since  # what is wrong is said before asking
    opened = _open(workspace, directories, on_file)
    now = workspace.client.now()
    begin = moment_since(since, now) if isinstance(since, str) else begin
    names = [each.name for each in opened]
    return period_report(pictures_of(opened), names, workspace.client.members(), since=begin, until=now)


def run_facts(workspace: Workspace, *, server: bool) -> list[RunFacts]:
    """The runs that the outbox knows, and with `server` those of the project; see `Diffgram.runs`.

    Raises:
        DiffgramError: the server cannot be asked.
    """
    found = [known_here(workspace.outbox, run) for run in workspace.runs()]
    if not server:
        return found
    names = {str(each.id): each.nickname or "" for each in workspace.client.directories()}
    there = [known_there(each, lambda run: pull(workspace, run, own=False), names) for each in found]
    return there + elsewhere(workspace.client.model_runs(), found)


def _open(workspace: Workspace, directories: Sequence[str | int], on_file: OnFile) -> list[OpenDirectory]:
    """The directories that are named, or all of the project."""
    shelf = _shelf(workspace)
    places = shelf.places(directories, ()) if directories else workspace.client.directories()
    return shelf.open(places, shelf.labels(), on_file)


def _shelf(workspace: Workspace) -> Shelf:
    return Shelf(workspace.client, workspace.server, workspace.outbox_path, workspace.known_outbox)
