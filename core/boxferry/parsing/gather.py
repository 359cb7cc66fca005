"""Boxes one by one, image by image, gathered into the columns of chunks: what formats without columns are read with."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.labels import Vocabulary
from boxferry.boxes.tally import Place
from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from boxferry.formats import Context, Id

T = TypeVar("T")

CHUNK_IMAGES = 512
MOVED = ("flat_ring", "is_field", "label_of", "number", "ring_of", "score_of", "shown", "track_of", "turned", "whole")
CHUNK_BOXES = 8192


class BadBox(Exception):
    """A box cannot be used: one sentence, and the reason in a fixed word."""

    def __init__(self, message: str, code: str = Code.BAD_BOX) -> None:
        super().__init__(message)
        self.code = code


class BadImage(Exception):
    """An image, or a file about one, fails as a whole: one sentence, the reason in a fixed word, and its boxes."""

    def __init__(self, message: str, code: str, boxes: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.boxes = boxes


class Box(msgspec.Struct, gc=False, kw_only=True):
    """One box of an image.

    Attributes:
        code: its label, as the gathering's vocabulary numbers it; -1 for a class without a name, which the vocabulary
            remembers.
        corners: x_min, y_min, x_max, y_max in pixels, 0-based, maxima exclusive.
        score: NaN where there is none.
        row: the line or item at which it stands; -1 where unknown.
        track: -1 for none.
        frame: of a video, from 0.
        rings: its outline; () for none.
        fields: all its further fields; only those that are asked for are kept.
    """

    code: int
    corners: tuple[float, float, float, float]
    score: float = math.nan
    row: int = -1
    track: int = -1
    frame: int = 0
    rings: tuple[Any, ...] = ()
    fields: dict[str, Any] = {}


@dataclass(slots=True)
class _Columns:
    images: list[Image] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)


class Gathering:
    """Takes images with their boxes, one after another, and gives chunks of them; each image is taken once.

    Attributes:
        context: whose tally counts the chunks, and which says what is asked for.
        vocabulary: numbers the labels.
    """

    def __init__(
        self,
        context: Context,
        names: Mapping[Id, str] | None = None,
        *,
        source: str = "",
        row_unit: Literal["line", "item"] = "item",
        seen: dict[str, str] | None = None,
    ) -> None:
        """Begin with nothing.

        Args:
            context: whose tally counts the chunks, and which says what is asked for.
            names: class id → label, where boxes have class ids.
            source: what is read, as the notes on the whole name it.
            row_unit: what the boxes' `row` counts.
            seen: the images that were taken before, with their places; this gathering's are added.
        """
        self.vocabulary = Vocabulary(names or {})
        self.context = context
        self._row_unit: Literal["line", "item"] = row_unit
        self._seen = {} if seen is None else seen
        self._columns = _Columns()
        self._source = source
        self._remarks: Counter[tuple[str, str]] = Counter()

    def remark(self, code: str, message: str) -> None:
        """Count what is worth knowing and may be so of many boxes: one note, with the number before it, at the end."""
        self._remarks[code, message] += 1

    def fail(self, error: BadImage, place: Place) -> None:
        """Record an image that failed, with its boxes, which are not counted yet."""
        self.context.tally.fail(error.code, str(error), place, boxes=error.boxes, counted=False)

    def read(
        self, items: Iterable[tuple[T, Place]], image_of: Callable[[T, Place], tuple[Image, list[Box]]]
    ) -> Iterator[Detections]:
        """Chunks of the images that items are about, each item with its place.

        Args:
            items: what stands in the source.
            image_of: gives an item's image and boxes; raises BadImage where that one fails, and the others go on.
        """
        return self.chunks(self._images(items, image_of))

    def _images(
        self, items: Iterable[tuple[T, Place]], image_of: Callable[[T, Place], tuple[Image, list[Box]]]
    ) -> Iterator[tuple[Image, list[Box], Place]]:
        for item, place in items:
            try:
                yield *image_of(item, place), place
            except BadImage as error:
                self.fail(error, place)

    def chunks(self, found: Iterable[tuple[Image, list[Box], Place]]) -> Iterator[Detections]:
        """Chunks of all images that come, each with its boxes and its place; at the end notes, and unnamed classes."""
        for image, boxes, place in found:
            self.add(image, boxes, place)
            if self.full:
                yield self.taken()
        if self._columns.images:
            yield self.taken()
        for (code, message), number_of in self._remarks.items():
            self.context.tally.note(code, f"{number_of} {message}", Place(self._source))
        self.vocabulary.report(self.context.tally)

    @property
    def full(self) -> bool:
        """Whether what is there is worth a chunk."""
        return len(self._columns.images) >= CHUNK_IMAGES or len(self._columns.boxes) >= CHUNK_BOXES

    def add(self, image: Image, boxes: list[Box], place: Place) -> None:
        """Take an image and its boxes; one that was there already fails as a whole."""
        known = [box for box in boxes if box.code >= 0]
        if (first := self._seen.get(image.key)) is not None:
            message = f"image '{image.key}' is in {first} already"
            self.context.tally.fail(Code.DUPLICATE_IMAGE, message, place, boxes=len(known), counted=False)
            return
        self._seen[image.key] = str(place)
        self._columns.images.append(image)
        self._columns.counts.append(len(known))
        self._columns.boxes += known

    def taken(self) -> Detections:
        """The chunk, counted as read; the gathering is empty then."""
        found, self._columns = self._columns, _Columns()
        boxes = found.boxes
        chunk = Detections.from_counts(
            found.images,
            found.counts,
            np.array([box.corners for box in boxes], np.float64).reshape(-1, 4),
            [box.code for box in boxes],
            self.vocabulary.labels,
            score=[box.score for box in boxes],
            row=[box.row for box in boxes],
            row_unit=self._row_unit,
            **self._optional(found),
        )
        self.context.tally.count(chunk)
        return chunk

    def _optional(self, found: _Columns) -> dict[str, Any]:
        boxes, columns, context = found.boxes, dict[str, Any](), self.context
        if any(image.video for image in found.images):
            columns["frame"] = [box.frame for box in boxes]
        if any(box.track >= 0 for box in boxes):
            columns["track"] = [box.track for box in boxes]
        if context.polygons:
            columns["polygons"] = objects([box.rings or None for box in boxes])
        if context.attributes:
            columns["attributes"] = objects([_asked(box.fields, context.attributes) for box in boxes])
        return columns


def __getattr__(name: str) -> Any:  # noqa: ANN401 # a function
    """What stood here before it moved to `boxferry.parsing.values`: it works for one more release, with a warning."""
    if name not in MOVED:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    message = f"{__name__}.{name} is in boxferry.parsing.values now; the old place works for one more release"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return getattr(import_module("boxferry.parsing.values"), name)


def _asked(fields: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any] | None:
    return {name: fields[name] for name in names if fields.get(name) is not None} or None


@contextmanager
def one_image(boxes: int = 0) -> Iterator[None]:
    """Around a look-up of an image: where several answer, they fail with their `boxes`.

    Raises:
        BadImage: several images answer.
    """
    try:
        yield
    except InputError as error:
        raise BadImage(str(error), Code.AMBIGUOUS_IMAGE, boxes) from None


def located(
    context: Context,
    names: Iterable[str],
    *,
    said: tuple[int, int] = (0, 0),
    source: str,
    boxes: int = 0,
    shares: bool = False,
) -> Image:
    """The image that a format names, with its local file and one size.

    Args:
        context: looks it up.
        names: its names, best first: the first one that an image answers to is it, else the first one is its key.
        said: width and height as the format has them; 0 where it does not say.
        source: the file that it is named in.
        boxes: how many boxes fail with it where it cannot be told.
        shares: its boxes are shares of its size, so that one with boxes is no use without.

    Raises:
        BadImage: nothing names it, several images answer, the sizes differ, or a size is needed and not known.
    """
    try:
        with one_image(boxes):
            image = _sized(context, _first_known(context, names), said, source)
    except BadImage as error:
        error.boxes = boxes
        raise
    if shares and boxes and not image.sized:
        remedy = "add --images DIR, --size WxH or --categories FILE"
        raise BadImage(f"the size of image '{image.key}' is not known: {remedy}", Code.NO_SIZE, boxes)
    return image


def _first_known(context: Context, names: Iterable[str]) -> Image:
    first: Image | None = None
    for name in (each for each in names if each.strip("/\\. ")):
        found = context.images.named(name.replace("\\", "/"))
        first = first or found
        if found.media or context.images.id_of(found) is not None:
            return found
    if first is None:
        raise BadImage("it does not say which image it is about", Code.NO_IMAGE)
    return first


def _sized(context: Context, image: Image, said: tuple[int, int], source: str) -> Image:
    """With the size that the format says: a fixed one (`--size`) is for images of which nothing is known."""
    if not all(said):
        return msgspec.structs.replace(image, source=source)
    known = image.sized and (image.media or context.images.id_of(image) is not None)
    if known and said != (image.width, image.height):
        sizes = f"{said[0]}x{said[1]} for '{image.key}', which is {image.width}x{image.height}"
        raise BadImage(f"says {sizes}: its boxes may be wrong", Code.SIZE_MISMATCH)
    return msgspec.structs.replace(image, width=said[0], height=said[1], source=source)


def usable(items: Iterable[T], made: Callable[[T, int], Box | None], context: Context, place: Place) -> list[Box]:
    """The boxes that an image's items give; each that gives none is skipped with the reason.

    Args:
        items: what stands in the file.
        made: gives an item's box, from the item and its number, or None where it is meant to be none; raises BadBox.
        context: whose tally counts what is skipped.
        place: where the items stand.

    Raises:
        InputError: the tally is strict, and an item is no box.
    """
    boxes = []
    for index, item in enumerate(items):
        try:
            if (box := made(item, index)) is not None:
                boxes.append(box)
        except BadBox as error:
            context.tally.skip(error.code, f"its item {index}: {error}", place)
    return boxes
