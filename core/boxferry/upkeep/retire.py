"""Retires runs: their untouched boxes go from the server; people's, other runs' and those of completed files stay.

A file's boxes are replaced by those that are to stay, read just before, so that this can be done any number of times,
by any machine, and go on after it was broken off. While something is on its way to a file, the file waits.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from boxferry.packets.reference import detection, is_ours, origin, own_origin
from boxferry.stored.claims import Claims, divided
from boxferry.stored.file_inputs import FileInputs
from boxferry.stored.stored_boxes import StoredBoxes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from boxferry.destination import Client, Directory, FileRecord, InputRecord
    from boxferry.packets.rows import Row
    from boxferry.upkeep.retire_names import Pair


VIDEO = "a video, whose boxes are not replaced"
EQUAL = "boxes of people are equal to predictions, and the server would keep only one of each: check the file"


@dataclass(frozen=True, kw_only=True, slots=True)
class RetiredFile:
    """A file with boxes of the runs that are retired.

    Attributes:
        file_id, file_name: the file.
        directory_id: the directory that it is in.
        removed: how many boxes go, or went.
        completed: how many stay since people have completed the file.
        touched: how many stay since people have changed them.
        shared: how many stay since another run predicted the same, or a box is equal to them.
        merged: how many of the boxes that stay become one with an equal one of another run.
        people: how many boxes that people made or changed the file has; they stay.
        problem: why nothing, or not all, could be done; empty where all went well, or was not begun yet.
        later: whether doing it again later may help.
    """

    file_id: int
    file_name: str
    directory_id: int = 0
    removed: int = 0
    completed: int = 0
    touched: int = 0
    shared: int = 0
    merged: int = 0
    people: int = 0
    problem: str = ""
    later: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RetireReport:
    """What `retire` found, and did.

    Attributes:
        runs: the runs, each as 'model/run'.
        directories: the names of the directories that were looked at.
        files: the files with boxes of these runs.
        dry_run: whether nothing was changed.
        under_way: how many boxes of these runs the server has accepted and not applied yet.
    """

    runs: list[str]
    directories: list[str]
    files: list[RetiredFile] = field(default_factory=list)
    dry_run: bool = True
    under_way: int = 0

    def count(self, name: str) -> int:
        """The sum of one of the counts of the files, such as 'removed'."""
        return sum(int(getattr(file, name)) for file in self.files)

    @property
    def removed(self) -> int:
        """How many boxes go, or went."""
        return sum(file.removed for file in self.files if not file.problem)

    @property
    def exit_code(self) -> int:
        """0 all done, 1 something could not be done, 5 something was not applied in time."""
        problems = [file for file in self.files if file.problem and (file.removed or file.later)]
        if self.dry_run or not (problems or self.under_way):
            return 0
        return 1 if any(not file.later for file in problems) else 5

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        names = ("removed", "completed", "touched", "shared", "merged")
        counts = {name: self.count(name) for name in names} | {"removed": self.removed}
        files = [dataclasses.asdict(file) for file in self.files]
        facts = {"runs": self.runs, "directories": self.directories, "dry_run": self.dry_run}
        return {**facts, **counts, "under_way": self.under_way, "files": files, "exit_code": self.exit_code}


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryContents:
    """One directory of the server as it was read, with all that runs can be found by.

    Attributes:
        place: the directory.
        files: file id → the file, of those on which a box was ever put.
        stored_boxes: has the boxes of the images among them.
        inputs: file id → what was sent to it, the oldest first.
        unfinished: what the server has not ended.
        sent_as: file id → the names under which this outbox has sent to it, where it has.
    """

    place: Directory
    files: Mapping[int, FileRecord]
    stored_boxes: StoredBoxes
    inputs: Mapping[int, list[InputRecord]]
    unfinished: list[InputRecord]
    sent_as: Mapping[int, Collection[str]]

    @classmethod
    def read(cls, client: Client, place: Directory, sent_as: Mapping[int, Collection[str]]) -> Self:
        """Ask the server for the files of a directory, their boxes and what was sent to them.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        unfinished = client.unfinished()  # before the files: what ends in between is then on them
        listed = [file for file in client.files(place.id) if not (file.removed or file.never_had_boxes)]
        stored_boxes = StoredBoxes(client, place.id, listed, expected=len(listed))
        stored_boxes.load([file.id for file in listed if file.type != "video"])
        files = {file.id: file for file in listed}
        return cls(
            place=place,
            files=files,
            stored_boxes=stored_boxes,
            inputs=FileInputs(client, place.id, since=stored_boxes.first_run).of(list(files)),
            unfinished=unfinished,
            sent_as=sent_as,
        )

    def models(self, run: str) -> set[str]:
        """The models that inputs name beside a run."""
        boxes = (box for records in self.inputs.values() for record in records for box in record.all_boxes)
        return {box.model for box in boxes if box.run == run and box.model}

    def origins(self, file_id: int, pairs: Iterable[Pair]) -> set[str]:
        """What the references of runs begin with on a file."""
        names = {self.files[file_id].original_filename or "", *self.sent_as.get(file_id, ())}
        return {own_origin(name, model, run) for name in names for model, run in pairs}

    def seen(self, pairs: Collection[Pair]) -> set[Pair]:
        """Those runs of which a file has a box, or was sent one."""
        found: set[Pair] = set()
        for file_id in self.files:
            there = {origin(row.reference) for row in self._rows(file_id)}
            there |= {origin(ref) for record in self.inputs.get(file_id, ()) for ref in record.references}
            if there - {""}:
                found |= {pair for pair in pairs if self.origins(file_id, [pair]) & there}
        return found | {pair for pair in pairs if self.under_way([pair])}

    def under_way(self, pairs: Collection[Pair]) -> int:
        """How many boxes of runs the server has accepted and not applied yet."""
        found: set[str] = set()
        for record in self.unfinished:
            own = self._origins_of(record, pairs)
            found |= {detection(reference) for reference in record.references if origin(reference) in own}
        return len(found)

    def _origins_of(self, record: InputRecord, pairs: Collection[Pair]) -> set[str]:
        if record.file_id in self.files:
            return self.origins(record.file_id or 0, pairs)
        if record.directory and record.directory.id not in {None, self.place.id}:
            return set()
        name = record.original_filename or ""
        return {own_origin(name, model, run) for model, run in pairs}

    def _rows(self, file_id: int) -> list[Row]:
        return [] if self.files[file_id].type == "video" else self.stored_boxes.rows(file_id)

    def found(self, pairs: Collection[Pair]) -> list[RetiredFile]:
        """The files with boxes of runs, each with what goes and what stays."""
        found = []
        for file_id, file in self.files.items():
            origins = self.origins(file_id, pairs)
            if file.type == "video":
                known = self._video(file, origins)
            else:
                known = judged(file, self._rows(file_id), self.inputs.get(file_id, ()), origins)
            if known is not None:
                found.append(dataclasses.replace(known, directory_id=self.place.id))
        return sorted(found, key=lambda each: (each.file_name, each.file_id))

    def _video(self, file: FileRecord, origins: set[str]) -> RetiredFile | None:
        sent = {ref for record in self.inputs.get(file.id, ()) for ref in record.references if origin(ref) in origins}
        return _known(file, problem=VIDEO) if sent else None


def judged(
    file: FileRecord, rows: list[Row], inputs: Iterable[InputRecord], origins: Collection[str]
) -> RetiredFile | None:
    """What is to happen to an image's boxes; None where it has none of the runs.

    Args:
        file: as the server lists it.
        rows: its boxes.
        inputs: what was sent to it, the oldest first.
        origins: what the references of the runs that go begin with on this file.
    """
    if not any(is_ours(row.reference) for row in rows):
        return None
    parts = divided(rows, Claims(inputs), origins)
    if not (parts.go or parts.shared or parts.touched):
        return None
    go, complete = len(_detections(parts.go)), bool(file.ann_is_complete)
    found = _known(
        file,
        removed=0 if complete else go,
        completed=go if complete else 0,
        touched=len(_detections(parts.touched)),
        shared=len(_detections(parts.shared)),
        people=parts.people,
    )
    if complete or not go:
        return found
    return dataclasses.replace(found, merged=parts.merged, problem=EQUAL if parts.at_risk else "")


def _known(file: FileRecord, **facts: Any) -> RetiredFile:  # noqa: ANN401 # the fields of RetiredFile
    return RetiredFile(file_id=file.id, file_name=file.original_filename or "", **facts)


def _detections(rows: Iterable[Row]) -> set[str]:
    return {detection(row.reference) for row in rows}
