"""The boxes of some annotation files, gathered into the columns of one chunk."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.refine import without
from boxferry.boxes.tally import Place
from boxferry_adapters.voc.fields import FIELDS
from boxferry_adapters.voc.objects import Wish
from boxferry_adapters.voc.origin import corners_of, ring_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.boxes.labels import Vocabulary
    from boxferry.formats import Context
    from boxferry_adapters.voc.objects import Object
    from boxferry_adapters.voc.outlines import Ring
    from boxferry_adapters.voc.xml import Columns


def wish_of(context: Context) -> Wish:
    """What is read of each object, by the context."""
    named = set(context.attributes) | ({"difficult"} if _skips_difficult(context) else set())
    fields = tuple(name for name in FIELDS if name in named)
    return Wish(fields=fields, outlines=context.polygons, parts=context.options["parts"] == "yes")


def _skips_difficult(context: Context) -> bool:
    return context.options["skip-difficult"] == "yes"


@dataclass(slots=True)
class Batch:
    """The files of one chunk, and the columns of their boxes."""

    context: Context
    vocabulary: Vocabulary
    images: list[Image] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    xyxy: array[float] = field(default_factory=lambda: array("d"))
    label: list[int] = field(default_factory=list)
    score: array[float] = field(default_factory=lambda: array("d"))
    settled: list[bool] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)
    rings: list[tuple[Ring, ...] | None] = field(default_factory=list)
    fields: list[dict[str, bool | str] | None] = field(default_factory=list)

    def add(self, image: Image, found: list[Object]) -> None:
        """Add an image and its objects; those that are no boxes are skipped with their index."""
        good = [each for each in found if not each.problem]
        if len(good) < len(found) or any(each.remarks for each in good):
            self._say(image, found)
        self.images.append(image)
        self.counts.append(len(good))
        self.xyxy.extend(chain.from_iterable([each.corners for each in good]))
        self.settled += [each.rotated and each.derived for each in good]
        self.label += [self.vocabulary.add(each.name) for each in good]
        self.score.extend([each.score for each in good])
        self.row += [each.index for each in good]
        self.difficult += [each.difficult for each in good]
        if self.context.polygons or self.context.attributes:
            for each in good:
                self._add_extras(each)

    def extend(self, image: Image, found: Columns) -> None:
        """Add an image and its objects, which are all boxes, and of which nothing else is read."""
        count, code = len(found.labels), self.vocabulary.add
        self.images.append(image)
        self.counts.append(count)
        self.xyxy += found.corners
        self.settled += [False] * count
        self.label += map(code, found.labels)
        self.score += found.scores
        self.row += range(count)
        self.difficult += [False] * count

    def _say(self, image: Image, found: list[Object]) -> None:
        """What is wrong with objects, in their order."""
        for each in found:
            place = Place(image.source, item=each.index)
            if each.problem:
                self.context.tally.skip(each.code, each.problem, place)
            for remark in () if each.problem else each.remarks:
                self.context.tally.note(Code.BAD_FIELD, remark, place, boxes=1)

    def _add_extras(self, found: Object) -> None:
        if self.context.polygons:
            rings = found.rings if found.rotated else tuple(ring_of(ring, self.context) for ring in found.rings)
            self.rings.append(rings or None)
        if self.context.attributes:
            asked = {name: value for name, value in found.fields.items() if name in self.context.attributes}
            self.fields.append(asked or None)

    def _corners(self) -> NDArray[np.float64]:
        """(N, 4) 0-based, maxima exclusive; those of rotated boxes are so already."""
        owner = np.repeat(np.arange(len(self.images)), self.counts)
        corners = np.array(self.xyxy, np.float64).reshape(-1, 4)
        return corners_of(
            corners, np.array(self.settled, np.bool_), self.context,
            lambda row: Place(self.images[owner[row]].source, item=self.row[row]),
        )  # fmt: skip

    def detections(self) -> Detections:
        """The columns, counted as read; without the difficult ones where that is asked for.

        Raises:
            InputError: a coordinate below 1 contradicts the format's origin.
        """
        tally = self.context.tally
        detections = Detections.from_counts(
            self.images,
            self.counts,
            self._corners(),
            self.label,
            self.vocabulary.labels,
            score=self.score,
            row=self.row,
            row_unit="item",
            polygons=objects(self.rings) if self.context.polygons else None,
            attributes=objects(self.fields) if self.context.attributes else None,
        )
        tally.count(detections)
        if not _skips_difficult(self.context):
            return detections
        gone = np.array(self.difficult, np.bool_)
        return without(
            detections, gone, Code.DIFFICULT, "it is marked as difficult (--skip-difficult)", self.context.tally
        )
