"""Queues again what was applied and is gone from the server though no person removed it, as the outbox has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code, Fault
from boxferry.boxes.tally import Place
from boxferry.outbox.entry import Entry
from boxferry.outbox.kinds import Mode, Via
from boxferry.packets.contents import among, appending, detections_of, frames_in, references_in, with_boxes
from boxferry.packets.reference import detection, parsed
from boxferry.plan.picture import changed_since, digest_of
from boxferry.plan.updates import leaving_out
from boxferry.upkeep.check import Checker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from boxferry.boxes.tally import Tally
    from boxferry.destination import Client
    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.packets.contents import Frames
    from boxferry.packets.rows import Row
    from boxferry.upkeep.check import AppliedFile


class Missing:
    """What of a run is to be sent again."""

    def __init__(self, client: Client, outbox: Outbox, run: Run, tally: Tally) -> None:
        """Prepare; what cannot be sent again is recorded on the tally, with the boxes."""
        self._client, self._outbox, self._run, self._tally = client, outbox, run, tally
        self._labels = _Labels(client)

    def queue(self) -> int:
        """Queue it; gives the number of boxes.

        Raises:
            DiffgramError: the server cannot be asked; nothing was queued of what was not asked for.
        """
        boxes = 0
        for file in Checker(self._client, self._outbox, self._run).look():
            if file.problem == Fault.LOST_BOXES:
                boxes += self._append(file)
            elif file.problem in {Fault.GONE_FILE, Fault.OTHER_FILE} and (file.missing or not file.references):
                boxes += self._make(file)
        return boxes

    def _append(self, file: AppliedFile) -> int:
        """Boxes that are gone from a file that is there; the server is asked again whether a person deleted them."""
        carried = set().union(*(record.references for record in self._client.inputs(file_id=file.file_id)))
        if not (lost := file.missing - carried):
            return 0
        bodies = {entry.id: self._outbox.body(entry.id) for entry in file.entries}
        boxes = _chosen(bodies.values(), lost)
        problem, boxes = self._labels.renewed(boxes)
        if problem:
            return self._cannot(file, problem)
        left = [(number, *leaving_out(body, lost)) for number, body in bodies.items() if lost & references_in(body)]
        last = file.entries[-1]
        entry = Entry(
            route=Via.EXISTING,
            mode=Mode.APPEND,
            file_name=file.file_name,
            file_id=file.file_id,
            body=appending(file.file_id, boxes),
            boxes=detections_of(boxes),
            width=last.width,
            height=last.height,
        )
        self._outbox.move_boxes(self._run.id, left, entry)
        self._tally.read += entry.boxes
        return entry.boxes

    def _make(self, file: AppliedFile) -> int:
        """A file that is gone is made again, with all of its boxes, where its media is still there."""
        first = file.entries[0]
        if problem := _unmakable(first):
            return self._cannot(file, problem)
        bodies = [self._outbox.body(entry.id) for entry in file.entries]
        problem, boxes = self._labels.renewed(_chosen(bodies, file.missing))
        if problem:
            return self._cannot(file, problem)
        count = detections_of(boxes)
        self._outbox.send_again(first.id, with_boxes(bodies[0], boxes), count, [e.id for e in file.entries[1:]])
        self._tally.read += count
        return count

    def _cannot(self, file: AppliedFile, problem: str) -> int:
        count = len({detection(reference) for reference in file.missing})
        message = f"{file.detail}; it is not sent again: {problem}"
        self._tally.fail(Code.GONE, message, Place(file.file_name), boxes=count, counted=False)
        return 0


class _Labels:
    """The labels that the server has now: after it was wiped or exchanged, a label may have another id."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: list[dict[str, int]] | None = None

    def renewed(self, frames: Frames) -> tuple[str, Frames]:
        """Why boxes cannot be sent with the labels of now, or an empty text; and the boxes with the ids of now."""
        if self._known is None:
            self._known = [self._client.label_ids(schema.id) for schema in self._client.schemas()]
        found: Frames = {}
        for frame, boxes in frames.items():
            for box in boxes:
                problem, label_id = self._label_of(box, self._known)
                if problem:
                    return problem, {}
                found.setdefault(frame, []).append(box.labelled(label_id))
        return "", found

    def _label_of(self, box: Row, known: Iterable[dict[str, int]]) -> tuple[str, int | None]:
        reference = parsed(box.reference)
        name = reference.label if reference else ""
        ids = [schema[name] for schema in known if name in schema]
        if not ids:
            return f"the server has no label '{name}'; push it with labels=create and resend_missing=True", None
        if box.label_id in ids:
            return "", box.label_id
        if box.has_attributes:
            return "the server's labels or attributes have changed; push it with resend_missing=True", None
        return "", ids[0]


def _unmakable(entry: Entry) -> str:
    """Why a file cannot be made again as it was made first; empty where it can."""
    if entry.route == Via.EXISTING:
        return "it was not uploaded from here; push it with its images and resend_missing=True"
    if entry.route != Via.UPLOAD:
        return ""
    if problem := changed_since(entry.media, entry.mark):
        return problem
    if entry.digest and digest_of(entry.media) != entry.digest:
        return f"{entry.media}: differs from the image that was uploaded"
    return ""


def _chosen(bodies: Iterable[bytes], references: Collection[str]) -> Frames:
    """Those boxes of several packets that have one of these references, each once, the last of equals."""
    found: dict[str, tuple[int | None, Row]] = {}
    for body in bodies:
        for frame, boxes in among(frames_in(body), references).items():
            found.update((box.reference, (frame, box)) for box in boxes)
    frames: Frames = {}
    for frame, box in found.values():
        frames.setdefault(frame, []).append(box)
    return frames
