"""Makes the outbox's record of one packet: its JSON, and what its file is like before it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.destination import moment
from boxferry.outbox.kinds import Mode
from boxferry.packets.contents import boxes_in, with_boxes
from boxferry.packets.reference import detection, is_ours
from boxferry.plan.asked_before import WHY
from boxferry.plan.updates import entry
from boxferry.stored.before import Before, encoded
from boxferry.stored.beside import beside

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from boxferry.boxes.tally import Tally
    from boxferry.outbox.entry import Entry
    from boxferry.packets.contents import Contents
    from boxferry.plan.push_options import PushOptions
    from boxferry.plan.target import Target
    from boxferry.plan.target_finder import TargetFinder
    from boxferry.stored.stored_boxes import StoredBoxes


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """Makes packets, and counts the boxes that are left out of them.

    Attributes:
        destinations: makes new files, in its directory.
        stored_boxes: tells what files are like.
        tally: counts what is left out.
        options: those of the push.
        model, run: name the boxes' model and run; the model is empty for annotations.
        planned: when planning began, seconds since the epoch by the server's clock; 0 where unknown.
    """

    destinations: TargetFinder
    stored_boxes: StoredBoxes
    tally: Tally
    options: PushOptions
    model: str
    run: str
    planned: float = 0.0

    def made(self, target: Target, contents: Contents, held: Collection[str] | None = None) -> Entry:
        """The packet that brings boxes to a file.

        Args:
            target: the file.
            contents: the boxes.
            held: the references that the file holds, where they were read and all of them stay.
        """
        mode = Mode.APPEND if target.mode == Mode.ERROR else target.mode
        target = dataclasses.replace(target, mode=mode)
        made = entry(self.destinations.route, target, contents, directory_id=self.destinations.directory_id)
        if held is not None and not target.video:
            made = self._noted(made, target)
        return msgspec.structs.replace(made, before=encoded(self._before(target.file_id, held, video=target.video)))

    def _noted(self, made: Entry, target: Target) -> Entry:
        """An appending packet with a note of what its boxes come beside."""
        rows = self.stored_boxes.rows(target.file_id or 0)
        if not any(is_ours(row.reference) for row in rows):
            return made
        sent = boxes_in(made.body)
        noted = beside(sent, rows)
        return made if noted == sent else msgspec.structs.replace(made, body=with_boxes(made.body, {None: noted}))

    def _before(self, file_id: int | None, held: Collection[str] | None, *, video: bool) -> Before:
        """What a file is like before a packet goes to it; a new one has nothing, and appending takes nothing away."""
        if file_id is None:
            return Before(complete=False, kept=[], took=[], read=True, planned=self.planned)
        changed = moment(self.stored_boxes.changed(file_id)) or 0.0
        found = Before(complete=self.stored_boxes.complete(file_id), changed=changed, planned=self.planned)
        if held is None:
            return found
        rows = self.stored_boxes.rows(file_id, video=video)
        touched = sorted({row.reference for row in rows if is_ours(row.reference) and not row.untouched})
        newest, kept = max((row.id or 0 for row in rows), default=0), sorted(filter(is_ours, held))
        return msgspec.structs.replace(found, kept=kept, took=[], read=True, newest=newest, touched=touched)

    def left(
        self, contents: Contents, references: Collection[str], code: str, message: str, target: Target
    ) -> Contents:
        """Those boxes whose references are not among these; the others are discarded."""
        left = contents.without(references)
        if gone := contents.boxes - left.boxes:
            self.tally.discard(code, message, Place(target.file_name), boxes=gone)
        return left

    def undecided(self, contents: Contents, codes: Mapping[str, str], target: Target) -> Contents:
        """The predictions about which people have not decided; the others are discarded.

        Args:
            contents: the predictions.
            codes: why some of them are not to be sent, by their references without the number of a part.
            target: the file.
        """
        for code, why in WHY.items() if codes else ():
            gone = {s.creation_ref_id for s in contents if codes.get(detection(s.creation_ref_id)) == code}
            contents = self.left(contents, gone, code, why, target)
        return contents

    def pending(self, target: Target, contents: Contents) -> None:
        """Record that nothing can be planned for a file before an earlier packet has ended."""
        message = f"an earlier packet for '{target.file_name}' is not finished: run boxferry resume, then push again"
        self.tally.fail(Code.PENDING, message, boxes=contents.boxes)
