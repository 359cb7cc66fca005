"""What a push did, in numbers that add up, and the exit code that follows from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from boxferry.boxes.counted import counted
from boxferry.boxes.notebook import paragraph, plain_table
from boxferry.destination import remedy_of
from boxferry.errors import BoxferryError
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.outcome import PLANNED, State
from boxferry.packets.contents import references_in
from boxferry.packets.reference import detection, label_of
from boxferry.reading.tables import data_frame
from boxferry.stored.before import was_complete

if TYPE_CHECKING:
    from pandas import DataFrame

    from boxferry.boxes.tally import Tally
    from boxferry.outbox.entry import Entry, Run

EXIT_FAILED = 1
EXIT_GAVE_UP = 4
EXIT_STILL_PROCESSING = 5
NAMED = 5  #: files that an error names
SHOWN = 20  #: files that a notebook lists


class PlannedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a dry run.

    Attributes:
        file_name: its name on the server.
        file_id: its id, where it is there.
        route: 'upload', 'url', 'blob' or 'existing'.
        mode: 'new', 'append', 'replace-own' or 'replace-all'.
        boxes: how many boxes it would get.
        labels: how many of each label.
        deletes: how many boxes that people made or changed would be deleted.
        removes: how many boxes that the file has would go, predictions included.
        completed: whether people have completed the file.
    """

    file_name: str
    file_id: int | None = None
    route: str
    mode: str
    boxes: int
    labels: dict[str, int]
    deletes: int = 0
    removes: int = 0
    completed: bool = False


class FileResult(NamedTuple):
    """One packet, which is about one file.

    Attributes:
        name: the file's name on the server.
        file_id: its id, where it is known.
        state: 'queued', 'sending', 'unsure', 'accepted', 'stuck', 'applied' or 'refused'; 'planned' in a dry run.
        boxes: how many boxes the packet has.
        reason: why it is not applied, or what is not as it should be after it was; empty where nothing is wrong.
    """

    name: str
    file_id: int | None
    state: str
    boxes: int
    reason: str


class FileResults(tuple[FileResult, ...]):
    """The packets of a run, in the order of their planning; several pushes of a run have several for a file."""

    __slots__ = ()

    def __repr__(self) -> str:
        states = dict[str, int]()
        for each in self:
            states[each.state] = states.get(each.state, 0) + 1
        return f"<FileResults: {', '.join(f'{n} {state}' for state, n in states.items()) or 'none'}>"

    def _repr_html_(self) -> str:
        """The first of them as a table, for a notebook."""
        more = f"<p>and {len(self) - SHOWN} more</p>" if len(self) > SHOWN else ""
        return plain_table(FileResult._fields, self[:SHOWN]) + more

    def to_pandas(self) -> DataFrame:
        """A table, a packet a row.

        Raises:
            UsageError: pandas is not installed.
        """
        return data_frame([each._asdict() for each in self] or {name: [] for name in FileResult._fields})


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class PushResult:
    """What a push did.

    Attributes:
        tally: images and boxes read, and the boxes dropped, by reason; what it kept is what was stored for sending.
        run: the run in the outbox; None for a dry run of a run that was never pushed.
        outbox: the path of the outbox.
        states: the states of the run's packets, state → (packets, boxes), earlier pushes of the run included.
        failed: the packets of the run that the server refused, that are stuck there, or whose outcome is unknown.
        doubtful: the packets of the run that were applied and after which something was not as it should be.
        labels_created: the labels that were made on the server (or would be).
        attributes_created: the attributes and options that were made on the server (or would be).
        directory_created: the name of the directory that was created on the server (or would be); empty for none.
        directory_near: the name of another directory that is called nearly the same; empty for none.
        planned: in a dry run, the files that would be sent; None otherwise.
        stopped: what ended the sending before its end; None otherwise.
        silence: what a server on which nothing moves is likely to have; empty where something does.
        waited: whether the server was asked until everything had ended.
    """

    tally: Tally
    run: Run | None
    outbox: str
    states: dict[str, tuple[int, int]] = field(default_factory=dict)
    failed: list[Entry] = field(default_factory=list)
    doubtful: list[Entry] = field(default_factory=list)
    labels_created: list[str] = field(default_factory=list)
    attributes_created: list[str] = field(default_factory=list)
    directory_created: str = ""
    directory_near: str = ""
    planned: list[PlannedFile] | None = None
    stopped: BoxferryError | None = None
    silence: str = ""
    waited: bool = True

    @property
    def dry_run(self) -> bool:
        """Whether nothing was to be sent."""
        return self.planned is not None

    @property
    def exit_code(self) -> int:
        """As the command line ends: 0 all done, 1 something failed, 3 and 4 sending ended early, 5 still processing."""
        if self.stopped is not None:
            return self.stopped.exit_code
        if self.states.get(State.UNSURE) or self.states.get(State.QUEUED):
            return EXIT_GAVE_UP
        if self.tally.exit_code or self.states.get(State.REFUSED) or self.doubtful:
            return EXIT_FAILED
        waits = self.states.get(State.STUCK) or (self.waited and self.states.get(State.ACCEPTED))
        return EXIT_STILL_PROCESSING if waits else 0

    @property
    def files(self) -> FileResults:
        """The files of the run, as the outbox has them now; in a dry run those that would be sent.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        if self.planned is not None:
            return FileResults(
                FileResult(each.file_name, each.file_id, PLANNED, each.boxes, "") for each in self.planned
            )
        if self.run is None:
            return FileResults()
        outbox = Outbox(Path(self.outbox))
        try:
            listed = outbox.entries(self.run.id)
            return FileResults(FileResult(e.file_name, e.file_id, str(e.state), e.boxes, e.reason) for e in listed)
        finally:
            outbox.close()

    def to_pandas(self) -> DataFrame:
        """The files as a table, see `FileResults.to_pandas`.

        Raises:
            UsageError: pandas is not installed.
            OutboxError: the outbox cannot be read.
        """
        return self.files.to_pandas()

    def raise_for_failures(self) -> None:
        """Do nothing where all went well.

        Raises:
            BoxferryError: something failed; the message names the first images and files with their reasons, and its
                `exit_code` is that of the result.
        """
        if self.stopped is not None:
            raise self.stopped
        if self.exit_code:
            issues = (each for code in self.tally.failed for each in self.tally.examples.get(code, ()))
            wrong = [str(each) for each in issues if each.kind == "error"]
            wrong += [f"{each.file_name}: {each.state}: {each.reason}" for each in (*self.failed, *self.doubtful)]
            others = self.tally.failed.total() + len(self.failed) + len(self.doubtful) - NAMED
            more = f"; and {counted(others, 'more file')}" if others > 0 else ""
            error = BoxferryError("; ".join([self.summary(), *wrong[:NAMED]]) + more)
            error.exit_code = self.exit_code
            raise error

    def __repr__(self) -> str:
        name = f" run {self.run.name}," if self.run else ""
        return f"<PushResult:{name} exit code {self.exit_code}, {self.summary()}>"

    def _repr_html_(self) -> str:
        """The counts as a table, for a notebook."""
        rows = [(state, packets, boxes) for state, (packets, boxes) in self.states.items()]
        return paragraph(self) + (plain_table(("state", "packets", "boxes"), rows) if rows else "")

    def summary(self) -> str:
        """One line: what was read, sent and dropped, and the states of the packets."""
        states = ", ".join(f"{boxes} {state}" for state, (_, boxes) in self.states.items()) or "nothing sent"
        dropped = ", ".join(f"{n} {code}" for code, n in self.tally.dropped.items()) or "none"
        failed = f"; {self.tally.failed.total()} images or files failed" if self.tally.failed else ""
        return (
            f"{counted(self.tally.read, 'box')} read, {self.tally.kept} to send, dropped: {dropped}; {states}{failed}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {
            "run": msgspec.to_builtins(self.run),
            "outbox": self.outbox,
            "dry_run": self.dry_run,
            **self.tally.as_dict(),
            "examples": self.tally.example_dicts(),
            "labels_created": self.labels_created,
            "attributes_created": self.attributes_created,
            "directory_created": self.directory_created,
            "directory_near": self.directory_near,
            "states": {state: {"packets": p, "boxes": b} for state, (p, b) in self.states.items()},
            "failed": [_shown(entry) for entry in self.failed],
            "doubtful": [_shown(entry) for entry in self.doubtful],
            "planned": None if self.planned is None else msgspec.to_builtins(self.planned),
            "stopped": None if self.stopped is None else str(self.stopped),
            "silence": self.silence,
            "exit_code": self.exit_code,
        }


def _shown(entry: Entry) -> dict[str, Any]:
    detail = {"detail": entry.detail} if entry.detail and entry.detail != entry.reason else {}
    shown = {"file": entry.file_name, "state": entry.state, "reason": entry.reason, **detail}
    return {**shown, "remedy": remedy} if (remedy := remedy_of(entry.reason)) else shown


def planned_file(entry: Entry) -> PlannedFile:
    """A packet as a dry run lists it; the labels are read out of the boxes' references."""
    labels = Counter(label_of(reference) for reference in {detection(r) for r in references_in(entry.body)})
    return PlannedFile(
        file_name=entry.file_name,
        file_id=entry.file_id,
        route=entry.route,
        mode=entry.mode,
        boxes=entry.boxes,
        labels=dict(labels),
        deletes=entry.deletes,
        removes=entry.removes,
        completed=was_complete(entry.before),
    )
