"""The packets that bring more boxes: onto a new file, or onto one that is there and keeps those that it has."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.outbox.entry import Moved, Shortened
from boxferry.outbox.kinds import Mode
from boxferry.outbox.outcome import State
from boxferry.packets.contents import references_in
from boxferry.packets.reference import origin, own_origin
from boxferry.plan.earlier import references_of
from boxferry.plan.target import SkipReason
from boxferry.plan.updates import leaving_out
from boxferry.stored.under_way import carried

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from boxferry.outbox.entry import Change, Entry
    from boxferry.packets.contents import Contents
    from boxferry.plan.making import Making
    from boxferry.plan.target import Target
    from boxferry.stored.under_way import Coming, UnderWay


CHOICES = "choose on_existing=append, skip or replace-own"
ADOPTED = 1.0  #: stands for the end of a packet of which only its boxes on the server are known


@dataclass(frozen=True, slots=True)
class Adding:
    """Plans packets that take nothing away.

    Attributes:
        making: makes the packets.
        under_way: tells what the server has accepted and not ended, whoever sent it.
    """

    making: Making
    under_way: UnderWay

    def onto_new(self, target: Target, contents: Contents, earlier: Sequence[Entry]) -> Iterator[Entry | Change]:
        """The packet that makes a file, unless one that makes it is under way."""
        gone = [entry for entry in earlier if entry.state == State.APPLIED and entry.file_id is not None]
        if gone and not self._may_be_made_again(target, contents, gone[-1].file_id or 0):
            return
        yield from (Shortened(entry.id) for entry in gone)
        earlier = [entry for entry in earlier if entry not in gone]
        sent, inputs = references_of(earlier), self.under_way.named(target.file_name)
        coming = carried(inputs) & {shape.creation_ref_id for shape in contents}
        yield from self._awaited(target, contents.without(sent), inputs)
        left = self.making.left(contents, sent, Code.ALREADY_SENT, "in this run already", target)
        left = self.making.left(left, coming, Code.UNDER_WAY, "the server is about to apply it", target)
        if not earlier and not coming:
            yield self.making.made(target, contents)
        elif left:
            yield from self._appended(target, left, earlier)

    def _may_be_made_again(self, target: Target, contents: Contents, file_id: int) -> bool:
        """Whether a file that was made by an applied packet, and is gone, is to be made again."""
        if not self.making.options.resend_missing:
            message = (
                f"'{target.file_name}' was applied but is no longer in the directory: it was removed, or the server"
            )
            remedy = "was restored; use resend_missing=True to send it again"
            self.making.tally.fail(Code.GONE, f"{message} {remedy}", boxes=contents.boxes)
            return False
        if self.making.stored_boxes.removed(file_id):
            message = "not sent again: a person removed it from the directory"
            self.making.tally.discard(Code.REMOVED_BY_PEOPLE, message, Place(target.file_name), boxes=contents.boxes)
            return False
        return True

    def _appended(self, target: Target, new: Contents, earlier: Sequence[Entry]) -> Iterator[Entry]:
        """More boxes for a file that is being made: appended, where its id is known by now."""
        file_id = next((e.file_id for e in reversed(earlier) if e.file_id is not None), None)
        if file_id is None:
            self.making.pending(target, new)
            return
        yield self.making.made(dataclasses.replace(target, file_id=file_id, mode=Mode.APPEND, media=""), new)

    def onto_file(
        self,
        target: Target,
        file_id: int,
        contents: Contents,
        earlier: Sequence[Entry],
        codes: Mapping[str, str],
    ) -> Iterator[Entry | Change]:
        """The packet with those boxes that the file does not have, and a record of those that it has.

        Args:
            target: the file.
            file_id: its id.
            contents: the predictions.
            earlier: what this run has for the file.
            codes: why some of the predictions are not to be sent.
        """
        held = set(self.making.stored_boxes.references(file_id, video=target.video))
        inputs = self.under_way.on(file_id)
        coming = carried(inputs)
        if problem := self._not_ours(target, held | coming, earlier):
            self.making.tally.fail(problem.code, problem.message, Place(target.file_name), boxes=contents.boxes)
            return
        yield from self._moved(file_id, held, earlier)
        sent = references_of(earlier)
        lost = self._lost(file_id, earlier, sent - held - coming)
        if lost and not self.making.options.resend_missing:
            self._say_lost(target, contents.only(lost))
            contents = contents.without(lost)
        sent -= lost
        if there := contents.only(held - sent):
            yield self._adopted(target, file_id, there)
        yield from self._awaited(target, contents.without(sent | held), inputs)
        left = self.making.left(contents, sent, Code.ALREADY_SENT, "in this run already", target)
        left = self.making.left(left, held, Code.ALREADY_SENT, "on the server already", target)
        left = self.making.left(left, coming, Code.UNDER_WAY, "the server is about to apply it", target)
        if left := self.making.undecided(left, codes, target):
            yield from _shortened(lost & {shape.creation_ref_id for shape in left}, earlier)
            yield self.making.made(target, left, held)

    def _not_ours(self, target: Target, there: set[str], earlier: Sequence[Entry]) -> SkipReason | None:
        """Why boxes do not go onto a file that is there: a new one was meant, or one without predictions."""
        own = own_origin(target.file_name, self.making.model, self.making.run)
        origins = {origin(reference) for reference in there} - {""}
        if own in origins or earlier:
            return None
        where = f"'{target.file_name}' (id {target.file_id}) is in the directory already"
        if target.taken:
            return SkipReason(Code.FILE_EXISTS, f"{where}: {CHOICES}")
        if target.mode == Mode.ERROR and origins:
            return SkipReason(Code.HAS_PREDICTIONS, f"{where} and has boxes of another run: {CHOICES}")
        return None

    def _moved(self, file_id: int, held: set[str], earlier: Sequence[Entry]) -> Iterator[Moved]:
        """Which packets' boxes are on this file now: the one that they were sent to is gone, or another's."""
        for each in earlier if self.making.options.file_ids is None else ():
            elsewhere = each.state == State.APPLIED and each.file_id not in {None, file_id}
            if elsewhere and references_in(each.body) & held:
                yield Moved(each.id, file_id)

    def _lost(self, file_id: int, earlier: Sequence[Entry], missing: set[str]) -> set[str]:
        """Of boxes that were applied and are not there: those that no input of the file has; no person removed them."""
        missing &= references_of(e for e in earlier if e.state == State.APPLIED)
        return missing - self.under_way.ever_on(file_id) if missing else set()

    def _say_lost(self, target: Target, lost: Contents) -> None:
        """That boxes were applied and are not on the file any more, although no person removed them."""
        if lost.boxes:
            message = f"{lost.boxes} boxes were applied but are no longer on the server, as after a restored backup"
            remedy = f"{message}; use resend_missing=True to send them again"
            self.making.tally.fail(Code.GONE, remedy, Place(target.file_name), boxes=lost.boxes)

    def _adopted(self, target: Target, file_id: int, contents: Contents) -> Entry:
        """A record of what a file holds of this run although the outbox does not know it: it is pulled with the run."""
        made = self.making.made(dataclasses.replace(target, mode=Mode.APPEND, file_id=file_id), contents)
        return msgspec.structs.replace(made, state=State.APPLIED, ended=ADOPTED)

    def _awaited(self, target: Target, contents: Contents, inputs: Iterable[Coming]) -> Iterator[Entry]:
        """Records of what the server has accepted from another outbox and not applied: they are watched to their end.

        Whether that outbox still exists is not known: where the server never applies them, they can be sent from here.
        """
        mode = target.mode if target.file_id is None else Mode.APPEND
        for each in inputs:
            if found := contents.only(each.references):
                contents = contents.without(each.references)
                made = self.making.made(dataclasses.replace(target, mode=mode), found)
                yield msgspec.structs.replace(made, state=State.ACCEPTED, input_id=each.input_id)


def _shortened(references: set[str], earlier: Iterable[Entry]) -> Iterator[Shortened]:
    """What is left of applied packets whose boxes go to one that sends them again."""
    for each in earlier:
        if each.state == State.APPLIED and references & references_in(each.body):
            yield Shortened(each.id, *leaving_out(each.body, references))
