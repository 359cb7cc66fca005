"""Leaves out what people have decided already, whichever run asked them: no question is asked twice."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.destination import moment
from boxferry.outbox.kinds import Mode
from boxferry.plan.earlier import Memory
from boxferry.stored.before import decoded
from boxferry.stored.decided import SAME_IOU, Decided, Spot, approved_until, decided, verdicts
from boxferry.stored.deleted import deleted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from boxferry.destination import InputRecord
    from boxferry.packets.rows import Row
    from boxferry.stored.decided import Names
    from boxferry.stored.file_inputs import FileInputs
    from boxferry.stored.stored_boxes import StoredBoxes


WHOLE_S = 1.0  #: the server's clock, as its answers tell it, has whole seconds
WHY = {
    Code.PEOPLE_HAVE_IT: "a box that people made, changed or approved covers it; use ask-again to send it",
    Code.REJECTED_BEFORE: "people deleted or relabelled it before; use ask-again to send it",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is about to be asked of the people who look at a file.

    Attributes:
        file_id: the file.
        predicted: the predictions, by any key.
        mode: what happens to the boxes that the file has; see `Target`.
        video: whether it is a video.
        known: keys of predictions that are not sent anyway: the file's inputs are not asked for because of them.
        unsent: references of boxes that are known not to have arrived on the server, whatever its inputs say.
    """

    file_id: int
    predicted: Mapping[str, Spot]
    mode: str = Mode.APPEND
    video: bool = False
    known: Collection[str] = ()
    unsent: Collection[str] = ()


@dataclass(eq=False)
class AskedBefore:
    """Knows what people have decided on the files of one directory; asks the server, and changes nothing.

    Attributes:
        stored_boxes: tells what the files hold.
        inputs: tells what was ever sent to them.
        names: the labels.
        iou: from this overlap on two boxes of one label are the same object.
        replace_completed: whether a replacing push may replace what people approved by completing its file.
        begun: before the boxes of the files were read, by the server's clock: what an input brings that was made
            later is not among them, and no person has deleted it.
        unfinished: what the server had not ended then; likewise.
        memory: tells what the server lost, and when files were found completed before.
    """

    stored_boxes: StoredBoxes
    inputs: FileInputs
    names: Names
    _: KW_ONLY
    iou: float = SAME_IOU
    replace_completed: bool = False
    begun: float = np.inf
    unfinished: Iterable[InputRecord] = ()
    memory: Memory = field(default_factory=Memory)

    @cached_property
    def _unended(self) -> set[int | None]:
        return {record.id for record in self.unfinished}

    @cached_property
    def _lost(self) -> set[int]:
        """What is known here to be lost, whatever the server's inputs say."""
        memory = self.memory
        return memory.outbox.refused_inputs(memory.host, memory.project) if memory.outbox else set()

    def codes(self, questions: Iterable[Question]) -> dict[int, dict[str, str]]:
        """File id → why predictions are not to be sent, by their keys: 'people-have-it' or 'rejected-before'.

        The boxes of the files are read, unless the stored_boxes have them; the inputs only of those files where a
        prediction is left that no box accounts for. What was deleted on a file that never had a box need not be asked.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        found: dict[int, dict[str, str]] = {}
        unsure: dict[int, tuple[Question, list[Row], Decided]] = {}
        for question in questions:
            rows = self.stored_boxes.rows(question.file_id, video=question.video)
            there = self._there(question, rows)
            codes, unknown = verdicts(question.predicted, there, (), iou=self.iou)
            found[question.file_id] = codes
            if unknown - set(question.known) and self.stored_boxes.had_boxes(question.file_id):
                unsure[question.file_id] = question, rows, there
        inputs = self.inputs.of(unsure) if unsure else {}
        for file_id, (question, rows, there) in unsure.items():
            ended = [record for record in inputs.get(file_id, ()) if self._was_there(record)]
            gone = deleted(ended, rows, self.names, lost=self._lost, unsent=question.unsent)
            found[file_id], _ = verdicts(question.predicted, there, gone, iou=self.iou)
        return found

    def _was_there(self, record: InputRecord) -> bool:
        """Whether what an input brought was on its file when the boxes were read."""
        return record.id not in self._unended and (record.created or 0.0) <= self.begun + WHOLE_S

    def _there(self, question: Question, rows: list[Row]) -> Decided:
        if not rows:
            return Decided()
        if question.mode == Mode.REPLACE_ALL:  # no box stays: what people decided about it goes with it
            there = decided(rows, self.names, video=question.video)
            return Decided(open=[*there.have, *there.open])
        return decided(rows, self.names, video=question.video, until=self._approved(question, rows))

    def _approved(self, question: Question, rows: list[Row]) -> float:
        replaces = question.mode == Mode.REPLACE_OWN and self.replace_completed
        if replaces or not self.stored_boxes.complete(question.file_id):
            return -np.inf
        now = moment(self.stored_boxes.changed(question.file_id))
        return approved_until(rows, [*self._found_completed(question.file_id), *([] if now is None else [now])])

    def _found_completed(self, file_id: int) -> list[float]:
        """When a file that was found completed by an earlier push had been changed last."""
        memory = self.memory
        entries = memory.outbox.onto(memory.host, memory.project, file_id) if memory.outbox else []
        befores = [decoded(entry.before) for _, entry in entries]
        return [before.changed for before in befores if before and before.complete]
