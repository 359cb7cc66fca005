"""Brings the boxes of a run's files home: what was predicted, out of the outbox, and what the server has now."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from boxferry.destination import BOXES_SHARE, Bulk, FileRecord, InputRecord, around, few
from boxferry.outbox.kinds import Via
from boxferry.outbox.outcome import State
from boxferry.outbox.source_image import UNKNOWN, SourceImage, source_image
from boxferry.packets.reference import detection, is_ours, parsed, whole
from boxferry.review.cache import Known, packed, packed_input
from boxferry.review.fates import fates_of
from boxferry.review.judged import Judged, Predicted, Stored
from boxferry.review.others import inputs_of
from boxferry.review.pushes import pushes_of
from boxferry.review.rows import LeftOut, StoredRows, readable, stored_rows
from boxferry.review.timeline import Timeline
from boxferry.review.witnesses import saves_found

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from boxferry.destination import Client, StoredFile
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.review.attribute_names import AttributeNames
    from boxferry.review.cache import Cache


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewedFile:
    """One file of a run, with what became of its boxes.

    Attributes:
        file_name, file_id: of the file on the server.
        image: what the source calls it, and its id there.
        width, height: its size in pixels, as the server recorded it.
        video: whether it is a video.
        media: where its pixels are on this machine; empty where unknown.
        complete: whether the server says that its annotation is complete.
        reviewed: whether a person has looked at it since the run's boxes came, as far as the server can tell: completed
            it, or changed a box. A file that was looked at, left as it is and not completed cannot be told from one
            that was not; nor does it count that it was completed before.
        overtaken: whether a later push took away boxes that people had left, and no person has looked since.
        sent: the boxes that this run sent.
        predicted: those of them that no push took away, but those that are unreadable now.
        stored: the boxes that it has now.
        unseen: the rows of those that came after people looked at it last.
        judged: the fate of each.
        frames: how many frames a video has; 0 where unknown.
        frame_rate: its frames a second, as the server has them; 0 where unknown.
        left_out: the rows that it has and that are no boxes.
        gone: whether the server does not have it any more; then only what was sent is known.
    """

    file_name: str
    file_id: int
    width: int = 0
    height: int = 0
    video: bool = False
    media: str = ""
    complete: bool = False
    reviewed: bool = False
    overtaken: bool = False
    sent: list[Predicted] = field(default_factory=list)
    predicted: list[Predicted] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    unseen: frozenset[int] = frozenset()
    judged: list[Judged] = field(default_factory=list)
    frames: int = 0
    frame_rate: float = 0.0
    left_out: list[LeftOut] = field(default_factory=list)
    gone: bool = False
    image: SourceImage = UNKNOWN


def pulled(
    client: Client,
    outbox: Outbox,
    run: Run,
    labels: Mapping[int, str],
    cache: Cache,
    *,
    attributes: AttributeNames | None = None,
    on_file: Callable[[int, int], None],
) -> Iterator[ReviewedFile]:
    """The files of a run in the order in which they were sent; of those that did not change since, nothing is asked.

    Args:
        client: asks the server.
        outbox: knows what was sent.
        run: the run.
        labels: label_file_id → label, of the labels that the server has.
        cache: keeps what was read of each file.
        attributes: names the attributes of boxes; None leaves them out.
        on_file: called with how many files are read, and of how many.

    Raises:
        DiffgramError: the server cannot be asked; what was read so far is in the cache.
    """
    sent = files_of(outbox, run)
    reader = _Reader(client, run.directory_id, cache)
    reader.read([file.file_id for file in sent], on_file)
    cases = {file.file_id: case for file in sent if (case := _case(file, outbox, run, reader, labels, attributes))}
    timelines = {number: case.timeline() for number, case in cases.items()}
    doubtful = {number: cases[number].first for number, timeline in timelines.items() if timeline.doubtful}
    others = reader.others(doubtful, cases)
    timelines |= {number: cases[number].timeline(records) for number, records in others.items() if records}
    for file in sent:
        case = cases.get(file.file_id)
        gone = ReviewedFile(file_name=file.file_name, file_id=file.file_id, sent=file.predicted, gone=True)
        yield case.reviewed(timelines[file.file_id]) if case else gone


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """One file before it is judged.

    Attributes:
        file: what the run sent.
        known: what the server said.
        held: its boxes.
        entries: the packets that the outbox has for it, each with its run.
        run_id: the run.
        complete: whether it is completed.
        changed: when it was last changed, seconds since the epoch by the server's clock; 0 where unknown.
    """

    file: SentFile
    known: Known
    held: StoredRows
    entries: list[tuple[int, Entry]]
    run_id: int
    complete: bool
    changed: float

    @property
    def first(self) -> int:
        """The server's number of the run's first input of the file; 0 where it is not known."""
        return min((entry.input_id or 0 for run, entry in self.entries if run == self.run_id), default=0)

    @property
    def hidden(self) -> set[str]:
        """The references of boxes that cannot be read."""
        return {whole(left.reference) for left in self.held.left_out if left.reference}

    def timeline(self, others: Iterable[InputRecord] = ()) -> Timeline:
        """What came onto the file, and when people looked at it."""
        records = list(others)
        return Timeline(
            pushes_of(self.entries, self.run_id, self.held.boxes, records),
            self.held.boxes,
            complete=self.complete,
            changed=self.changed,
            hidden=self.hidden,
            drawn=[*(left.drawn for left in self.held.left_out if left.drawn), *saves_found(records)],
        )

    def reviewed(self, timeline: Timeline) -> ReviewedFile:
        """The file, judged."""
        known, stored, hidden = self.known, self.held.boxes, self.hidden
        sent = [box for box in self.file.predicted if whole(box.reference) not in hidden]
        return ReviewedFile(
            file_name=self.file.file_name,
            file_id=self.file.file_id,
            width=known.width,
            height=known.height,
            video=known.video,
            media=self.file.media,
            complete=self.complete,
            reviewed=timeline.reviewed,
            overtaken=timeline.overtaken,
            sent=self.file.predicted,
            predicted=[box for box in sent if timeline.left(box.reference)],
            stored=stored,
            unseen=frozenset(box.row_id for box in stored if timeline.unseen(box)),
            judged=fates_of(sent, stored, timeline),
            frames=known.frames,
            frame_rate=known.frame_rate,
            left_out=self.held.left_out,
            image=self.file.image,
        )


def _case(
    file: SentFile,
    outbox: Outbox,
    run: Run,
    reader: _Reader,
    labels: Mapping[int, str],
    attributes: AttributeNames | None,
) -> _Case | None:
    """A file with what is known of it; None for one that is gone."""
    if (known := reader.known(file.file_id)) is None:
        return None
    return _Case(
        file=file,
        known=known,
        held=stored_rows(known.rows, labels, attributes),
        entries=outbox.onto(run.host, run.project, file.file_id),
        run_id=run.id,
        complete=reader.complete(file.file_id),
        changed=reader.changed(file.file_id),
    )


class _Reader:
    """Reads what files hold now, into the cache as far as their list tells when they changed."""

    def __init__(self, client: Client, directory_id: int, cache: Cache) -> None:
        self._client = client
        self._bulk = Bulk(client, directory_id)
        self._cache = cache
        self._listed = {file.id: file for file in client.files(directory_id) if not file.removed}
        self._elsewhere: dict[int, tuple[Known, bool]] = {}

    def read(self, file_ids: Collection[int], on_file: Callable[[int, int], None]) -> None:
        """Read the files that changed, or are not in the directory's list, which are moved or removed."""
        there = [self._listed[file_id] for file_id in file_ids if file_id in self._listed]
        moved = [file for file in there if not self._cache.knows(file)]
        strange = [FileRecord(id=file_id) for file_id in file_ids if file_id not in self._listed]
        by_pages = not few(len(moved), among=len(self._listed), share=BOXES_SHARE)
        done = len(there) - len(moved)
        on_file(done, len(file_ids))
        found = chain(self._bulk.boxes(moved, by_pages=by_pages), self._bulk.boxes(strange, by_pages=False))
        for count, file in enumerate(found, start=done + 1):
            self._keep(file)
            on_file(count, len(file_ids))

    def _keep(self, file: StoredFile) -> None:
        listed = self._listed.get(file.file_id)
        known = known_file(self._client, file, listed)
        if listed:
            self._cache.put(known)
        else:
            self._elsewhere[file.file_id] = known, file.complete

    def known(self, file_id: int) -> Known | None:
        """What was read of a file; None where it is gone."""
        if file_id in self._listed:
            return self._cache.get(file_id)
        return self._elsewhere[file_id][0] if file_id in self._elsewhere else None

    def others(self, wanted: Mapping[int, int], cases: Mapping[int, _Case]) -> dict[int, list[InputRecord]]:
        """What other senders put onto files; asked once as long as these do not change.

        Args:
            wanted: file id → the number of the first input that counts.
            cases: what is known of the files.
        """
        found = {number: cases[number].known.inputs for number in wanted}
        unknown = {number: first for number, first in wanted.items() if found[number] is None}
        for number, records in (inputs_of(self._client, self._bulk, unknown) if unknown else {}).items():
            own = {entry.input_id for _, entry in cases[number].entries}
            found[number] = kept = [packed_input(record) for record in records if record.id not in own]
            if number in self._listed:
                self._cache.put(msgspec.structs.replace(cases[number].known, inputs=kept))
        return {number: [_input.decode(each) for each in inputs or ()] for number, inputs in found.items()}

    def changed(self, file_id: int) -> float:
        """When a file was last changed, seconds since the epoch by the server's clock; 0 where it does not tell."""
        listed = self._listed.get(file_id)
        return listed.changed if listed else 0.0

    def complete(self, file_id: int) -> bool:
        """Whether the annotation of a file is complete."""
        if file_id in self._listed:
            return bool(self._listed[file_id].ann_is_complete)
        return self._elsewhere[file_id][1]


def known_file(client: Client, file: StoredFile, listed: FileRecord | None) -> Known:
    """What is kept of a file that was read; one with a row that is no box is to be read again.

    Args:
        client: asks for the size, where it is not told.
        file: what it holds.
        listed: as its directory lists it; None where it is not listed.
    """
    width, height = file.size if all(file.size) else client.view(file.file_id).size
    rows = packed(file.rows)
    return Known(
        file_id=file.file_id,
        name=(listed.original_filename if listed else None) or "",
        changed=((listed.time_last_updated if listed else None) or "") if all(map(readable, rows)) else "",
        width=width,
        height=height,
        video=file.video,
        frames=file.frames,
        frame_rate=file.rate,
        rows=rows,
    )


@dataclass(slots=True)
class SentFile:
    """What a run sent for one file, in all its packets, those that later ones replaced too."""

    file_name: str
    file_id: int
    media: str = ""
    image: SourceImage = UNKNOWN
    predicted: list[Predicted] = field(default_factory=list)


def files_of(outbox: Outbox, run: Run) -> list[SentFile]:
    """The files of which something was applied, with the boxes that were sent, each once."""
    found: dict[int, SentFile] = {}
    for entry in outbox.entries(run.id, (State.APPLIED,)):
        if entry.file_id is None:
            continue  # a long video, whose clips are files of their own
        file = found.setdefault(entry.file_id, SentFile(entry.file_name, entry.file_id))
        file.media = file.media or (entry.media if entry.route == Via.UPLOAD else "")
        file.image = file.image if file.image.key else source_image(entry.image)
        boxes = predicted_in(outbox.body(entry.id))
        known = {box.reference for box in file.predicted}
        file.predicted += [box for box in boxes if box.reference not in known]
    return list(found.values())


class _Point(msgspec.Struct, frozen=True, gc=False):
    x: float
    y: float


class _Sent(msgspec.Struct, frozen=True, gc=False):
    creation_ref_id: str | None = None
    score: float | None = None
    points: list[_Point] | None = None


class _Packet(msgspec.Struct, frozen=True):
    instance_list: list[_Sent] | None = None
    frame_packet_map: dict[str, list[_Sent]] | None = None


_packet, _input = msgspec.json.Decoder(_Packet), msgspec.json.Decoder(InputRecord)


def predicted_in(body: bytes) -> list[Predicted]:
    """The boxes of a packet, or of an input, as they were sent; those that were made here."""
    packet = _packet.decode(body)
    found: dict[str, list[_Sent]] = {}
    for box in chain(packet.instance_list or (), *(packet.frame_packet_map or {}).values()):
        if is_ours(box.creation_ref_id):
            found.setdefault(detection(box.creation_ref_id), []).append(box)
    return [made for parts in found.values() if (made := _as_sent(parts)) is not None]


def _as_sent(parts: list[_Sent]) -> Predicted | None:
    """One box as it was sent, in one part or, as an outline, in several."""
    first, reference = parts[0], parsed(parts[0].creation_ref_id)
    if reference is None:
        return None
    rings = tuple(tuple((point.x, point.y) for point in part.points) for part in parts if part.points)
    return Predicted(
        reference=first.creation_ref_id or "",
        label=reference.label,
        corners=around([place for ring in rings for place in ring]) or tuple(map(float, reference.corners)),  # type: ignore[arg-type] # four of them
        score=first.score,
        frame=reference.frame,
        rings=rings,
    )
