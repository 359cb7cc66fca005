"""Predictions: a source, the format that reads it, and the steps that its boxes go through; lazy and repeatable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections
from boxferry.boxes.fit import fit
from boxferry.boxes.label_map import LabelMap, near_misses
from boxferry.boxes.labels import ClassTable
from boxferry.boxes.refine import filter_score, limit, relabel, suppress
from boxferry.boxes.scores import Scores, one_a_track
from boxferry.boxes.tally import Place, Tally
from boxferry.errors import InputError, SizeDiffers, UnknownLabel, UsageError
from boxferry.formats import Context, still_images
from boxferry.reading.uncertain import MostUncertain
from boxferry.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from boxferry.boxes.detections import Image
    from boxferry.boxes.truth import Truth
    from boxferry.formats import Format, Images, Source
    from boxferry.plugins import Plugins

    Step = Callable[[Detections, Tally], Detections]

CHUNK_IMAGES = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictions:
    """What `read` gives. Nothing is read before the chunks are gone through, and each pass reads the source anew.

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
        label_maps: the maps among the steps, so that a name in them that no label has is noted.
        choice: which images are taken, by how much correcting them would teach; None takes all.
        tiny: what the fit does with boxes under a pixel.
        polygons: read outlines too.
        attributes: the names of the source's further fields that are read.
        workers: other processes that help; what is read is the same with any number of them.
        anonymous: the source's name says nothing of what is read, as that of a temporary file.
    """

    source: Source
    format: Format
    why: str
    images: Images
    names: Mapping[int | str, str]
    options: Mapping[str, str]
    unknown: Literal["error", "skip"]
    plugins: Plugins
    folder: Callable[..., Iterable[Image]] = tuple
    steps: tuple[Step, ...] = ()
    label_maps: tuple[LabelMap, ...] = ()
    choice: MostUncertain | None = None
    tiny: Literal["drop", "expand"] = "drop"
    polygons: bool = False
    attributes: tuple[str, ...] = ()
    names_counted: bool = False
    keypoints: tuple[int, int] | None = None
    score_scale: float = 1.0
    workers: Workers = field(default_factory=lambda: Workers(1))
    anonymous: bool = False

    @property
    def has_folder(self) -> bool:
        """Whether a folder of images was named."""
        return self.folder is not tuple

    def without_folder(self) -> Self:
        """Of those images only that the source mentions."""
        return replace(self, folder=tuple)

    def then(self, step: Step) -> Self:
        """With one more step: a function of a chunk and the tally that gives a chunk."""
        return replace(self, steps=(*self.steps, step))

    def filter(self, *, min_score: float) -> Self:
        """Without the boxes whose score is under `min_score`; boxes that have no score stay."""
        _check_share("min_score", min_score)
        return self.then(lambda chunk, tally: filter_score(chunk, min_score=min_score, tally=tally))

    def nms(self, iou: float, *, across_labels: bool = False) -> Self:
        """Without the boxes that overlap a better one of the same label (or of any) by more than `iou`."""
        _check_share("nms", iou)
        return self.then(lambda chunk, tally: suppress(chunk, iou=iou, tally=tally, across_labels=across_labels))

    def limit(self, max_boxes: int) -> Self:
        """With at most the `max_boxes` best boxes of each image."""
        if max_boxes < 1:
            raise UsageError(f"max-boxes: {max_boxes}, expected 1 or more")
        return self.then(lambda chunk, tally: limit(chunk, max_boxes=max_boxes, tally=tally))

    def relabel(self, labels: Mapping[str, str] | Iterable[str]) -> Self:
        """With other label names, {'car|truck': 'vehicle'}; labels that are not mentioned stay."""
        label_map = LabelMap.parse(labels)
        mapped = replace(self, label_maps=(*self.label_maps, label_map))
        return mapped.then(lambda chunk, _: relabel(chunk, label_map))

    def most_uncertain(self, count: int, *, threshold: float = 0.5) -> Self:
        """Of the `count` images only whose correction would teach most; see `MostUncertain`.

        Raises:
            UsageError: the count is below 1, or the source can be gone through once only.
        """
        if hasattr(self.source.value, "peek"):
            raise UsageError("--most-uncertain: goes through the results twice; hand over a list, not a generator")
        return replace(self, choice=MostUncertain(count, threshold))

    def expand_tiny(self) -> Self:
        """With boxes under one pixel widened to one by the fit, rather than dropped."""
        return replace(self, tiny="expand")

    def sized_by(self, images: Images) -> Self:
        """With another look-up of images, one that knows more sizes."""
        return replace(self, images=images)

    def unrefined(self, tally: Tally, classes: ClassTable | None = None) -> Iterator[Detections]:
        """The chunks as the format gives them, before any step; `classes` is told the class ids of the source.

        Raises:
            InputError: the source cannot be read as its format.
        """
        if self.format.read is None:
            raise UsageError(f"format '{self.format.name}' can be written, not read")
        return self.format.read(self.source, self._context(tally, classes))

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
        chosen = self.choice.chosen(replace(self, choice=None).chunks(Tally())) if self.choice else set()
        labels: set[str] = set()
        scores = Scores(self.source.name, self.score_scale, any_range=self.format.any_scores)
        for chunk in self._with_unmentioned(self.unrefined(tally, classes), tally):
            labels.update(chunk.labels)
            stepped = self._stepped(scores.of(chunk, tally), tally)
            yield self.choice.keep(stepped, chosen, tally) if self.choice else stepped
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

    def write(self, fmt: Format, target: Path, tally: Tally, options: Mapping[str, str]) -> None:
        """Write the chunks, not fitted, in another format.

        Raises:
            UsageError: the format cannot be written.
        """
        if fmt.write is None:
            raise UsageError(f"format '{fmt.name}' can be read, not written")
        classes = self.class_table()
        names = {class_id: self._renamed(name) for class_id, name in self.names.items()}
        context = Context(images=self.images, tally=tally, names=names, options=options, classes=classes)
        chunks = self.chunks(tally, classes)
        fmt.write(chunks if fmt.writes_videos else still_images(chunks, fmt.name), target, context)

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

    def _stepped(self, chunk: Detections, tally: Tally) -> Detections:
        for step in self.steps:
            chunk = step(chunk, tally)
        chunk = one_a_track(chunk, tally)
        return self.plugins.refine(chunk, {"source": self.source.name, "format": self.format.name}, tally)

    def _note_unused(self, labels: set[str], tally: Tally) -> None:
        for label_map in self.label_maps:
            for name in label_map.unused(labels):
                near = ", ".join(near_misses(name, labels))
                message = f"no box has the label '{name}' that is to be renamed" + (f"; near: {near}" if near else "")
                tally.note(Code.UNUSED_MAP, message)
            labels = {label_map(name) for name in labels}

    def _with_unmentioned(self, chunks: Iterator[Detections], tally: Tally) -> Iterator[Detections]:
        """The chunks, then the images of the folder that none of them mentioned, without boxes."""
        if not self.has_folder:
            yield from chunks
            return
        keys, files = set[str](), set[str]()
        for chunk in chunks:
            keys.update(image.key for image in chunk.images)
            files.update(image.media for image in chunk.images)
            yield chunk

        def failed(key: str, error: InputError) -> None:
            code = Code.SIZE_MISMATCH if isinstance(error, SizeDiffers) else Code.AMBIGUOUS_IMAGE
            tally.fail(code, str(error), Place(key))

        missing = [image for image in self.folder(failed) if image.key not in keys and image.media not in files]
        if missing:
            tally.note(Code.NO_PREDICTIONS, f"{len(missing)} images of the images folder are not in {self.source.name}")
        for start in range(0, len(missing), CHUNK_IMAGES):
            images = missing[start : start + CHUNK_IMAGES]
            chunk = Detections.from_counts(images, [0] * len(images), [], [], ())
            tally.count(chunk)
            yield chunk


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise UsageError(f"{name}: {value}, expected 0 to 1")


def _unknown_line(tally: Tally) -> str:
    examples = [issue.message for issue in tally.examples[Code.UNKNOWN_LABEL]]
    more = f" (and {len(examples) - 3} more classes)" if len(examples) > 3 else ""
    return f"{'; '.join(examples[:3])}{more}: complete --names or --categories, or pass --unknown skip"
