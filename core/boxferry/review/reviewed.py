"""A run with the fates of its boxes: what pages, tables and datasets are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import ClassTable, classes_in
from boxferry.boxes.tally import Tally
from boxferry.errors import UsageError
from boxferry.formats import Context
from boxferry.reading.images import ImageIndex
from boxferry.reading.writing import option_values
from boxferry.review import corrected as boxes
from boxferry.review.calibration import WISHED, calibrations, judged_scores
from boxferry.review.evaluate import coco_metrics
from boxferry.review.objectlab import objectlab_input
from boxferry.review.own import own_boxes
from boxferry.review.scenes import scenes_of
from boxferry.review.summary import Clicks, Summary, summarized
from boxferry.review.suspicious import suspicious

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.truth import Truth
    from boxferry.formats import Format
    from boxferry.outbox.entry import Run
    from boxferry.review.calibration import Calibrations
    from boxferry.review.metrics import Metrics
    from boxferry.review.objectlab import ObjectLabInput
    from boxferry.review.pull import ReviewedFile
    from boxferry.review.suspicious import Suspicions


NO_TABLE = (
    "the run has no class ids (pushed without, or added by adopt): classes are numbered in the order in which "
    "its labels were sent; --names data.yaml gives them their ids"
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A run with the fates of its boxes.

    Attributes:
        run: the run.
        files: its files.
        gone: the names of those that the server does not have any more.
        originals: an image's name → the source's own file of it, of those whose boxes are as they were sent.
        labels: those that the run sent, in their order, on files that are gone too.
        packets: how many it has in the outbox, in whatever state.
        own: the corrected boxes are this run's and those of people, no other run's.
    """

    run: Run
    files: list[ReviewedFile]
    gone: list[str] = field(default_factory=list)
    originals: Mapping[str, bytes] = field(default_factory=dict)
    labels: Sequence[str] = ()
    packets: int = 0
    own: bool = False

    @property
    def reviewed(self) -> list[ReviewedFile]:
        """The files whose boxes are what people left, as far as the server can tell: what a dataset is made of.

        People have looked at them since the run's boxes came, and no later push has taken away what they had left.
        """
        return [file for file in self.files if file.reviewed and not file.overtaken]

    @property
    def overtaken(self) -> list[ReviewedFile]:
        """The files that people have looked at and a later push took boxes from: counted as reviewed, no dataset."""
        return [file for file in self.files if file.reviewed and file.overtaken]

    def corrected_chunks(self, *, everything: bool = False, tally: Tally | None = None) -> Iterable[Detections]:
        """The boxes as they are now, of the reviewed files or of all; of those, what people have looked at."""
        files = self.files if everything else self.reviewed
        files = [own_boxes(file) for file in files] if self.own else files
        labels = self.labels or boxes.sent_labels(self.files)
        return boxes.corrected(files, tally or Tally(), labels=labels, everything=everything)

    def predicted(self, *, everything: bool = False, tally: Tally | None = None) -> Iterable[Detections]:
        """The boxes as they were sent: of the reviewed files those that people judged, or all of all files."""
        files = self.files if everything else self.reviewed
        return boxes.predicted(files, tally or Tally(), everything=everything)

    def summary(self, clicks: Clicks | None = None) -> Summary:
        """The fates, counted."""
        return summarized(self.files, clicks or Clicks())

    def calibration(self, *, precision: float = WISHED) -> Calibrations:
        """How far scores can be trusted, by label, and from which score on boxes have the wished precision.

        Of the boxes that people have judged and that have a score, on files that a later push has changed too.
        """
        judged = (box for file in self.files if file.reviewed for box in file.judged)
        return calibrations(judged_scores(judged), precision=precision)

    def suspicious(self, others: Iterable[Reviewed] = ()) -> Suspicions:
        """Boxes of the reviewed files to look at again, the most suspicious first.

        A model contradicts what people left (another label, another place, a box where people left no box), or predicts
        nothing where people drew. By ObjectLab's scores where the package cleanlab is installed.

        Args:
            others: runs on the same files, whose predictions count too.
        """
        return suspicious(scenes_of(self.reviewed, [other.files for other in others]))

    def objectlab(self, others: Iterable[Reviewed] = ()) -> ObjectLabInput:
        """The reviewed files as cleanlab's `object_detection` takes them: labels, predictions, and the classes."""
        return objectlab_input(scenes_of(self.reviewed, [other.files for other in others]))

    def metrics(self, truth: Truth | Iterable[Detections] | None = None) -> Metrics:
        """COCO's twelve numbers of the predictions against a `truth`, or the corrected boxes of the reviewed files.

        The corrected boxes are this run's as they are now and those of people; other runs' predictions are no truth.
        """
        if truth is not None:
            return coco_metrics(truth, self.predicted(everything=True))
        files = [own_boxes(file) for file in self.reviewed]
        return coco_metrics(boxes.corrected(files, Tally()), boxes.predicted(files, Tally()))

    def classes(self, names: Mapping[int | str, str] | None = None) -> ClassTable:
        """The table of classes that the boxes come home under: the one that the run was pushed with, or `names`."""
        table = ClassTable()
        if names is not None:
            table.learn(names, "the names given")
        else:
            table.learn(classes_in(self.run.classes), f"run {self.run.name}")
        return table

    def write_as(
        self,
        fmt: Format,
        target: Path,
        tally: Tally,
        *,
        everything: bool = False,
        names: Mapping[int | str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Write the corrected boxes in a format, of the reviewed files or of all.

        Classes have the ids that the run was pushed with; labels that people brought come after them.

        Args:
            fmt: the format.
            target: a file or a folder, as the format has it.
            tally: counts what is written and what is left out.
            everything: files that no person has looked at too.
            names: class id → name, in place of the table that the run was pushed with.
            options: values of the format's own options.

        Raises:
            UsageError: the format cannot be written, or has no such option.
        """
        if fmt.write is None:
            raise UsageError(f"format '{fmt.name}' can be read, not written")
        context = Context(
            images=ImageIndex.build(),
            tally=tally,
            options=option_values(fmt, options or {}),
            classes=self.classes(names),
            original=lambda key: self.originals.get(key, b""),
        )
        chunks = self.corrected_chunks(everything=everything, tally=tally)
        fmt.write(chunks if fmt.writes_videos else boxes.without_videos(chunks, fmt.name, tally), target, context)
        if context.classes.asked and names is None and not self.run.classes:
            tally.note(Code.CLASS_IDS, NO_TABLE)
