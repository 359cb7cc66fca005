"""From predictions to the packets that are to be sent: file by file, with every box that is left out on the tally."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import ClassTable
from boxferry.boxes.tally import Place
from boxferry.errors import UsageError
from boxferry.outbox.kinds import REPLACING, Mode
from boxferry.packets.build import BoxMaker
from boxferry.packets.reference import detection
from boxferry.parsing.quick_fit import fit
from boxferry.plan.adding import Adding
from boxferry.plan.asked_before import Question
from boxferry.plan.earlier import Earlier, Strangers, references_of
from boxferry.plan.placing import Placing, leave_out, with_originals
from boxferry.plan.replacing import Replacing
from boxferry.stored.decided import spots_of
from boxferry.stored.under_way import UnderWay

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from boxferry.boxes.tally import Tally
    from boxferry.outbox.entry import Change, Entry
    from boxferry.packets.contents import Contents
    from boxferry.plan.asked_before import AskedBefore
    from boxferry.plan.attributes import AttributeResolver
    from boxferry.plan.labels import LabelResolver
    from boxferry.plan.making import Making
    from boxferry.plan.target import Target
    from boxferry.reading.predictions import Predictions
    from boxferry.stored.file_inputs import FileInputs


@dataclass(frozen=True, kw_only=True, slots=True)
class Planner:
    """Makes the packets of one push.

    Attributes:
        predictions: what is pushed.
        making: makes the packets, for the files and with the options of the push.
        labels: knows the labels' ids.
        attributes: knows the attributes' ids; None where none are sent.
        earlier: knows what this machine has of the run already.
        under_way: tells what the server has accepted and not ended, whoever sent it.
        source: what is pushed, where it has a name that tells it apart; compared with what the run was pushed from.
        classes: is told the class ids of the source.
        asked: knows what people have decided on the files that are there; None where they are asked again.
        inputs: tells what was sent to files; asked where boxes of other models may be the model's own by now.
    """

    predictions: Predictions
    making: Making
    labels: LabelResolver
    attributes: AttributeResolver | None = None
    earlier: Earlier = field(default_factory=Earlier)
    under_way: UnderWay = field(default_factory=UnderWay)
    source: str = ""
    classes: ClassTable = field(default_factory=ClassTable)
    asked: AskedBefore | None = None
    inputs: FileInputs | None = None

    def entries(self) -> Iterator[Entry | Change]:
        """The packets, in the order of the images, and what changes of earlier ones; nothing is stored or sent.

        Raises:
            InputError: the source cannot be read, or an image's size is unknown.
            UnknownLabel: at the end, the server lacks labels and the policy is 'error'.
            UsageError: at the end, the run was pushed from another source before.
        """
        adding, replacing = Adding(self.making, self.under_way), Replacing(self.making, self.inputs)
        strangers = Strangers(self.earlier, self.source)
        for target, contents, codes in self._placed(replacing):
            if not contents and not self._sends_empty(target):
                self._note_there(target)
                continue
            earlier = self.earlier.of(target.file_name)
            strangers.see(target.file_name, (target.width, target.height), earlier)
            if target.mode in REPLACING:
                yield from filter(None, [replacing.packet(target, contents, earlier, codes)])
            elif target.file_id is None:
                yield from adding.onto_new(target, contents, earlier)
            else:
                yield from adding.onto_file(target, target.file_id, contents, earlier, codes)
        if problem := strangers.problem(self.making.run):
            raise UsageError(problem)
        replacing.note_unfound(self.tally)
        self.labels.finish()
        if self.attributes is not None:
            self.attributes.finish()

    def _placed(self, replacing: Replacing) -> Iterator[tuple[Target, Contents, Mapping[str, str]]]:
        """Each file with what is meant for it, and why some of that is not to be sent."""
        maker = BoxMaker(
            model=self.making.model,
            run=self.making.run,
            label_ids=self.labels.ids,
            machine_made=not self.making.options.human_made,
            attribute_groups=self.attributes,
        )
        placing = Placing(self.making, self.earlier)
        for read in self.predictions.chunks(self.tally, self.classes):
            placed = placing.placed(read)
            fitted = fit(placed.chunk, tally=self.tally, tiny=self.predictions.tiny)
            chunk = self.labels.resolve(fitted, self.tally)
            targets = placed.targets(chunk)
            leave_out(placed, chunk, self.tally, creates=self.making.destinations.creates)
            if self.predictions.format.keeps_files:
                targets = with_originals(targets, chunk)
            self.making.stored_boxes.load([each.file_id for each in targets if each and each.file_id is not None])
            replacing.load(filter(None, targets))
            names = [target.file_name if target else None for target in targets]
            pairs = [(target, c) for index, c in maker.contents(chunk, names) if (target := targets[index])]
            codes = self._decided(pairs)
            yield from ((target, contents, codes.get(target.file_id or 0, {})) for target, contents in pairs)

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
        earlier = [] if target.mode in REPLACING else self.earlier.of(target.file_name)
        return set(map(detection, references_of(earlier)))

    def _sends_empty(self, target: Target) -> bool:
        """Whether a packet without boxes is worth sending: for a new file, or to take boxes away."""
        return target.mode in REPLACING or (target.mode == Mode.NEW and not self.making.options.skip_empty)

    def _note_there(self, target: Target) -> None:
        """That a picture without boxes is not uploaded, since a file has its name and size."""
        if target.taken and not self.earlier.of(target.file_name):
            message = f"id {target.file_id} has its name and size: not uploaded again"
            self.tally.note(Code.FILE_EXISTS, message, Place(target.file_name))

    @property
    def tally(self) -> Tally:
        """Counts what is read, dropped and left out."""
        return self.making.tally

    @property
    def attributes_created(self) -> list[str]:
        """The attributes and options that were made on the way (or would be)."""
        return self.attributes.created if self.attributes else []
