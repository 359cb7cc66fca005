"""Packets that were planned some time ago are compared once more with what people have decided and completed since."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.outbox.kinds import REPLACING, Via
from boxferry.outbox.outcome import Outcome, State
from boxferry.packets.contents import boxes_in, is_of_video, references_in
from boxferry.packets.reference import detection
from boxferry.plan.asked_before import WHY, AskedBefore, Question
from boxferry.plan.earlier import Memory
from boxferry.plan.updates import leaving_out
from boxferry.stored.before import Before, encoded
from boxferry.stored.decided import Names, Spot, spot_of
from boxferry.stored.file_inputs import FileInputs
from boxferry.stored.stored_boxes import StoredBoxes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from boxferry.boxes.tally import Tally
    from boxferry.destination import Client
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox


@dataclass(eq=False)
class Recheck:
    """Leaves out of packets for files that are there what people have decided about meanwhile.

    Attributes:
        client: asks the server.
        outbox: has the packets.
        run: whose packets they are.
        tally: counts what is left out.
        iou: from this overlap on two boxes of one label are the same object.
    """

    client: Client
    outbox: Outbox
    run: Run
    tally: Tally
    _: KW_ONLY
    iou: float

    def shorten(self, entries: Sequence[Entry]) -> None:
        """Take it out of packets that are queued in the outbox; one of which nothing is left counts as applied.

        Raises:
            DiffgramError: the server cannot be asked; nothing was changed.
        """
        whole = {entry.id: msgspec.structs.replace(entry, body=self.outbox.body(entry.id)) for entry in entries}
        codes = self._codes(whole.values(), queued=True)
        for entry in whole.values():
            left = self._left(entry, codes.get(entry.file_id or 0, {}), counted=False)
            if left is None or left.body != entry.body:
                body, boxes = (left.body, left.boxes) if left else (b"{}", 0)
                self.outbox.shorten(entry.id, body, boxes)
            if left is None:
                outcome = Outcome(State.APPLIED, "", None, entry.file_id)
                self.outbox.settle(entry.id, outcome, ended=self.client.now())

    def without(self, entries: Sequence[Entry]) -> list[Entry]:
        """Packets that are not stored yet, and whose boxes are counted as read, without it.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        codes = self._codes(entries, queued=False)
        left = (self._left(entry, codes.get(entry.file_id or 0, {}), counted=True) for entry in entries)
        return [entry for entry in left if entry is not None]

    def _codes(self, entries: Iterable[Entry], *, queued: bool) -> dict[int, dict[str, str]]:
        """File id → why predictions are not to be sent, see `AskedBefore.codes`; of a file all packets together.

        What is queued is not on the server, though an input may say so that has lost its boxes.
        """
        there = [entry for entry in entries if entry.route == Via.EXISTING and entry.boxes]
        if not there:
            return {}
        names = Names({n: name for s in self.client.schemas() for n, name in self.client.label_names(s.id).items()})
        questions: dict[int, Question] = {}
        for entry in there:
            if entry.file_id is not None and (predicted := _predicted(entry.body, names)):
                before = questions.get(entry.file_id)
                questions[entry.file_id] = Question(
                    file_id=entry.file_id,
                    predicted={**(before.predicted if before else {}), **predicted},
                    mode=entry.mode,
                    video=is_of_video(entry.body),
                    unsent={*(before.unsent if before else ()), *(references_in(entry.body) if queued else ())},
                )
        stored_boxes = StoredBoxes(self.client, self.run.directory_id, expected=len(questions))
        stored_boxes.load(questions)
        inputs = FileInputs(self.client, self.run.directory_id, since=stored_boxes.first_run)
        # a replacing packet goes out only where its file is as completed, or not, as when it was planned
        memory = Memory(self.outbox, self.run.host, self.run.project)
        asked = AskedBefore(stored_boxes, inputs, names, iou=self.iou, replace_completed=True, memory=memory)
        return asked.codes(questions.values())

    def _left(self, entry: Entry, codes: Mapping[str, str], *, counted: bool) -> Entry | None:
        """What is left of a packet; None where that is nothing, and nothing is to be replaced."""
        for code, why in WHY.items() if codes else ():
            gone = {each for each in references_in(entry.body) if codes.get(detection(each)) == code}
            body, boxes = leaving_out(entry.body, gone)
            if fewer := entry.boxes - boxes:
                self.tally.read += 0 if counted else fewer
                self.tally.discard(code, why, Place(entry.file_name), boxes=fewer)
                entry = msgspec.structs.replace(entry, body=body, boxes=boxes)
        return entry if entry.boxes or entry.mode in REPLACING or not codes else None


def _predicted(body: bytes, names: Names) -> dict[str, Spot]:
    """What a packet predicts, by the references of its boxes without the number of a part."""
    return {
        detection(box.reference): spot
        for box in boxes_in(body)
        if box.machine_made and (spot := spot_of(box.reference, box.label_id, names)) is not None
    }


def unless_completed(
    client: Client, directory_id: int, entries: Sequence[Entry], tally: Tally, *, replace_completed: bool
) -> Iterator[Entry]:
    """The packets of a plan without those that replace boxes of files that people have completed by now.

    Args:
        client: asks the server, where a packet replaces boxes.
        directory_id: the directory of the files.
        entries: the packets.
        tally: counts the boxes of those that are left out.
        replace_completed: let all of them through.

    Raises:
        DiffgramError: the server cannot be asked.
    """
    replacing = {entry.file_id for entry in entries if entry.mode in REPLACING}
    stored_boxes = StoredBoxes(client, directory_id, client.files(directory_id) if replacing else ())
    for entry in entries:
        complete = entry.mode in REPLACING and stored_boxes.complete(entry.file_id or 0)
        if complete and not replace_completed:
            message = f"file {entry.file_id} is completed: its boxes were kept; use replace-completed to change them"
            tally.discard(Code.COMPLETED, message, Place(entry.file_name), boxes=entry.boxes)
        elif complete:
            yield msgspec.structs.replace(entry, before=encoded(Before(complete=True)))
        else:
            yield entry
