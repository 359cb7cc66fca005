"""The packets that replace boxes of a file: one's own, those of older models, or all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.outbox.entry import ENDED
from boxferry.outbox.kinds import Mode
from boxferry.packets.contents import references_in, shape_row
from boxferry.packets.reference import origin
from boxferry.packets.rows import identities, identity
from boxferry.plan.target import models_text
from boxferry.stored.claims import Claims

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.boxes.tally import Tally
    from boxferry.outbox.entry import Entry
    from boxferry.packets.contents import Contents
    from boxferry.plan.making import Making
    from boxferry.plan.target import Target
    from boxferry.stored.file_inputs import FileInputs
    from boxferry.stored.ownership import Rows


@dataclass(slots=True)
class Replacing:
    """Plans packets in whose place other boxes go; counts the boxes of each older model that were found.

    Attributes:
        making: makes the packets.
        inputs: tells what was sent to files, and so which runs their boxes are of, see `claims`.
    """

    making: Making
    inputs: FileInputs | None
    _claims: dict[int, Claims] = field(default_factory=dict)  # of the files of the chunk in hand
    _found: Counter[str] = field(default_factory=Counter)

    def packet(
        self, target: Target, contents: Contents, earlier: Sequence[Entry], codes: Mapping[str, str]
    ) -> Entry | None:
        """The packet that replaces boxes of a file; what stays is read again just before it goes out.

        Args:
            target: the file.
            contents: the predictions.
            earlier: what this run has for the file.
            codes: why some of the predictions are not to be sent.
        """
        given = {shape.creation_ref_id for shape in contents}
        contents = self.making.undecided(contents, codes, target)
        if earlier and earlier[-1].state not in ENDED:
            self._waits(target, contents, given, references_in(earlier[-1].body))
            return None
        sent = references_in(earlier[-1].body) if earlier else set()
        rows = self._rows(target)
        if target.mode == Mode.REPLACE_OWN:
            settled = people_settled(contents, rows, sent)
            contents = self.making.left(contents, settled, Code.CORRECTED, "people have changed or deleted it", target)
        new = identities(contents.rows)
        stays = identities(rows.kept) if target.mode == Mode.REPLACE_OWN else set()
        if new | stays == identities(rows.all) and not self._stands_for_others(contents, rows, sent):
            there = {shape.creation_ref_id for shape in contents}
            self.making.left(contents, there, Code.ALREADY_SENT, "on the server already", target)
            return None
        if not new and target.mode == Mode.REPLACE_ALL:
            message = "nothing was replaced: no box would be left on the file"
            self.making.tally.fail(Code.CANNOT_CLEAR, f"'{target.file_name}' {message}")
            return None
        return msgspec.structs.replace(
            self.making.made(target, contents),
            removes=sum(identity(row) not in new | stays for row in rows.all),
            deletes=sum(identity(row) not in new | stays for row in rows.people),
            replaces=models_text(self.making.options.replaces),
        )

    def load(self, targets: Iterable[Target]) -> None:
        """Ask what was sent to the files of a chunk, of all together, where boxes of another model may be one's own.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        wanted = [each.file_id for each in targets if each.file_id is not None and self._depends_on_claims(each)]
        inputs = self.inputs.of(wanted) if wanted and self.inputs else {}
        self._claims = {file_id: Claims(inputs.get(file_id, ())) for file_id in wanted}

    def _depends_on_claims(self, target: Target) -> bool:
        if target.mode != Mode.REPLACE_OWN or target.file_id is None:
            return False
        if self.making.options.replaces:
            return True
        rows = self.making.stored_boxes.sorted(target.file_id, file_name=target.file_name, model=self.making.model)
        return rows.predicted_elsewhere

    def _waits(self, target: Target, contents: Contents, given: set[str], sent: set[str]) -> None:
        """Record that an earlier packet has not ended, with the same boxes or others."""
        wanted = {shape.creation_ref_id for shape in contents}
        if wanted <= sent <= given:
            self.making.left(contents, wanted, Code.ALREADY_SENT, "in this run already", target)
        else:
            self.making.pending(target, contents)

    def _rows(self, target: Target) -> Rows:
        """The boxes of a file; those of the models that are replaced are among one's own, and counted."""
        file_id, name = target.file_id or 0, target.file_name
        if (claims := self._claims.get(file_id)) is None:
            return self.making.stored_boxes.sorted(file_id, file_name=name, model=self.making.model)
        models = [self.making.model, *self.making.options.replaces]
        found = self.making.stored_boxes.owned(
            file_id, file_name=name, models=models, run=self.making.run, claims=claims
        )
        for model in self.making.options.replaces:
            origins = self.making.stored_boxes.origins(name, model, self.making.run)
            self._found[model] += sum(origin(row.reference) in origins for row in found.own)
        return found

    def _stands_for_others(self, contents: Contents, rows: Rows, sent: set[str]) -> bool:
        """Whether equal boxes bear an older model's references: sent once, the file's inputs say that they are ours."""
        there = {row.reference for row in rows.all}
        return bool(self.making.options.replaces) and bool({shape.creation_ref_id for shape in contents} - sent - there)

    def note_unfound(self, tally: Tally) -> None:
        """Note the older models of which no box was found: their names may be misspelt."""
        for model in self.making.options.replaces:
            if not self._found[model]:
                tally.note(Code.NOTHING_REPLACED, f"the files of this push have no unchanged box of model '{model}'")


def people_settled(contents: Contents, rows: Rows, sent: set[str]) -> set[str]:
    """The references of those predictions that people have changed, or deleted: they are not sent again.

    Args:
        contents: the predictions.
        rows: what the file holds.
        sent: the references that this run has sent for the file; what of them is not there any more was deleted.
    """
    changed = {row.reference for row in rows.kept if row.reference}
    there, alike = {row.reference for row in rows.all}, identities(rows.all)
    gone = {
        shape.creation_ref_id
        for shape in contents
        if shape.creation_ref_id in sent - there and identity(shape_row(shape)) not in alike
    }
    return changed | gone
