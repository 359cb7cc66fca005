"""Compares what the outbox calls applied with what the server has: gone files and boxes, ids of other files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from boxferry.boxes.codes import Fault
from boxferry.deliver.changed import other_file
from boxferry.destination import Bulk
from boxferry.outbox.entry import ENDED
from boxferry.outbox.kinds import REPLACING, Mode
from boxferry.outbox.outcome import State
from boxferry.packets.contents import is_of_video, references_in
from boxferry.packets.reference import detection
from boxferry.plan.adding import ADOPTED
from boxferry.stored.file_inputs import FileInputs
from boxferry.stored.stored_boxes import StoredBoxes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.deliver.workspace import Workspace
    from boxferry.destination import Client, FileRecord
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox

    Problem = Fault | Literal["", "removed"]

AMISS = tuple(Fault)


class Amiss(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a run that is not as the outbox has it, though no person made it so.

    Attributes:
        file_name: its name, as the boxes were sent to it.
        file_id: its id.
        problem: a `boxferry.boxes.codes.Fault`.
        boxes: how many boxes of the run are gone with it.
        detail: what is wrong with it, in words.
    """

    file_name: str
    file_id: int
    problem: str
    boxes: int
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What a comparison of a run with the server found.

    Attributes:
        run: the run.
        files: the files of which something was applied.
        boxes: the boxes that were applied to them.
        deleted: those of them that people have deleted.
        removed: files that people have removed.
        amiss: the files that are not as they should be.
    """

    run: Run
    files: int = 0
    boxes: int = 0
    deleted: int = 0
    removed: int = 0
    amiss: list[Amiss] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 where something is amiss, else 0."""
        return int(bool(self.amiss))

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        counts = {name: getattr(self, name) for name in ("files", "boxes", "deleted", "removed")}
        return {"run": msgspec.to_builtins(self.run), **counts, "amiss": msgspec.to_builtins(self.amiss)}


@dataclass(slots=True)
class AppliedFile:
    """What the outbox calls applied of one file, and how that is on the server.

    Attributes:
        file_name, file_id: the file.
        entries: its packets, without their bodies, in their order.
        references: of the boxes that it should hold, where no person has deleted any.
        video: whether they are boxes of a video.
        problem: what is wrong; empty where nothing is.
        detail: the same in words.
        missing: the references that are gone, other than by a person.
        deleted: those that people have deleted.
    """

    file_name: str
    file_id: int
    entries: list[Entry] = field(default_factory=list)
    references: set[str] = field(default_factory=set)
    video: bool = False
    problem: Problem = ""
    detail: str = ""
    missing: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def take(self, entry: Entry, body: bytes) -> None:
        """One packet more that was applied."""
        found = references_in(body)
        self.references = found if entry.mode in REPLACING else self.references | found
        self.video = self.video or is_of_video(body)
        self.entries.append(entry)

    def went(self, problem: Problem, detail: str) -> None:
        """The whole file is not there any more, or is another one."""
        self.problem, self.detail = problem, detail
        self.missing = set() if problem == "removed" else set(self.references)


class Checker:
    """Looks at one run; changes nothing."""

    def __init__(self, client: Client, outbox: Outbox, run: Run) -> None:
        """Prepare; nothing is asked yet."""
        self._client, self._outbox, self._run = client, outbox, run
        self._bulk = Bulk(client, run.directory_id)

    def report(self) -> Checked:
        """What is amiss.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        files = self.look()
        return Checked(
            run=self._run,
            files=len(files),
            boxes=sum(_boxes(file.references) for file in files),
            deleted=sum(_boxes(file.deleted) for file in files),
            removed=sum(file.problem == "removed" for file in files),
            amiss=[
                Amiss(
                    file_name=file.file_name,
                    file_id=file.file_id,
                    problem=file.problem,
                    boxes=_boxes(file.missing),
                    detail=file.detail,
                )
                for file in files
                if file.problem in AMISS
            ],
        )

    def look(self) -> list[AppliedFile]:
        """The files of which something was applied, each with what is wrong; those that were sent anew are left out.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        files = self._applied()
        listed = self._listed()
        there = {file.file_id: listed[file.file_id] for file in files if file.file_id in listed}
        there |= self._not_listed([file for file in files if file.file_id not in listed])
        stored_boxes = StoredBoxes(self._client, self._run.directory_id, there.values(), expected=len(files))
        self._compare_files(files, there, stored_boxes)
        self._compare_boxes([file for file in files if not file.problem], stored_boxes)
        self._spare_renamed([file for file in files if file.problem == Fault.OTHER_FILE], stored_boxes)
        return [file for file in files if not self._anew(file, files)]

    def _applied(self) -> list[AppliedFile]:
        found: dict[tuple[int, str], AppliedFile] = {}
        for entry in self._outbox.entries(self._run.id, (State.APPLIED,)):
            if entry.file_id is not None:
                key = entry.file_id, entry.file_name  # of two names one is of a server that was exchanged
                file = found.setdefault(key, AppliedFile(entry.file_name, entry.file_id))
                file.take(entry, self._outbox.body(entry.id))
        return list(found.values())

    def _listed(self) -> dict[int, FileRecord]:
        if self._run.directory_id not in {directory.id for directory in self._client.directories()}:
            return {}
        return {file.id: file for file in self._client.files(self._run.directory_id) if not file.removed}

    def _not_listed(self, files: list[AppliedFile]) -> dict[int, FileRecord]:
        """Those files that were moved to another directory; the others are marked as removed or gone."""

        def ask(file_id: int) -> tuple[int, FileRecord | None]:
            return file_id, self._client.found(file_id, directory_id=self._run.directory_id)

        answers = dict(self._bulk.each(ask, [file.file_id for file in files]))
        for file in files:
            found = answers[file.file_id]
            if found is None:
                file.went(Fault.GONE_FILE, "the server does not have it any more")
            elif found.removed:
                file.went("removed", "a person removed it")
        return {file_id: found for file_id, found in answers.items() if found is not None and not found.removed}

    def _compare_files(
        self, files: Iterable[AppliedFile], there: dict[int, FileRecord], stored_boxes: StoredBoxes
    ) -> None:
        """Names, and sizes where they are known."""
        left = [file for file in files if not file.problem]
        stored_boxes.load_sizes([file.file_id for file in left if any(entry.width for entry in file.entries)])
        for file in left:
            problems = (other_file(entry, there[file.file_id], stored_boxes) for entry in file.entries)
            if detail := next(filter(None, problems), ""):
                file.went(Fault.OTHER_FILE, f"the id is another file's now: {detail}")

    def _compare_boxes(self, files: list[AppliedFile], stored_boxes: StoredBoxes) -> None:
        """What is not there, and was sent by an input that the server still has, a person has deleted."""
        stored_boxes.load([file.file_id for file in files if file.references and not file.video])
        for file in files:
            if file.references:
                file.missing = file.references - set(stored_boxes.references(file.file_id, video=file.video))
        short = [file for file in files if file.missing]
        inputs = FileInputs(self._client, self._run.directory_id, since=self._since).of([f.file_id for f in short])
        for file in short:
            carried = set().union(*(record.references for record in inputs.get(file.file_id, ())))
            file.deleted = file.missing & carried
            file.missing -= carried
            if file.missing:
                file.problem = Fault.LOST_BOXES
                file.detail = (
                    f"{_boxes(file.missing)} of {_boxes(file.references)} boxes are missing, and no input explains it"
                )

    def _spare_renamed(self, files: list[AppliedFile], stored_boxes: StoredBoxes) -> None:
        """A file that still has boxes of the run was renamed, or made another size of: its boxes are not gone."""
        stored_boxes.load([file.file_id for file in files if not file.video])
        for file in files:
            if file.references & set(stored_boxes.references(file.file_id, video=file.video)):
                file.missing = set()
                file.detail += "; it has boxes of the run"

    def _since(self) -> float | None:
        """No packet of the run went out before; None where that is unknown."""
        entries = self._outbox.entries(self._run.id, (State.APPLIED,))
        times = [min(filter(None, (entry.sent, entry.ended)), default=0.0) for entry in entries]
        return min(times) if times and min(times) > ADOPTED else None

    def _anew(self, file: AppliedFile, files: Iterable[AppliedFile]) -> bool:
        """Whether a file that is gone, or is another one, was sent again since."""
        if file.problem not in {Fault.GONE_FILE, Fault.OTHER_FILE}:
            return False
        others = [
            each for each in files if each.file_name == file.file_name and each.entries[-1].id > file.entries[-1].id
        ]
        again = [
            e for e in self._outbox.earlier(self._run.id, file.file_name) if e.state not in ENDED and e.mode == Mode.NEW
        ]
        return bool(again) or any(each.problem in {"", Fault.LOST_BOXES} for each in others)


def _boxes(references: Iterable[str]) -> int:
    """How many detections these are of: one whose outline has several parts counts once."""
    return len({detection(reference) for reference in references})


def checked_runs(workspace: Workspace, run: str | None) -> list[Checked]:
    """What the server has of one run, or of all of this project, that was applied; see `Diffgram.check`.

    Raises:
        BoxferryError: there is no such run here, or the server cannot be asked.
    """
    wanted = workspace.runs() if run is None else [workspace.run(run)]
    return [Checker(workspace.client, workspace.outbox, each).report() for each in wanted]
