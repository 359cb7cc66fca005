"""Takes up a run that another outbox pushed, from the server alone: what its boxes and its files' inputs tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from boxferry.boxes.labels import classes_in
from boxferry.destination import moment
from boxferry.outbox.entry import Entry
from boxferry.outbox.kinds import Mode, Via
from boxferry.outbox.outcome import State, was_applied
from boxferry.packets.contents import among, apart_from, appending, boxes_of, detections_of, references_in
from boxferry.packets.reference import detection, origin, own_origin, parsed
from boxferry.packets.rows import made_again
from boxferry.stored.before import Before, encoded, told, told_beside
from boxferry.stored.run_origin import model_of, read_origin, sent_boxes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from boxferry.deliver.workspace import Workspace
    from boxferry.destination import InputRecord
    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.packets.contents import Frames
    from boxferry.packets.rows import Row
    from boxferry.stored.run_origin import Held, Origin


@dataclass(frozen=True, kw_only=True, slots=True)
class Adoption:
    """What was added of a run.

    Attributes:
        run: the run, as the outbox has it now.
        files: the files to which something was added.
        boxes: the boxes that were added.
        deleted: those of them that are not on the server any more.
        known: the files of the run of which the outbox has everything already.
        under_way: boxes of the run that the server has accepted and not applied yet; adopt again when it has.
        classes_of: the run of the same model whose class ids it has now; empty where none was needed, or none fits.
    """

    run: Run
    files: int = 0
    boxes: int = 0
    deleted: int = 0
    known: int = 0
    under_way: int = 0
    classes_of: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        names = ("files", "boxes", "deleted", "known", "under_way", "classes_of")
        return {"run": msgspec.to_builtins(self.run)} | {name: getattr(self, name) for name in names}


class Adopter:
    """Makes the entries of a run that an outbox does not have."""

    def __init__(self, found: Origin, run: Run, labels: Mapping[str, int]) -> None:
        """Prepare.

        Args:
            found: what the server holds.
            run: the run, in the outbox.
            labels: label → id, for boxes that no input tells of.
        """
        self.run, self._found, self._labels = run, found, labels
        self.files = self.boxes = self.deleted = self.known = 0
        self._sent: set[str] = set()
        self._classes_of = ""

    def adoption(self) -> Adoption:
        """What was added, once the entries have been gone through."""
        coming = set().union(*(self._own(record) for record in self._found.unfinished))
        return Adoption(
            run=self.run,
            files=self.files,
            boxes=self.boxes,
            deleted=self.deleted,
            known=self.known,
            under_way=len(coming),
            classes_of=self._classes_of,
        )

    def take_classes(self, outbox: Outbox) -> None:
        """Give a run without class ids those of the newest run of its model in the outbox that has all its labels."""
        run = self.run
        for other in reversed(outbox.runs()) if not run.classes else ():
            same = (other.host, other.project, other.model) == (run.host, run.project, run.model)
            if same and other.classes and self._sent <= set(classes_in(other.classes).values()):
                table = other.classes
                outbox.keep_classes(run.id, lambda kept: kept or table)  # noqa: B023 # called at once
                self.run, self._classes_of = msgspec.structs.replace(run, classes=table), other.name
                return

    def _own(self, record: InputRecord) -> set[str]:
        names = {held.file.id: held.name for held in self._found.held}
        name = names.get(record.file_id or 0) or record.original_filename or ""
        own = own_origin(name, self.run.model, self.run.name)
        return {reference for reference in record.references if origin(reference) == own}

    def entries(self, outbox: Outbox) -> Iterator[Entry]:
        """The applied packets that are missing from an outbox, file by file, the oldest first."""
        known = _Known(outbox, self.run)
        for held in self._found.held:
            sent = list(self._packets(held, own_origin(held.name, self.run.model, self.run.name)))
            missing = [entry for packet in sent if (entry := known.missing(held, packet))]
            self.files += bool(missing)
            self.known += bool(sent) and not missing
            self._count(held, missing)
            yield from missing

    def _count(self, held: Held, entries: list[Entry]) -> None:
        there = {detection(row.reference) for row in held.rows}
        brought = {detection(reference) for entry in entries for reference in references_in(entry.body)}
        self._sent |= {told.label for reference in brought if (told := parsed(reference))}
        self.boxes += len(brought)
        self.deleted += len(brought - there)

    def _packets(self, held: Held, own: str) -> Iterator[Sent]:
        """What was sent to a file and applied; and what it holds although no input tells of it."""
        rows = {r.reference: r for r in held.rows if origin(r.reference) == own}
        carrying = [(record, self._carried(record, own, rows)) for record in self._found.inputs.get(held.file.id, ())]
        told = [_references(boxes) for _, boxes in carrying]
        for number, (record, boxes) in enumerate(carrying):
            if boxes:  # a box that a later packet brought again tells nothing of this one's time
                again = set[str]().union(*told[number + 1 :])
                left = {reference: row for reference, row in rows.items() if reference not in again}
                yield Sent(boxes, record, _applied_at(left, boxes, record))
        rest = {reference: row for reference, row in rows.items() if reference not in set[str]().union(*told)}
        if boxes := self._rebuilt(rest):
            yield Sent(boxes, None, _applied_at(rows, boxes, None))

    def _carried(self, record: InputRecord, own: str, rows: Mapping[str, Row]) -> Frames:
        """The run's boxes that an input brought; of one that failed, those count that are stored."""
        carried = _own_boxes(record, own)
        return carried if was_applied(record) else among(carried, rows)

    def _rebuilt(self, rows: Mapping[str, Row]) -> Frames:
        """Boxes as they were sent, out of their references; their scores stand in the rows."""
        found: Frames = {}
        for text, row in rows.items():
            if reference := parsed(text):
                label_id = self._labels.get(reference.label, row.label_id or 0)
                box = made_again(row, reference, label_id, model=self.run.model, run=self.run.name)
                found.setdefault(reference.frame, []).append(box)
        return found


class Sent(NamedTuple):
    """What was sent to a file at one time.

    Attributes:
        boxes: by frame.
        record: the server's record of it; None where it has none.
        applied: when it was applied, seconds since the epoch by the server's clock.
    """

    boxes: Frames
    record: InputRecord | None
    applied: float


class _Known:
    """What an outbox knows of a run's files."""

    def __init__(self, outbox: Outbox, run: Run) -> None:
        self._references: dict[int | str, set[str]] = {}
        self._inputs: set[int] = set()
        self._until: dict[int, float] = {}
        for entry in outbox.entries(run.id):
            if entry.state == State.REFUSED:
                continue
            key = entry.file_id if entry.file_id is not None else entry.file_name
            self._references.setdefault(key, set()).update(references_in(outbox.body(entry.id)))
            self._inputs |= {entry.input_id} if entry.input_id is not None else set()
            if entry.file_id is not None:
                self._until[entry.file_id] = max(entry.ended, self._until.get(entry.file_id, 0.0))

    def missing(self, held: Held, sent: Sent) -> Entry | None:
        """The entry for what was sent, as far as it is not known; None where it is."""
        record, file_id = sent.record, held.file.id
        if record is not None and record.id in self._inputs:
            return None
        replaces = record is not None and record.replaces
        if replaces and sent.applied <= self._until.get(file_id, 0.0):
            return None
        known = self._references.get(file_id, set()) | self._references.get(held.name, set())
        boxes = sent.boxes if replaces else apart_from(sent.boxes, known)
        return _entry(held, boxes, sent) if boxes else None


def _entry(held: Held, boxes: Frames, sent: Sent) -> Entry:
    record = sent.record
    return Entry(
        route=Via.EXISTING,
        mode=Mode.REPLACE_OWN if record and record.replaces else Mode.APPEND,
        file_name=held.name,
        file_id=held.file.id,
        body=appending(held.file.id, boxes),
        boxes=detections_of(boxes),
        state=State.APPLIED,
        batch_id=record.batch_id if record else None,
        input_id=record.id if record else None,
        ended=sent.applied,
        checked=1,
        width=held.size[0],
        height=held.size[1],
        before=encoded(_before(record)),
    )


def _before(record: InputRecord | None) -> Before | None:
    """What an input tells of its file before; a new file had nothing yet."""
    if record is None:
        return None
    if record.updates and not record.replaces:
        return told_beside(record.boxes)
    return told(record.boxes) if record.replaces else Before(complete=False, kept=[], took=[])


def _own_boxes(record: InputRecord, own: str) -> Frames:
    found: Frames = {}
    for frame, box in sent_boxes(record):
        if origin(box.reference) == own:
            found.setdefault(frame, []).append(box)
    return found


def _references(boxes: Frames) -> set[str]:
    return {box.reference for box in boxes_of(boxes)}


def _applied_at(rows: Mapping[str, Row], boxes: Frames, record: InputRecord | None) -> float:
    """When boxes came onto a file, seconds by the server's clock: as their untouched rows say, else their input."""
    of_rows = (rows[reference] for reference in _references(boxes) if reference in rows)
    times = [time for row in of_rows if not row.is_changed and (time := moment(row.created_time)) is not None]
    made = record.created if record else None
    return max([*times, made or 1.0])


def adopt(workspace: Workspace, run: str, *, directory: str | int, model: str | None) -> Adoption:
    """Take up a run that another outbox pushed; see `Diffgram.adopt`.

    Raises:
        BoxferryError: there is no such run, its model is not known, or the server cannot be asked.
    """
    client, outbox = workspace.client, workspace.outbox
    place = client.find_directory(directory)
    found = read_origin(client, place, run)
    model = model_of(found, place, run, model, (each.model for each in outbox.runs()))
    labels = {name: n for schema in client.schemas() for name, n in client.label_ids(schema.id).items()}
    with outbox.sending():
        adopter = Adopter(found, workspace.run_of(workspace.head(place.id, model, run)), labels)
        outbox.keep_directory(adopter.run.id, place.nickname or "")
        outbox.add(adopter.run.id, adopter.entries(outbox))
        adopter.take_classes(outbox)
    return adopter.adoption()
