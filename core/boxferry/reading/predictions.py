"""Predictions: a source, the format that reads it, and the steps that its boxes go through; lazy and repeatable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Never, Self

from boxferry.boxes.codes import Code
from boxferry.boxes.join import together
from boxferry.boxes.label_map import near_misses
from boxferry.boxes.labels import ClassTable
from boxferry.boxes.notebook import paragraph
from boxferry.boxes.scores import Scores, one_a_track
from boxferry.boxes.tally import Tally
from boxferry.errors import UnknownLabel, UsageError
from boxferry.formats import Context
from boxferry.option_checks import check_type
from boxferry.parsing.quick_fit import fit
from boxferry.reading.dataset import Dataset
from boxferry.reading.refining import Refining
from boxferry.reading.shard import WHOLE, Shard
from boxferry.reading.unmentioned import with_unmentioned
from boxferry.reading.writing import Writing, numbered, write
from boxferry.workers import Workers

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.truth import Truth
    from boxferry.formats import Format, Images, Source
    from boxferry.plugins import Plugins
    from boxferry.reading.refining import Choice, Labels
    from boxferry.reading.steps import Step


def no_folder() -> Iterable[Image]:
    """The images of no folder."""
    return ()


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Predictions(Refining):
    """What `read` gives. Nothing is read before the chunks are gone through, and each pass reads the source anew.

    Each of `filter`, `nms`, `top`, `relabel`, `filter_images`, `then`, `sample` gives new predictions with one more
    step, and leaves these as they are. What the steps drop is counted, with a reason.

    Attributes:
        source: what is read.
        format: how it is read.
        why: why it is read so: what was recognised, or 'named'.
        images: looks images and their sizes up.
        names: class id → label; empty where none were given.
        names_counted: the names came as a list, whose places are their ids.
        keypoints: the key points of a pose and the values of each, where the names' file says so.
        score_scale: what scores are divided by.
        options: the values of the format's own options.
        unknown: what becomes of classes without a name: 'error' ends the reading with an error that counts them,
            'skip' drops their boxes with the reason 'unknown-label'.
        folder: the images that were named as a folder: those that the source does not mention are images without
            predictions.
        plugins: the plugins whose refine steps come after `steps`.
        steps: what each chunk goes through, in order.
        label_maps: the maps and lists of labels among the steps, so that a name in them that no label has is noted.
        choices: which images are taken, each with the number of steps that come before it.
        tiny: what the fit does with boxes under a pixel.
        polygons: read outlines too.
        attributes: the names of the source's further fields that are read.
        workers: other processes that help; what is read is the same with any number of them.
        anonymous: the source's name says nothing of what is read, as that of a temporary file.
        part: which of several parts of the source is read.
        measured: see `Context`.
    """

    source: Source
    format: Format
    why: str
    images: Images
    names: Mapping[int | str, str]
    options: Mapping[str, str]
    unknown: Literal["error", "skip"]
    plugins: Plugins
    folder: Callable[..., Iterable[Image]] = no_folder
    steps: tuple[Step, ...] = ()
    label_maps: tuple[Labels, ...] = ()
    choices: tuple[tuple[int, Choice], ...] = ()
    tiny: Literal["drop", "expand"] = "drop"
    polygons: bool = False
    attributes: tuple[str, ...] = ()
    names_counted: bool = False
    keypoints: tuple[int, int] | None = None
    score_scale: float = 1.0
    workers: Workers = field(default_factory=lambda: Workers(1))
    anonymous: bool = False
    part: Shard = WHOLE
    measured: bool = True

    @property
    def has_folder(self) -> bool:
        """Whether a folder of images was named."""
        return self.folder is not no_folder

    def without_folder(self) -> Self:
        """Of those images only that the source mentions."""
        return replace(self, folder=no_folder)

    def with_step(self, step: Step) -> Self:
        """With one more step, which counts on the tally what it drops."""
        return replace(self, steps=(*self.steps, step))

    def with_labels(self, labels: Labels) -> Self:
        """With a map or a list of labels whose names are looked for among those of the boxes."""
        return replace(self, label_maps=(*self.label_maps, labels))

    def watched(self, step: Step) -> Self:
        """With a step before all others, which only looks on."""
        later = tuple((at + 1, choice) for at, choice in self.choices)
        return replace(self, steps=(step, *self.steps), choices=later)

    def choosing(self, choice: Choice, name: str) -> Self:
        """Of those images only that a choice takes, in a pass of its own; `name` is the method that asks for it.

        Raises:
            UsageError: the source can be gone through once only.
        """
        if hasattr(self.source.value, "peek"):
            raise UsageError(f"{name}: reads the results twice; pass a list, not a generator")
        return replace(self, choices=(*self.choices, (len(self.steps), choice)))

    def expand_tiny(self) -> Self:
        """With boxes under one pixel widened to one by the fit, rather than dropped."""
        return replace(self, tiny="expand")

    def sized_by(self, images: Images) -> Self:
        """With another look-up of images, one that knows more sizes."""
        return replace(self, images=images)

    def shard(self, index: int, count: int) -> Self:
        """One of `count` parts of the source, from 0: together they are the whole, and each image is in one of them.

        Raises:
            UsageError: there is no such part.
        """
        return replace(self, part=Shard(index, count))

    def unrefined(self, tally: Tally, classes: ClassTable | None = None) -> Iterator[Detections]:
        """The chunks as the format gives them, before any step; `classes` is told the class ids of the source.

        Raises:
            InputError: the source cannot be read as its format.
        """
        if self.format.read is None:
            raise UsageError(f"format '{self.format.name}' can be written, not read")
        return self.part.of(self.format.read(self.source, self._context(tally, classes)), tally)

    def truth(self, tally: Tally) -> Truth | None:
        """The source as a ground truth with areas and crowd flags as written; None where its format has none.

        The steps are not taken: a truth is measured against as it is.

        Raises:
            InputError: the source cannot be read as its format.
        """
        return None if self.format.truth is None else self.format.truth(self.source, self._context(tally, None))

    def _context(self, tally: Tally, classes: ClassTable | None) -> Context:
        return Context(
            images=self.images,
            tally=tally,
            names=self.names,
            options=self.options,
            polygons=self.polygons,
            attributes=self.attributes,
            names_counted=self.names_counted,
            keypoints=self.keypoints,
            score_scale=self.score_scale,
            classes=ClassTable() if classes is None else classes,
            map=self.workers.map,
            takes=self.part.takes,
            measured=self.measured,
        )

    def chunks(self, tally: Tally, classes: ClassTable | None = None) -> Iterator[Detections]:
        """The chunks as they are read, after the steps; each image comes once.

        Args:
            tally: counts what is read and what is dropped.
            classes: is told the class ids of the source.

        Raises:
            InputError: the source cannot be read as its format.
            UnknownLabel: at the end, classes without a name were met and `unknown` is 'error'.
        """
        chosen = self._chosen()
        labels: set[str] = set()
        scores = Scores(self.source.name, self.score_scale, any_range=self.format.any_scores)
        chunks = self.unrefined(tally, classes)
        if self.has_folder:
            chunks = with_unmentioned(chunks, self.part.of_folder(self.folder), self.source.name, tally)
        for chunk in chunks:
            labels.update(chunk.labels)
            yield self._stepped(scores.of(chunk, tally), tally, chosen)
        scores.finish(tally)
        self._note_unused(labels, tally)
        if self.unknown == "error" and tally.dropped[Code.UNKNOWN_LABEL]:
            raise UnknownLabel(_unknown_line(tally))

    def fitted(
        self,
        tally: Tally,
        adjust: Callable[[Detections], Detections] = lambda chunk: chunk,
        classes: ClassTable | None = None,
    ) -> Iterator[Detections]:
        """As `chunks`, then fitted to whole pixels inside each image: what packets are built from.

        Args:
            tally: counts what is read and what is dropped.
            adjust: is given each chunk before it is fitted, to bring it into another frame.
            classes: is told the class ids of the source.

        Raises:
            InputError: as `chunks`, or an image with boxes has no known size.
        """
        for chunk in self.chunks(tally, classes):
            yield fit(adjust(chunk), tally=tally, tiny=self.tiny)

    def _chosen(self) -> list[set[str]]:
        """The keys of the images that each choice takes, each found by a pass over what comes before it.

        They are taken of the whole source, so that its parts agree.
        """
        whole = replace(self, part=WHOLE)
        return [
            choice.chosen(replace(whole, steps=self.steps[:at], choices=self.choices[:number]).chunks(Tally()))
            for number, (at, choice) in enumerate(self.choices)
        ]

    def collect(self, tally: Tally | None = None) -> Dataset:
        """All images and boxes in memory.

        Args:
            tally: counts what is read and what is dropped; the result's own `tally` where left out.

        Raises:
            InputError: as `chunks`.
            UnknownLabel: likewise.
        """
        tally, classes = tally or Tally(), self.class_table()
        found = together(list(self.chunks(tally, classes)))
        return Dataset(found, tally=tally, names={} if classes.clash else classes.names())

    def write(
        self,
        path: str | os.PathLike[str],
        to: str = "coco",
        *,
        names: str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None = None,
        keep_ids: bool = True,
        tally: Tally | None = None,
        **options: str,
    ) -> Tally:
        """Write the boxes, not fitted to whole pixels, in a format.

        Args:
            path: a file or a folder, as the format has it.
            to: the format's name, as `boxferry formats` lists it.
            names: the classes with their ids, as `read` takes them; those of the source where left out.
            keep_ids: classes keep the ids of the source; False numbers them anew.
            tally: counts what is read, dropped and written; a new one where left out.
            options: those of the format, `voc_origin="0"`.

        Returns:
            The tally.

        Raises:
            UnknownFormat: there is no such format.
            UsageError: the format cannot be written, or has no such option, or the path cannot be written.
            InputError: as `chunks`.
        """
        check_type("keep_ids", keep_ids, bool)
        tally = tally or Tally()
        how = Writing.of(self.plugins.formats(), to, names=names, options=options)
        self.write_as(how.format, Path(path), tally, how.options, names=how.names, keep_ids=keep_ids)
        return tally

    def write_as(
        self,
        fmt: Format,
        target: Path,
        tally: Tally,
        options: Mapping[str, str],
        *,
        names: Mapping[int | str, str] | None = None,
        keep_ids: bool = True,
    ) -> None:
        """As `write`, with the format itself and the values of all of its options.

        Raises:
            UsageError: the format cannot be written.
        """
        classes = self.class_table()
        own = {class_id: self._renamed(name) for class_id, name in self.names.items()}
        chunks = self.chunks(tally, classes)
        context = Context(images=self.images, tally=tally, names=own, options=options, classes=classes)
        write(chunks, fmt, target, numbered(context, names, keep_ids=keep_ids))

    def class_table(self) -> ClassTable:
        """What is told the class ids of the source while it is read; it knows those of the names given already.

        Labels have the names that the label maps give them.
        """
        classes = ClassTable(self._renamed)
        classes.learn(self.names, "the names given")
        return classes

    def _renamed(self, name: str) -> str:
        """A label's name after the label maps."""
        for label_map in self.label_maps:
            name = label_map(name)
        return name

    def _stepped(self, chunk: Detections, tally: Tally, chosen: list[set[str]]) -> Detections:
        for number, step in enumerate((*self.steps, None)):
            for (at, choice), keys in zip(self.choices, chosen, strict=True):
                chunk = choice.keep(chunk, keys, tally) if at == number else chunk
            chunk = step(chunk, tally) if step else chunk
        chunk = one_a_track(chunk, tally)
        return self.plugins.refine(chunk, {"source": self.source.name, "format": self.format.name}, tally)

    def _note_unused(self, labels: set[str], tally: Tally) -> None:
        for label_map in self.label_maps:
            for name in label_map.unused(labels):
                near = ", ".join(near_misses(name, labels))
                message = f"no box has the label '{name}' that is to be {label_map.purpose}"
                tally.note(Code.UNUSED_MAP, message + (f"; near: {near}" if near else ""))
            labels = {label_map(name) for name in labels}

    def __repr__(self) -> str:
        steps = len(self.steps) + len(self.choices)
        return f"<Predictions: {self.source.name}, format {self.format.name} ({self.why}), {steps} steps>"

    def _repr_html_(self) -> str:
        """The same as a paragraph, for a notebook."""
        return paragraph(self)

    def __reduce__(self) -> Never:
        """Say why there is no pickle of it."""
        raise UsageError(
            "Predictions cannot be pickled: they hold plugins and an open source; pickle predictions.collect(), or "
            "call read in the other process"
        )


def _unknown_line(tally: Tally) -> str:
    examples = [issue.message for issue in tally.examples[Code.UNKNOWN_LABEL]]
    more = f" (and {len(examples) - 3} more classes)" if len(examples) > 3 else ""
    return f"{'; '.join(examples[:3])}{more}: complete --names or --categories, or pass --unknown skip"
