"""Removes doubled boxes of a run: what was stored twice stays once, and every row of people stays.

A packet that replaces a file's boxes by those that are to stay can be sent any number of times, so it needs no outbox.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from boxferry.deliver.budget import Budget
from boxferry.deliver.records import ended
from boxferry.deliver.sender import BATCH_SIZE
from boxferry.errors import StillProcessing
from boxferry.outbox.outcome import input_outcome
from boxferry.packets.bodies import with_batch
from boxferry.packets.contents import references_in, replacing
from boxferry.packets.reference import origin
from boxferry.packets.rows import identity
from boxferry.stored.removals import noted
from boxferry.stored.stored_boxes import StoredBoxes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.deliver.workspace import Workspace
    from boxferry.destination import Client
    from boxferry.outbox.entry import Run
    from boxferry.packets.rows import Row


ASK_AGAIN_S = 1.0
SPARED = "completed by people: its boxes were kept; use replace-completed to change them"


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubles:
    """What a file holds more than once.

    Attributes:
        file_id: the file.
        file_name: its name.
        removed: how many rows are to go.
        merged: how many further boxes, of other runs or of people, are equal to one that stays: the server, which does
            not look at the run, keeps one of those when a file's boxes are replaced.
        problem: why they did not go; empty where they did, or were not to go yet.
        completed: whether people have completed the file.
    """

    file_id: int
    file_name: str
    removed: int
    merged: int = 0
    problem: str = ""
    completed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DedupeReport:
    """What `dedupe` found, and did.

    Attributes:
        files: the files that hold boxes twice.
        dry_run: whether nothing was changed.
        several: names that more than one file of the directory has; these are left alone.
    """

    files: list[Doubles] = field(default_factory=list)
    dry_run: bool = False
    several: dict[str, list[int]] = field(default_factory=dict)

    @property
    def removed(self) -> int:
        """How many rows go."""
        return sum(file.removed for file in self.files if not file.problem)

    @property
    def exit_code(self) -> int:
        """0 where nothing is left twice (or only looked at), else 1."""
        return int(bool(self.several) or any(file.problem and file.problem != SPARED for file in self.files))


def to_go(rows: Iterable[Row], origins: set[str]) -> list[Row]:
    """The rows that are there once more than they should be: untouched ones of a run, of which another one stays.

    Of rows that bear one reference those stay that people have changed; where there is none, the newest.

    Args:
        rows: of one file.
        origins: what the references of the run begin with, see `origin`.
    """
    alike: dict[tuple[str, Any], list[Row]] = {}
    for row in rows:
        reference = row.reference
        if origin(reference) in origins:
            alike.setdefault((reference, row.frame), []).append(row)
    gone: list[Row] = []
    for same in alike.values():
        plain = sorted((row for row in same if row.untouched), key=lambda row: row.id or 0)
        spare = 0 if len(plain) < len(same) else 1
        gone += plain[: len(plain) - spare] if len(same) > 1 else []
    return gone


@dataclass(eq=False)
class Deduper:
    """Finds and removes the doubles of one run.

    Attributes:
        client: talks to the server.
        run: the run.
        origins: file id → what the references of the run's boxes begin with.
        names: file id → the file's name.
    """

    client: Client
    run: Run
    origins: Mapping[int, set[str]]
    names: Mapping[int, str]

    def find(self) -> list[Doubles]:
        """The files that hold boxes twice.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        stored_boxes = StoredBoxes(self.client, self.run.directory_id, expected=len(self.origins))
        stored_boxes.load(self.origins)
        found = []
        for file_id, origins in self.origins.items():
            rows = stored_boxes.rows(file_id)
            if gone := to_go(rows, origins):
                doubles = Doubles(
                    file_id=file_id,
                    file_name=self.names[file_id],
                    removed=len(gone),
                    merged=_merged(rows, gone),
                    completed=stored_boxes.complete(file_id),
                )
                found.append(doubles)
        return found

    def several(self) -> dict[str, list[int]]:
        """Names of the run that more than one file of the directory has."""
        wanted, found = set(self.names.values()), dict[str, list[int]]()
        for file in self.client.files(self.run.directory_id):
            if file.original_filename in wanted and not file.removed:
                found.setdefault(file.original_filename or "", []).append(file.id)
        return {name: sorted(ids) for name, ids in found.items() if len(ids) > 1}

    def remove(self, files: list[Doubles], budget: Budget) -> list[Doubles]:
        """Send what stays of each file, wait for the server, and look again.

        Raises:
            DiffgramError: the server cannot be asked.
            StillProcessing: it was not done with them when the budget was spent.
        """
        for start in range(0, len(files), BATCH_SIZE):
            batch_id = self.client.new_batch()
            for file in files[start : start + BATCH_SIZE]:
                self.client.send_packet(with_batch(self._body(file.file_id), batch_id))
            self._wait(batch_id, budget)
        left = {file.file_id: file.removed for file in self.find()}
        return [_after(file, left) for file in files]

    def _body(self, file_id: int) -> bytes:
        """The packet with the rows that stay, read now, null fields left out."""
        file = self.client.annotated(file_id, directory_id=self.run.directory_id)
        gone = {row.id for row in to_go(file.rows, self.origins[file_id])}
        kept = [row.filled for row in file.rows if row.id not in gone]
        listed = noted(kept, file.rows, changed=file.changed, read=self.client.now())
        return replacing(file_id, self.run.directory_id, listed)

    def _wait(self, batch_id: int, budget: Budget) -> None:
        with budget.waiting():
            while not ended(records := self.client.inputs(batch_id=batch_id)):
                if not budget.pause(ASK_AGAIN_S):
                    waiting = sum(input_outcome(record) is None for record in records)
                    raise StillProcessing(f"the server has not applied {waiting} packets that remove duplicates yet")


def _merged(rows: list[Row], gone: list[Row]) -> int:
    """How many of the rows that stay are equal to another one of them, as the server sees it."""
    ids = {row.id for row in gone}
    stay = [identity(row) for row in rows if row.id not in ids]
    return len(stay) - len(set(stay))


def _after(file: Doubles, left: Mapping[int, int]) -> Doubles:
    problem = f"{left[file.file_id]} are there still" if file.file_id in left else ""
    return dataclasses.replace(file, problem=problem)


def dedupe(workspace: Workspace, run: str, *, dry_run: bool, replace_completed: bool, wait_s: float) -> DedupeReport:
    """Remove boxes of a run that files hold twice; see `Diffgram.dedupe`.

    Raises:
        BoxferryError: there is no such run here, or the server cannot be asked.
    """
    found, outbox = workspace.run(run), workspace.outbox
    names, origins = dict[int, str](), dict[int, set[str]]()
    for entry in outbox.entries(found.id):
        if entry.file_id is not None and entry.boxes:
            names[entry.file_id] = entry.file_name
            origins.setdefault(entry.file_id, set()).update(map(origin, references_in(outbox.body(entry.id))))
    deduper = Deduper(workspace.client, found, origins, names)
    files = deduper.find()
    spared = [file for file in files if file.completed and not replace_completed]
    files = [file for file in files if file not in spared]
    if files and not dry_run:
        files = deduper.remove(files, Budget(wait_s))
    files += [replace(file, problem=SPARED) for file in spared]
    return DedupeReport(files=files, dry_run=dry_run, several=deduper.several())
