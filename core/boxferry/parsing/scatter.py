"""Boxes that come in any order, put aside until each image's stand together: for tables whose rows are not grouped."""

from __future__ import annotations

import pickle
import tempfile
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec
import numpy as np

from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.labels import Vocabulary
from boxferry.parsing.spill import CHUNK_BOXES, Spill, said_of_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from boxferry.formats import Context, Id
    from boxferry.parsing.gather import Box

ROW = np.dtype([
    ("xyxy", "<f8", 4), ("score", "<f8"), ("row", "<i8"), ("extra", "<i8"), ("frame", "<i8"), ("track", "<i8"),
    ("image", "<i4"), ("label", "<i4"), ("file", "<i4"),
])  # fmt: skip
BUFFERED = 4096


class Scattered:
    """Takes boxes in any order, and gives chunks image by image, in the order in which images were first met.

    Boxes wait in temporary files; in memory are the images.

    Attributes:
        vocabulary: numbers the labels.
        images: the images that were met, by their numbers.
    """

    def __init__(
        self, context: Context, names: Mapping[Id, str] | None = None, *, row_unit: Literal["line", "item"] = "item"
    ) -> None:
        """Begin with nothing; the arguments are those of a `Gathering`."""
        self.vocabulary = Vocabulary(names or {})
        self.images: list[Image] = []
        self._context = context
        self._row_unit: Literal["line", "item"] = row_unit
        self._numbers: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        self._files: list[str] = []
        self._filled: set[int] = set()
        self._waiting: list[tuple[Any, ...]] = []
        self._tracked = False
        self._open = ExitStack()
        self._spill = Spill(ROW)
        self._kept: Any = None
        self._end = 0

    def __enter__(self) -> Self:
        self._open.enter_context(self._spill)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what a full disk did not take has been said
            self._open.close()

    def file(self, shown: str) -> int:
        """The number of a file that rows are read from."""
        self._files.append(shown)
        return len(self._files) - 1

    def image(self, name: str, look: Callable[[str], Image]) -> int:
        """The number of an image by the name that the source has for it; a new one is looked up.

        Two names of one image have one number.

        Raises:
            BadImage: `look` does.
        """
        if name not in self._numbers:
            found = look(name)
            if found.key not in self._keys:
                self._keys[found.key] = len(self.images)
                self.images.append(found)
            self._numbers[name] = self._keys[found.key]
        return self._numbers[name]

    def add(self, image: int, box: Box, file: int) -> None:
        """Take a box of an image; one without a label's code is left to the vocabulary's report.

        Raises:
            InputError: the disk takes no more.
        """
        if box.code < 0:
            return
        extra = self.keep(box.rings, box.fields)
        place = (box.row, extra, box.frame, box.track)
        self._waiting.append((box.corners, box.score, *place, image, box.code, file))
        if len(self._waiting) >= BUFFERED:
            self._flush()

    def keep(self, rings: tuple[Any, ...], fields: Mapping[str, Any]) -> int:
        """Put an outline and fields aside, as far as they are asked for; -1 where nothing is."""
        rings = rings if self._context.polygons else ()
        asked = {name: fields[name] for name in self._context.attributes if fields.get(name) is not None}
        if not rings and not asked:
            return -1
        with said_of_disk():
            if self._kept is None:
                self._kept = self._open.enter_context(tempfile.TemporaryFile(prefix="boxferry-"))  # noqa: SIM115 # it is
            place = self._end
            self._end += self._kept.write(pickle.dumps((rings or None, asked or None)))
        return place

    def extend(self, rows: NDArray[np.void]) -> None:
        """Take rows as `ROW` has them, in which every label has a code.

        Raises:
            InputError: the disk takes no more.
        """
        self._flush()
        self._take(rows)

    def _flush(self) -> None:
        rows, self._waiting = np.array(self._waiting, ROW), []
        self._take(rows)

    def _take(self, rows: NDArray[np.void]) -> None:
        if len(rows):
            self._tracked |= bool((rows["track"] >= 0).any())
            self._filled.update(np.unique(rows["image"]).tolist())
            self._spill.add(rows)

    def chunks(self) -> Iterator[Detections]:
        """All that was taken, counted as read; then images without boxes, and the report on classes without a name.

        Raises:
            InputError: the disk takes no more.
        """
        self._flush()
        for rows in self._spill.chunks(CHUNK_BOXES):
            yield self._counted(self._detections(rows))
        empty = [image for number, image in enumerate(self.images) if number not in self._filled]
        for start in range(0, len(empty), CHUNK_BOXES):
            some = empty[start : start + CHUNK_BOXES]
            yield self._counted(Detections.from_counts(some, [0] * len(some), [], [], ()))
        self.vocabulary.report(self._context.tally)

    def _counted(self, chunk: Detections) -> Detections:
        self._context.tally.count(chunk)
        return chunk

    def _detections(self, rows: NDArray[np.void]) -> Detections:
        starts = np.flatnonzero(np.diff(rows["image"], prepend=-1))
        files = rows["file"].tolist()
        images = [self.images[number] for number in rows["image"][starts].tolist()]
        images = [
            msgspec.structs.replace(image, source=self._files[files[start]])
            for image, start in zip(images, starts.tolist(), strict=True)
        ]
        more = self._optional(rows, images)
        if len(self._files) > 1:
            more["source"] = objects([self._files[number] for number in files])
        return Detections.from_counts(
            images,
            np.diff(np.append(starts, len(rows))),
            np.ascontiguousarray(rows["xyxy"]),
            np.ascontiguousarray(rows["label"]),
            self.vocabulary.labels,
            score=np.ascontiguousarray(rows["score"]),
            row=np.ascontiguousarray(rows["row"]),
            row_unit=self._row_unit,
            **more,
        )

    def _optional(self, rows: NDArray[np.void], images: list[Image]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if any(image.video for image in images):
            found["frame"] = np.ascontiguousarray(rows["frame"])
        if self._tracked:
            found["track"] = np.ascontiguousarray(rows["track"])
        if self._context.polygons or self._context.attributes:
            kept = [self._found(place) for place in rows["extra"].tolist()]
            found["polygons"] = objects([rings for rings, _ in kept]) if self._context.polygons else None
            found["attributes"] = objects([fields for _, fields in kept]) if self._context.attributes else None
        return found

    def _found(self, place: int) -> tuple[Any, Any]:
        if place < 0:
            return None, None
        self._kept.seek(place)
        kept: tuple[Any, Any] = pickle.load(self._kept)  # noqa: S301 # written above, into a file that is ours alone
        return kept
