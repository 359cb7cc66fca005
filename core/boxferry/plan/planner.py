"""From predictions to the packets that are to be sent: file by file, with every box that is left out on the tally."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import ClassTable
from boxferry.boxes.tally import Place
from boxferry.diffgram.answers import moment
from boxferry.errors import UsageError
from boxferry.outbox.outbox import ENDED
from boxferry.outbox.outcome import State
from boxferry.packets.build import BoxMaker
from boxferry.packets.contents import references_in
from boxferry.packets.reference import PREFIX, detection, file_digest, is_ours, origin
from boxferry.plan.asked_before import WHY, Question
from boxferry.plan.picture import digest_of, mark_of
from boxferry.plan.placing import Placing
from boxferry.plan.target import REPLACING, Problem, Target, models_text
from boxferry.plan.updates import entry, leaving_out
from boxferry.stored.before import Before, encoded
from boxferry.stored.claims import Claims
from boxferry.stored.decided import spots_of
from boxferry.stored.ownership import identities, identity
from boxferry.stored.under_way import UnderWay, carried

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from boxferry.boxes.tally import Tally
    from boxferry.outbox.outbox import Entry, Outbox
    from boxferry.packets.contents import Contents
    from boxferry.plan.asked_before import AskedBefore
    from boxferry.plan.attributes import AttributeResolver
    from boxferry.plan.destinations import Destinations
    from boxferry.plan.labels import LabelResolver
    from boxferry.reading.predictions import Predictions
    from boxferry.stored.holdings import Holdings
    from boxferry.stored.ownership import Rows
    from boxferry.stored.under_way import Coming


ADOPTED = 1.0  #: stands for the end of a packet of which only its boxes on the server are known
VIDEO_RATE = 30.0  #: frames a second that a project is set to, unless somebody has changed it


@dataclass(frozen=True, kw_only=True, slots=True)
class Planner:
    """Makes the packets of one push.

    Attributes:
        predictions: what is pushed.
        destinations: knows where each image's boxes go.
        holdings: tells what the files on the server hold; asked for files that are there.
        labels: knows the labels' ids.
        model, run: name the boxes' model and run; the model is empty for annotations.
        tally: counts what is read, dropped and left out.
        machine_made: False where the boxes are people's work.
        attributes: knows the attributes' ids; None where none are sent.
        outbox: with `run_id`, tells what this run has for a file already; None where nothing was ever pushed.
        run_id: the run in the outbox, or None.
        skip_empty: make no file for an image without boxes.
        video_rate: the project's frames a second: faster videos are resampled to it by the server.
        under_way: tells what the server has accepted and not ended, whoever sent it.
        source: what is pushed, where it has a name that tells it apart; compared with what the run was pushed from.
        place: host and project, by which the outbox knows pictures that were uploaded.
        by_name: whether files are found by their names, not by a mapping.
        resend_missing: send again what was applied and is gone, where no person removed it.
        earlier_source: what the run was pushed from before; empty where unknown.
        strangers: the pictures of another source than the earlier one that are not the run's own.
        deleting: counts, per file, the boxes of people that a replacement deletes.
        completed: counts, per file that people have completed, the boxes that go.
        gone: the numbers of applied packets of which nothing is left, in whose place others are sent.
        shortened: applied packet → what is left of its JSON, and how many boxes that is, since others are sent again.
        classes: is told the class ids of the source.
        moved: packet → the file that its boxes are on now, where that is another one of the same name than it was.
        asked: knows what people have decided on the files that are there; None where they are asked again.
        replaces: the models whose boxes go beside the model's own.
        claims: tells of a file which runs its boxes are of, see `claims`; asked where models are replaced.
        replaced: counts the boxes of each of those models that were found.
    """

    predictions: Predictions
    destinations: Destinations
    holdings: Holdings
    labels: LabelResolver
    model: str
    run: str
    tally: Tally
    machine_made: bool = True
    attributes: AttributeResolver | None = None
    outbox: Outbox | None = None
    run_id: int | None = None
    skip_empty: bool = False
    video_rate: float = VIDEO_RATE
    under_way: UnderWay = field(default_factory=UnderWay)
    resend_missing: bool = False
    source: str = ""
    earlier_source: str = ""
    place: tuple[str, str] = ("", "")
    by_name: bool = True
    strangers: list[str] = field(default_factory=list)
    deleting: dict[str, int] = field(default_factory=dict)
    completed: dict[str, int] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    shortened: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    classes: ClassTable = field(default_factory=ClassTable)
    asked: AskedBefore | None = None
    replaces: Sequence[str] = ()
    claims: Callable[[int], Claims] = lambda _: Claims()
    replaced: Counter[str] = field(default_factory=Counter)

    def entries(self) -> Iterator[Entry]:
        """The packets, in the order of the images; nothing is stored or sent.

        Raises:
            InputError: the source cannot be read, or an image's size is unknown.
            UnknownLabel: at the end, the server lacks labels and the policy is 'error'.
        """
        maker = BoxMaker(
            model=self.model,
            run=self.run,
            label_ids=self.labels.ids,
            machine_made=self.machine_made,
            attribute_groups=self.attributes,
        )
        placing = Placing(self)
        for fitted in self.predictions.fitted(self.tally, placing.placed, self.classes):
            chunk = self.labels.resolve(fitted, self.tally)
            targets = placing.targets(chunk)
            self._load(targets)
            names = [target.file_name if target else None for target in targets]
            pairs = [(target, c) for index, c in maker.contents(chunk, names) if (target := targets[index])]
            codes = self._decided(pairs)
            for target, contents in pairs:
                yield from self._entries_of(target, contents, codes.get(target.file_id or 0, {}))
        self._check_source()
        self._note_replaced()
        self.labels.finish()
        if self.attributes is not None:
            self.attributes.finish()

    def _note_replaced(self) -> None:
        """Note the models of which no box was found: their names may be misspelt."""
        for model in self.replaces:
            if not self.replaced[model]:
                self.tally.note(
                    Code.NOTHING_REPLACED, f"no untouched box of model '{model}' is on the files of this push"
                )

    def _check_source(self) -> None:
        if self.strangers:
            some = ", ".join(self.strangers[:3]) + (", …" if len(self.strangers) > 3 else "")
            raise UsageError(
                f"run '{self.run}' was pushed from {self.earlier_source}; {len(self.strangers)} pictures of "
                f"{self.source} are not among its own ({some}): nothing was sent; name another run with --run"
            )

    def _note_stranger(self, target: Target, earlier: list[Entry]) -> None:
        """Remember a picture of another source that the run does not have: two sources are two runs."""
        if self.earlier_source in {"", self.source} or not self.source:
            return
        if not any((e.width, e.height) == (target.width, target.height) for e in earlier):
            self.strangers.append(target.file_name)

    def other_picture(self, file_id: int, name: str, media: str) -> str:
        """Why a local picture is not the one that was uploaded from here as this file; empty where it may be.

        A server that was restored gives an id to another file: what was uploaded under another name is not that file.
        """
        known = self.outbox.picture(*self.place, file_id) if self.outbox and media else None
        if known is None or known.file_name != name or (known.media == media and known.mark == mark_of(media)):
            return ""
        digest = digest_of(media)
        if digest in {"", known.digest}:
            return ""
        return f"{media} is another picture than file {file_id}, which was uploaded from {known.media}"

    def _load(self, targets: Iterable[Target | None]) -> None:
        """Read what the files hold that boxes go to."""
        self.holdings.load([target.file_id for target in targets if target and target.file_id is not None])

    def _decided(self, pairs: list[tuple[Target, Contents]]) -> dict[int, dict[str, str]]:
        """File id → which predictions people have decided about, see `AskedBefore.codes`."""
        if self.asked is None:
            return {}
        names = self.asked.names
        return self.asked.codes(
            Question(
                file_id=target.file_id,
                predicted=spots_of(contents, names),
                mode=target.mode,
                video=target.video,
                known=self._sent_before(target),
            )
            for target, contents in pairs
            if target.file_id is not None and contents
        )

    def _sent_before(self, target: Target) -> set[str]:
        """The detections that this run has sent to a file before, where it only adds to it."""
        earlier = [] if target.mode in REPLACING else self._earlier(target)
        return {detection(reference) for entry in earlier for reference in references_in(entry.body)}

    def _earlier(self, target: Target) -> list[Entry]:
        return self.outbox.earlier(self.run_id, target.file_name) if self.outbox and self.run_id else []

    @property
    def attributes_created(self) -> list[str]:
        """The attributes and options that were made on the way (or would be)."""
        return self.attributes.created if self.attributes else []

    def sends_empty(self, target: Target) -> bool:
        """Whether a packet without boxes is worth sending: for a new file, or to take boxes away."""
        return target.mode in REPLACING or (target.mode == "new" and not self.skip_empty)

    def _entries_of(self, target: Target, contents: Contents, codes: Mapping[str, str]) -> Iterator[Entry]:
        """The packets for one file; none where there is nothing to send, or the server has all of it.

        Args:
            target: the file.
            contents: the predictions.
            codes: why some of them are not to be sent, by their references without the number of a part.
        """
        if not contents and not self.sends_empty(target):
            self._note_there(target)
            return
        earlier = self._earlier(target)
        self._note_stranger(target, earlier)
        if target.mode in REPLACING:
            if found := self._replacing(target, contents, earlier, codes):
                yield found
        elif target.file_id is None:
            yield from self._onto_new(target, contents, earlier)
        else:
            yield from self._onto_file(target, target.file_id, contents, earlier, codes)

    def _note_there(self, target: Target) -> None:
        """That a picture without boxes is not uploaded, since a file has its name and size."""
        if target.taken and not self._earlier(target):
            self.tally.note(
                Code.FILE_EXISTS,
                f"id {target.file_id} has its name and size: not uploaded again",
                Place(target.file_name),
            )

    def _onto_new(self, target: Target, contents: Contents, earlier: list[Entry]) -> Iterator[Entry]:
        """The packet that makes a file, unless one that makes it is under way."""
        if gone := [entry for entry in earlier if entry.state == State.APPLIED and entry.file_id is not None]:
            if not self.resend_missing:
                message = (
                    f"'{target.file_name}' was applied, and is not in the directory any more: removed, or the server"
                )
                self.tally.fail(
                    Code.GONE, f"{message} was restored; name resend-missing to send it again", boxes=contents.boxes
                )
                return
            if self.holdings.removed(gone[-1].file_id or 0):
                message = "a person removed it from the directory: it is not sent again"
                self.tally.discard(Code.REMOVED_BY_PEOPLE, message, Place(target.file_name), boxes=contents.boxes)
                return
            earlier = [entry for entry in earlier if entry not in gone]
            self.gone.extend(entry.id for entry in gone)
        sent = set().union(*(references_in(e.body) for e in earlier))
        inputs = self.under_way.named(target.file_name)
        coming = carried(inputs) & {shape.creation_ref_id for shape in contents}
        yield from self._awaited(target, contents.without(sent), inputs)
        left = self._left(contents, sent, Code.ALREADY_SENT, "in this run already", target)
        left = self._left(left, coming, Code.UNDER_WAY, "the server is about to apply it", target)
        if not earlier and not coming:
            yield self._made(target, contents)
        elif left:
            yield from self._appended(target, left, earlier)

    def _onto_file(
        self, target: Target, file_id: int, contents: Contents, earlier: list[Entry], codes: Mapping[str, str]
    ) -> Iterator[Entry]:
        """The packet with those boxes that the file does not have, and a record of those that it has."""
        held = set(self.holdings.references(file_id, video=target.video))
        inputs = self.under_way.on(file_id)
        coming = carried(inputs)
        if problem := self._not_ours(target, held | coming, earlier):
            self.tally.fail(problem.code, problem.message, Place(target.file_name), boxes=contents.boxes)
            return
        self._note_moved(file_id, held, earlier)
        sent = set().union(*(references_in(e.body) for e in earlier))
        lost = self._lost(file_id, earlier, sent - held - coming)
        if lost and not self.resend_missing:
            self._say_lost(target, contents.only(lost))
            contents = contents.without(lost)
        sent -= lost
        if there := contents.only(held - sent):
            yield self._adopted(target, file_id, there)
        yield from self._awaited(target, contents.without(sent | held), inputs)
        left = self._left(contents, sent, Code.ALREADY_SENT, "in this run already", target)
        left = self._left(left, held, Code.ALREADY_SENT, "on the server already", target)
        left = self._left(left, coming, Code.UNDER_WAY, "the server is about to apply it", target)
        if left := self._undecided(left, codes, target):
            self._move(lost & {shape.creation_ref_id for shape in left}, earlier)
            yield self._made(target, left, held)

    def _move(self, references: set[str], earlier: list[Entry]) -> None:
        """Remember that boxes go from the packets that brought them first to one that sends them again."""
        for each in earlier:
            if each.state == State.APPLIED and references & references_in(each.body):
                body, boxes = leaving_out(each.body, references)
                if boxes:
                    self.shortened[each.id] = body, boxes
                else:
                    self.gone.append(each.id)

    def _undecided(self, contents: Contents, codes: Mapping[str, str], target: Target) -> Contents:
        """The predictions about which people have not decided; the others are discarded."""
        for code, why in WHY.items() if codes else ():
            gone = {s.creation_ref_id for s in contents if codes.get(detection(s.creation_ref_id)) == code}
            contents = self._left(contents, gone, code, why, target)
        return contents

    def _note_moved(self, file_id: int, held: set[str], earlier: list[Entry]) -> None:
        """Remember which packets' boxes are on this file now: the one that they were sent to is gone, or another's."""
        for each in earlier if self.by_name else ():
            elsewhere = each.state == State.APPLIED and each.file_id not in {None, file_id}
            if elsewhere and references_in(each.body) & held:
                self.moved[each.id] = file_id

    def _lost(self, file_id: int, earlier: list[Entry], missing: set[str]) -> set[str]:
        """Of boxes that were applied and are not there: those that no input of the file has; no person removed them."""
        applied = set().union(*(references_in(e.body) for e in earlier if e.state == State.APPLIED))
        missing &= applied
        return missing - self.under_way.ever_on(file_id) if missing else set()

    def _say_lost(self, target: Target, lost: Contents) -> None:
        """That boxes were applied and are not on the file any more, although no person removed them."""
        if lost.boxes:
            message = f"{lost.boxes} boxes were applied and are not on the server any more, as after a restored backup"
            self.tally.fail(
                Code.GONE,
                f"{message}; name resend-missing to send them again",
                Place(target.file_name),
                boxes=lost.boxes,
            )

    def _not_ours(self, target: Target, there: set[str], earlier: list[Entry]) -> Problem | None:
        """Why boxes do not go onto a file that is there: a new one was meant, or one without predictions."""
        own = f"{PREFIX}{file_digest(target.file_name, self.model, self.run)}"
        origins = {origin(reference) for reference in there} - {""}
        if own in origins or earlier:
            return None
        where = f"'{target.file_name}' (id {target.file_id}) is in the directory already"
        if target.taken:
            return Problem(Code.FILE_EXISTS, f"{where}: choose with on-existing what happens to it")
        if target.mode == "error" and origins:
            return Problem(
                Code.HAS_PREDICTIONS, f"{where} and has boxes of another run: choose append, skip or replace-own"
            )
        return None

    def _adopted(self, target: Target, file_id: int, contents: Contents) -> Entry:
        """A record of what a file holds of this run although the outbox does not know it: it is pulled with the run."""
        made = self._made(dataclasses.replace(target, mode="append", file_id=file_id), contents)
        return msgspec.structs.replace(made, state=State.APPLIED, ended=ADOPTED)

    def _awaited(self, target: Target, contents: Contents, inputs: Iterable[Coming]) -> Iterator[Entry]:
        """Records of what the server has accepted from another outbox and not applied: they are watched to their end.

        Whether that outbox still exists is not known: where the server never applies them, they can be sent from here.
        """
        mode = target.mode if target.file_id is None else "append"
        for each in inputs:
            if found := contents.only(each.references):
                contents = contents.without(each.references)
                made = self._made(dataclasses.replace(target, mode=mode), found)
                yield msgspec.structs.replace(made, state=State.ACCEPTED, input_id=each.input_id)

    def _made(self, target: Target, contents: Contents, held: Collection[str] | None = None) -> Entry:
        mode = "append" if target.mode == "error" else target.mode
        target = dataclasses.replace(target, mode=mode)
        made = entry(self.destinations.route, target, contents, directory_id=self.destinations.directory_id)
        return msgspec.structs.replace(made, before=encoded(self._before(target.file_id, held, video=target.video)))

    def _before(self, file_id: int | None, held: Collection[str] | None, *, video: bool) -> Before:
        """What a file is like before a packet goes to it; a new one has nothing, and appending takes nothing away."""
        if file_id is None:
            return Before(complete=False, kept=[], took=[], read=True)
        changed = moment(self.holdings.changed(file_id)) or 0.0
        found = Before(complete=self.holdings.complete(file_id), changed=changed)
        if held is None:
            return found
        newest = max((row.get("id") or 0 for row in self.holdings.rows(file_id, video=video)), default=0)
        kept = sorted(filter(is_ours, held))
        return msgspec.structs.replace(found, kept=kept, took=[], read=True, newest=newest)

    def _left(self, contents: Contents, references: set[str], code: str, message: str, target: Target) -> Contents:
        """Those boxes whose references are not among these; the others are discarded."""
        left = contents.without(references)
        if gone := contents.boxes - left.boxes:
            self.tally.discard(code, message, Place(target.file_name), boxes=gone)
        return left

    def _appended(self, target: Target, new: Contents, earlier: list[Entry]) -> Iterator[Entry]:
        """More boxes for a file that is being made: appended, where its id is known by now."""
        file_id = next((e.file_id for e in reversed(earlier) if e.file_id is not None), None)
        if file_id is None:
            self._pending(target, new)
            return
        yield self._made(dataclasses.replace(target, file_id=file_id, mode="append", media=""), new)

    def _pending(self, target: Target, contents: Contents) -> None:
        message = f"an earlier packet for '{target.file_name}' has not ended: finish that first (boxferry status)"
        self.tally.fail(Code.PENDING, message, boxes=contents.boxes)

    def _replacing(
        self, target: Target, contents: Contents, earlier: list[Entry], codes: Mapping[str, str]
    ) -> Entry | None:
        """The packet that replaces boxes of a file; what stays is read again just before it goes out."""
        given = {shape.creation_ref_id for shape in contents}
        contents = self._undecided(contents, codes, target)
        if earlier and earlier[-1].state not in ENDED:
            wanted = {shape.creation_ref_id for shape in contents}
            if wanted <= references_in(earlier[-1].body) <= given:
                self._left(contents, wanted, Code.ALREADY_SENT, "in this run already", target)
            else:
                self._pending(target, contents)
            return None
        rows = self._rows(target)
        if target.mode == "replace-own":
            settled = people_settled(contents, rows, references_in(earlier[-1].body) if earlier else set())
            contents = self._left(contents, settled, Code.CORRECTED, "people have changed or deleted it", target)
        new = identities(msgspec.to_builtins(list(contents)))
        stays = identities(rows.kept) if target.mode == "replace-own" else set()
        if new | stays == identities(rows.all) and not self._stands_for_others(contents, rows, earlier):
            self._left(
                contents, {s.creation_ref_id for s in contents}, Code.ALREADY_SENT, "on the server already", target
            )
            return None
        if gone := [row for row in rows.people if identity(row) not in new | stays]:
            self.deleting[target.file_name] = len(gone)
        removes = sum(identity(row) not in new | stays for row in rows.all)
        if removes and self.holdings.complete(target.file_id or 0):
            self.completed[target.file_name] = removes
        if not new and not stays and not self.replaces:
            message = (
                f"'{target.file_name}' would have no box left, and the server takes no empty list: all of them stay"
            )
            self.tally.fail(Code.CANNOT_CLEAR, message)
            return None
        made = self._made(target, contents)
        return msgspec.structs.replace(made, removes=removes, replaces=models_text(self.replaces))

    def _rows(self, target: Target) -> Rows:
        """The boxes of a file; those of the models that are replaced are among one's own, and counted."""
        file_id, name = target.file_id or 0, target.file_name
        if not self.replaces:
            return self.holdings.sorted(file_id, file_name=name, model=self.model)
        models = [self.model, *self.replaces]
        found = self.holdings.owned(file_id, file_name=name, models=models, run=self.run, claims=self.claims(file_id))
        for model in self.replaces:
            origins = self.holdings.origins(name, model, self.run)
            self.replaced[model] += sum(origin(row.get("creation_ref_id")) in origins for row in found.own)
        return found

    def _stands_for_others(self, contents: Contents, rows: Rows, earlier: list[Entry]) -> bool:
        """Whether equal boxes bear an older model's references: sent once, the file's inputs say that they are ours."""
        sent = references_in(earlier[-1].body) if earlier else set()
        there = {row.get("creation_ref_id") for row in rows.all}
        return bool(self.replaces) and bool({shape.creation_ref_id for shape in contents} - sent - there)


def people_settled(contents: Contents, rows: Rows, sent: set[str]) -> set[str]:
    """The references of those predictions that people have changed, or deleted: they are not sent again.

    Args:
        contents: the predictions.
        rows: what the file holds.
        sent: the references that this run has sent for the file; what of them is not there any more was deleted.
    """
    changed = {row["creation_ref_id"] for row in rows.kept if row.get("creation_ref_id")}
    there, alike = {row.get("creation_ref_id") for row in rows.all}, identities(rows.all)
    gone = {
        shape.creation_ref_id
        for shape in contents
        if shape.creation_ref_id in sent - there and identity(msgspec.to_builtins(shape)) not in alike
    }
    return changed | gone
