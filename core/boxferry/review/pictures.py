"""The pictures of a directory, each once: its boxes as they are, what every run sent to it, and whether it is settled.

A picture is settled where people have seen all that it holds: they have looked at it, no box came since, and no push
has taken away what they had left.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from boxferry.packets.contents import appending
from boxferry.packets.reference import PREFIX, file_digest, is_ours, origin, whole
from boxferry.review.applied import Push
from boxferry.review.fates import fates_of
from boxferry.review.judged import by_people
from boxferry.review.pull import ReviewedFile
from boxferry.review.pushes import pushes_of
from boxferry.review.rows import stored_rows
from boxferry.review.sent import predicted_in
from boxferry.review.timeline import Timeline
from boxferry.review.witnesses import saves_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.destination import FileRecord, InputRecord
    from boxferry.outbox.entry import Entry
    from boxferry.packets.rows import Row
    from boxferry.review.attribute_names import AttributeNames
    from boxferry.review.cache import Known
    from boxferry.review.judged import Judged, Predicted


class RunName(NamedTuple):
    """A run, as its boxes name it: its model and its own name; both are empty for annotations."""

    model: str
    run: str

    def __str__(self) -> str:
        return f"{self.model}/{self.run}" if self.model else self.run or "annotations"


@dataclass(frozen=True, kw_only=True, slots=True)
class SentByRun:
    """What one run sent to a picture.

    Attributes:
        name: the run.
        at: when its last packet of the picture was applied, seconds since the epoch by the server's clock.
        predicted: the boxes that it sent, each once.
    """

    name: RunName
    at: float
    predicted: list[Predicted] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One file of a directory.

    Attributes:
        file: its boxes as they are, and what they are on; `reviewed` is whether the picture is settled.
        changed: when it was last changed, seconds since the epoch by the server's clock; 0 where unknown.
        sent: what each run sent, the run of the last packet last.
        looked: whether people have ever acted on it, as far as the server can tell.
        pushes: the packets that came onto it, in their order.
        blank: whether no box was ever put there.
        saved: when people saved what its boxes do not tell of, seconds since the epoch by the server's clock.
    """

    file: ReviewedFile
    changed: float
    sent: list[SentByRun]
    looked: bool
    pushes: list[Push] = field(default_factory=list)
    blank: bool = False
    saved: list[float] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether people have seen all that it holds now."""
        return self.file.reviewed

    @property
    def last(self) -> SentByRun | None:
        """The run whose packet came last; None where no run of boxferry put a box there."""
        return self.sent[-1] if self.sent else None

    @property
    def ours(self) -> bool:
        """Whether a run of boxferry put a box there."""
        return bool(self.sent) or any(is_ours(box.reference) for box in self.file.stored)

    def of_run(self, name: RunName) -> bool:
        """Whether a run put a box there, which people may have changed or deleted since."""
        begins = f"{PREFIX}{file_digest(self.file.file_name, *name)}"
        sent = (box.reference for each in self.sent for box in each.predicted)
        return any(origin(reference) == begins for reference in (*sent, *(b.reference for b in self.file.stored)))

    @property
    def by_people(self) -> int:
        """How many of its boxes people made or changed."""
        return sum(map(by_people, self.file.stored))

    @cached_property
    def judged(self) -> dict[RunName, list[Judged]]:
        """The fates of each run's boxes."""
        return {each.name: self._judged(each) for each in self.sent}

    @cached_property
    def timeline(self) -> Timeline:
        """What came onto it, and when people looked at it; of no run in particular."""
        return self._timeline(self.pushes)

    def judged_since(self, at: float) -> ReviewedFile:
        """The file for a run that put no box there: what people have done since it was sent.

        Args:
            at: when it was sent, seconds since the epoch by the server's clock.
        """
        others = [replace(push, own=False) for push in self.pushes]
        place = bisect_right(others, at, key=attrgetter("came"))
        timeline = self._timeline([*others[:place], Push(brought=frozenset(), came=at, stood=at), *others[place:]])
        judged = fates_of([], self.file.stored, timeline)
        return replace(self.file, reviewed=timeline.reviewed, overtaken=False, judged=judged)

    def _timeline(self, pushes: Sequence[Push]) -> Timeline:
        held = self.file
        return Timeline(
            pushes,
            held.stored,
            complete=held.complete,
            changed=self.changed,
            hidden=self._hidden,
            drawn=self.saved,
        )

    @property
    def _hidden(self) -> set[str]:
        """The references of boxes that cannot be read."""
        return {whole(left.reference) for left in self.file.left_out if left.reference}

    def _judged(self, sent: SentByRun) -> list[Judged]:
        own = {whole(box.reference) for box in sent.predicted}
        timeline = self._timeline([replace(push, own=bool(push.brought & own)) for push in self.pushes])
        predicted = [box for box in sent.predicted if whole(box.reference) not in self._hidden]
        return fates_of(predicted, self.file.stored, timeline)


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What numbers of the server mean.

    Attributes:
        labels: label_file_id → label.
        attributes: names the attributes of boxes.
    """

    labels: Mapping[int, str]
    attributes: AttributeNames


def picture_of(
    listed: FileRecord, known: Known, inputs: Sequence[InputRecord], names: Names, entries: Iterable[tuple[int, Entry]]
) -> Picture:
    """A file as a picture.

    Args:
        listed: as its directory lists it.
        known: its size and boxes.
        inputs: what was applied to it, the oldest first.
        names: the labels and attributes.
        entries: the packets that the outbox has for it; none where there is no outbox. They make times sharper.
    """
    held = stored_rows(known.rows, names.labels, names.attributes)
    hidden = {whole(left.reference) for left in held.left_out if left.reference}
    saved = [*(left.drawn for left in held.left_out if left.drawn), *saves_found(inputs)]
    changed, complete = listed.changed, bool(listed.ann_is_complete)
    pushes = pushes_of(entries, 0, held.boxes, inputs)
    timeline = Timeline(pushes, held.boxes, complete=complete, changed=changed, hidden=hidden, drawn=saved)
    looked = timeline.looked or complete
    unseen = frozenset(box.row_id for box in held.boxes if timeline.unseen(box))
    file = ReviewedFile(
        file_name=listed.original_filename or f"file {listed.id}",
        file_id=listed.id,
        width=known.width,
        height=known.height,
        video=known.video or listed.type == "video",
        complete=complete,
        reviewed=looked and not unseen and not timeline.overtaken,
        overtaken=timeline.overtaken,
        stored=held.boxes,
        unseen=unseen,
        frames=known.frames,
        frame_rate=known.frame_rate,
        left_out=held.left_out,
    )
    return Picture(
        file=file,
        changed=changed,
        sent=_sent(inputs, names.labels),
        looked=looked,
        pushes=pushes,
        blank=not known.rows and listed.never_had_boxes,
        saved=saved,
    )


def _sent(inputs: Iterable[InputRecord], labels: Mapping[int, str]) -> list[SentByRun]:
    """What each run sent, out of the inputs, under the names that labels have now; the run of the last one last."""
    found: dict[RunName, SentByRun] = {}
    for record in inputs:
        by_run: dict[RunName, list[Row]] = {}
        for box in record.boxes:
            if is_ours(box.reference) and box.id is None:
                by_run.setdefault(_run_of(box), []).append(box)
        for name, boxes in by_run.items():
            before = found.pop(name, None)
            predicted = before.predicted if before else []
            known = {each.reference for each in predicted}
            new = [_named_now(box, labels) for box in predicted_in(appending(0, {None: boxes}))]
            predicted = [*predicted, *(each for each in new if each.reference not in known)]
            found[name] = SentByRun(name=name, at=record.created or 0.0, predicted=predicted)
    return list(found.values())


def _named_now(box: Predicted, labels: Mapping[int, str]) -> Predicted:
    """A box with the name that its label has now: a label that was renamed is no other label."""
    return replace(box, label=labels.get(box.label_id, box.label))


def _run_of(box: Row) -> RunName:
    return RunName(box.model, box.run)
