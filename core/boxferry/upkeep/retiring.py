"""Retiring from beginning to end: which runs are meant, where they are, what goes, and the outbox's note of it."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING

from boxferry.collector.collecting import waiting_here
from boxferry.deliver.budget import Budget
from boxferry.errors import UsageError
from boxferry.outbox.outcome import OPEN, State
from boxferry.upkeep.retire import DirectoryContents, RetireReport
from boxferry.upkeep.retire_names import Pair, chosen, known_runs, meant
from boxferry.upkeep.retire_removal import Job, Removal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from boxferry.collector.waiting import Waiting
    from boxferry.deliver.workspace import Workspace
    from boxferry.destination import Client, Directory
    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.upkeep.retire import RetiredFile

#: the states of packets that may still bring boxes
COMING = OPEN | {State.STUCK}


@dataclass(eq=False)
class Retiring:
    """Retires some runs of a project.

    Attributes:
        client: talks to the server.
        outbox: None where nothing was ever pushed from here.
        runs: its runs of the project.
        names: the runs or models, as the user wrote them.
        waiting: what collectors have left on disk for the project.
    """

    client: Client
    outbox: Outbox | None
    runs: Sequence[Run]
    names: Sequence[str]
    _: KW_ONLY
    waiting: Sequence[Waiting] = ()

    def places(self, directories: Sequence[str | int]) -> list[Directory]:
        """The directories that were named; else those to which the outbox has sent the runs.

        Raises:
            UsageError: none was named, and the outbox does not know the runs.
            NotFound: there is no such directory.
        """
        known = dict.fromkeys(run.directory_id for name in self.names for run in known_runs(name, self.runs))
        wanted = list(directories) or list(known)
        if not wanted:
            listed = ", ".join(map(repr, self.names))
            raise UsageError(f"this outbox has no run or model {listed}: name the directory that its files are in")
        return [self.client.find_directory(each) for each in wanted]

    def contents(self, places: Iterable[Directory]) -> list[DirectoryContents]:
        """The directories, read."""
        return [DirectoryContents.read(self.client, place, self._sent_as(place)) for place in places]

    def _sent_as(self, place: Directory) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for run in self.runs:
            entries = self.outbox.entries(run.id) if self.outbox and run.directory_id == place.id else []
            for entry in entries:
                if entry.file_id is not None:
                    found.setdefault(entry.file_id, set()).add(entry.file_name)
        return found

    def pairs(self, directories: Sequence[DirectoryContents]) -> set[Pair]:
        """The runs that are meant.

        Raises:
            NotFound: a name means none that the outbox or the server knows.
            UsageError: a name means several.
        """
        found: set[Pair] = set()
        for name in self.names:
            by_number = [Pair(run.model, run.name) for run in self.runs if str(run.id) == name]
            found |= set(by_number) or self._named(name, directories)
        return found

    def _named(self, name: str, directories: Sequence[DirectoryContents]) -> set[Pair]:
        here = {Pair(run.model, run.name) for run in self.runs}
        there = {run.reference_id for run in self.client.model_runs() if run.reference_id}
        models = {pair.model for pair in here}.union(*(each.models(name) for each in directories))
        possible = meant(name, models, {*there, *(pair.run for pair in here), name})
        seen = set[Pair]().union(*(each.seen(possible) for each in directories)) | (here & possible)
        return chosen(name, seen, [*map(str, sorted(here)), *sorted(there)])

    def check_ended(self, pairs: set[Pair]) -> None:
        """See that nothing of the runs waits in the outbox: it would bring their boxes again.

        Raises:
            UsageError: something does.
        """
        for each in self.waiting:
            if each.images and Pair(each.head.model, each.head.run) in pairs:
                raise UsageError(
                    f"{each.images} images of run '{each.head.run}' wait on disk, left by a collector: send them "
                    f"first (boxferry resume {each.head.run}), or delete {each.folder}"
                )
        for run in self.runs:
            if Pair(run.model, run.name) not in pairs or self.outbox is None:
                continue
            counts = self.outbox.counts(run.id)
            if waiting := sum(packets for state, (packets, _) in counts.items() if state in COMING):
                raise UsageError(
                    f"run {run.id} '{run.name}' has {waiting} unfinished packets in this outbox: resume "
                    f"it first (boxferry resume {run.id}), or forget it (boxferry status --forget {run.id})"
                )

    def report(self, directories: Sequence[DirectoryContents], pairs: set[Pair]) -> RetireReport:
        """What would go and stay; nothing is changed."""
        return RetireReport(
            runs=sorted(map(str, pairs)),
            directories=[str(each.place.nickname or each.place.id) for each in directories],
            files=[file for each in directories for file in each.found(pairs)],
            under_way=sum(each.under_way(pairs) for each in directories),
        )

    def remove(self, directories: Sequence[DirectoryContents], pairs: set[Pair], wait_s: float) -> list[RetiredFile]:
        """Carry it out; the files as they are afterwards. Answers are waited for no longer than `wait_s` seconds.

        Raises:
            DiffgramError: the server cannot be asked; the same again goes on.
        """
        budget = Budget(wait_s)
        self.client.limit(lambda: budget.left_s)
        files: list[RetiredFile] = []
        for each in directories:
            found = each.found(pairs)
            jobs = [
                Job(file, each.origins(file.file_id, pairs), each.inputs.get(file.file_id, []))
                for file in found
                if file.removed and not file.problem
            ]
            files += [file for file in found if not file.removed or file.problem]
            with budget.waiting():
                files += Removal(self.client, each.place.id, budget).files(jobs)
        return sorted(files, key=lambda file: (file.directory_id, file.file_name, file.file_id))

    def note(self, pairs: set[Pair]) -> None:
        """Write down that the runs are retired."""
        if self.outbox is not None:
            self.outbox.retire([run.id for run in self.runs if Pair(run.model, run.name) in pairs])


def retire(
    workspace: Workspace, names: Sequence[str], *, directories: Sequence[str | int], remove: bool, wait_s: float
) -> RetireReport:
    """Take the untouched boxes of runs off the server; see `Diffgram.retire`.

    Raises:
        BoxferryError: it is not clear which runs are meant, packets of them wait, or the server cannot be asked.
    """
    outbox = workspace.outbox if remove else workspace.known_outbox
    retiring = Retiring(workspace.client, outbox, workspace.runs(), names, waiting=waiting_here(workspace))
    if remove:
        workspace.client.check_role()
    contents = retiring.contents(retiring.places(directories))
    pairs = retiring.pairs(contents)
    report = retiring.report(contents, pairs)
    if not remove:
        return report
    with workspace.outbox.sending():
        retiring.check_ended(pairs)
        try:
            files = retiring.remove(contents, pairs, wait_s)
        finally:
            workspace.client.limit(lambda: math.inf)
        report = replace(report, files=files, dry_run=False)
        if report.exit_code == 0:
            retiring.note(pairs)
    return report
