"""Brings the boxes of a run's files home: what was predicted, out of the outbox, and what the server has now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.outbox.source_image import UNKNOWN, SourceImage
from boxferry.packets.reference import whole
from boxferry.review.fates import fates_of
from boxferry.review.file_reader import FileReader
from boxferry.review.pushes import pushes_of
from boxferry.review.rows import LeftOut, StoredRows, stored_rows
from boxferry.review.sent import SentFile, as_sent, files_of
from boxferry.review.timeline import Timeline
from boxferry.review.witnesses import saves_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from boxferry.destination import Client, InputRecord
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.review.attribute_names import AttributeNames
    from boxferry.review.cache import Cache, Known
    from boxferry.review.judged import Judged, Predicted, Stored


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewedFile:
    """One file of a run, with the fates of its boxes.

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
    labels = as_sent(labels, (box for file in sent for box in file.predicted))
    reader = FileReader.of_directory(client, run.directory_id, cache)
    reader.read([file.file_id for file in sent], on_file)
    cases = {file.file_id: case for file in sent if (case := _case(file, outbox, run, reader, labels, attributes))}
    timelines = {number: case.timeline() for number, case in cases.items()}
    doubtful = {number: cases[number].first for number, timeline in timelines.items() if timeline.doubtful}
    inputs = reader.inputs(doubtful, {number: case.known for number, case in cases.items()})
    timelines |= {number: cases[number].timeline(records) for number, records in inputs.items() if records}
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

    def timeline(self, inputs: Iterable[InputRecord] = ()) -> Timeline:
        """What came onto the file, and when people looked at it."""
        records = list(inputs)
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
    reader: FileReader,
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
