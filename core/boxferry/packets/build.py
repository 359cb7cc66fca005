"""Fitted detections to what packets carry: pure, needs neither file nor server."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import UNSET, UnsetType

from boxferry.errors import UnknownLabel
from boxferry.packets.bodies import Box, Point, Polygon, Shape
from boxferry.packets.contents import Contents
from boxferry.packets.lists import instance_lists
from boxferry.packets.reference import Reference, box_references, file_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections, Image

    Shapes = list[Box | Polygon]

DECIMALS = tuple(map(str, range(4096)))  #: a number takes four times as long to be formatted as to be looked up


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxMaker:
    """Turns chunks of fitted detections into what packets carry.

    Attributes:
        model: becomes each box's `model_ref`; empty for annotations, which no model made and no score has.
        run: becomes each box's `model_run_ref`.
        label_ids: label name → `label_file_id`; None writes the label's name, the form that Diffgram's SDK takes.
        machine_made: True for predictions; False only where the boxes are people's work.
        attribute_groups: a box's attributes by name → those by group id; None where no attributes are sent.
    """

    model: str
    run: str
    label_ids: Mapping[str, int] | None = None
    machine_made: bool = True
    attribute_groups: Callable[[Mapping[str, Any] | None], dict[str, Any]] | None = None

    def contents(self, detections: Detections, file_names: Sequence[str | None]) -> Iterator[tuple[int, Contents]]:
        """Each image of a chunk, by its index, with its boxes.

        A detection with an outline becomes a polygon for each part of it that covers anything, else a box.

        Args:
            detections: a fitted chunk of M images: whole pixels, inside the images.
            file_names: (M,) the name of each image's file on the server; None leaves the image out.

        Raises:
            UnknownLabel: a label that is used has no id.
        """
        digests = [None if name is None else file_digest(name, self.model, self.run) for name in file_names]
        rows = _Rows(self, detections, digests)
        for index, (image, digest) in enumerate(zip(detections.images, digests, strict=True)):
            if digest is not None:
                yield index, rows.contents(index, image, digest)

    def ids(self, detections: Detections) -> list[int | None]:
        """(L,) the id of each label of a chunk; None where it is not used, or names are written.

        Raises:
            UnknownLabel: a label that is used has no id.
        """
        if self.label_ids is None:
            return [None] * len(detections.labels)
        for code in np.unique(detections.label).tolist():
            if detections.labels[code] not in self.label_ids:
                raise UnknownLabel(f"label '{detections.labels[code]}' has no id on the server")
        return [self.label_ids.get(name) for name in detections.labels]


class _Rows:
    """The columns of a chunk as plain values, so that a box costs no look into an array."""

    def __init__(self, maker: BoxMaker, detections: Detections, digests: Sequence[str | None]) -> None:
        self._maker = maker
        self._detections = detections
        self._digests = digests
        self._label_ids = maker.ids(detections)
        self._bounds = detections.offsets.tolist()
        self._frame = None if detections.frame is None else detections.frame.tolist()
        self._track = None if detections.track is None else detections.track.tolist()
        self._plain = detections.polygons is None and detections.attributes is None and self._track is None
        self._plain = self._plain and maker.attribute_groups is None

    def contents(self, index: int, image: Image, digest: str) -> Contents:
        """The boxes of one image."""
        rows = range(self._bounds[index], self._bounds[index + 1])
        frame = self._frame if image.video else None
        if frame is None and self._plain:
            return Contents.later(len(rows), lambda: [*self._boxes(rows, digest)], lambda: self._text(index))
        boxes = self._boxes(rows, digest)
        if frame is None:
            return Contents(self._shapes(rows, boxes, image, digest))
        frames: dict[int, Shapes] = {}
        for row, box in zip(rows, boxes, strict=True):
            frames.setdefault(frame[row], []).extend(self._shaped(row, box, image, digest, frame[row]))
        return Contents(frames=dict(sorted(frames.items())))

    def _text(self, index: int) -> bytes | None:
        return None if self._texts is None else self._texts[index]

    @cached_property
    def _texts(self) -> list[bytes | None] | None:
        """(M,) the JSON of each image's boxes, where all are plain and compiled functions are installed."""
        return instance_lists(self._maker, self._detections, self._label_ids, self._digests)

    @cached_property
    def _ids(self) -> list[int | UnsetType]:
        return [UNSET if label_id is None else label_id for label_id in self._label_ids]

    @cached_property
    def _names(self) -> list[str | UnsetType]:
        named = zip(self._detections.labels, self._label_ids, strict=True)
        return [name if label_id is None else UNSET for name, label_id in named]

    @cached_property
    def _corners(self) -> list[list[int]]:
        """Four columns."""
        corners: list[list[int]] = self._detections.xyxy.T.astype(np.int64).tolist()
        return corners

    @cached_property
    def _corner_texts(self) -> list[list[str]]:
        """The same as text: of nearly all numbers it is there already."""
        corners = self._detections.xyxy
        if len(corners) and corners.min() >= 0 and corners.max() < len(DECIMALS):
            return [[DECIMALS[number] for number in column] for column in self._corners]
        return [[*map(str, column)] for column in self._corners]

    @cached_property
    def _label(self) -> list[int]:
        labels: list[int] = self._detections.label.tolist()
        return labels

    @cached_property
    def _score(self) -> list[float | UnsetType]:
        return _scores(self._detections.score, wanted=bool(self._maker.model))

    def _boxes(self, rows: range, digest: str) -> list[Box]:
        """The boxes of some rows, as if they had nothing but corners, label and score."""
        maker, own = self._maker, slice(rows.start, rows.stop)
        model, run = (maker.model, maker.run) if maker.model else (UNSET, UNSET)
        codes = self._label[own]
        labels, texts = (
            [self._detections.labels[code] for code in codes],
            [column[own] for column in self._corner_texts],
        )
        return list(
            map(
                Box,
                [self._ids[code] for code in codes],
                [self._names[code] for code in codes],
                repeat(maker.machine_made),
                self._score[own],
                repeat(model),
                repeat(run),
                box_references(digest, labels, *texts),
                *(repeat(UNSET), repeat(UNSET), repeat(UNSET)),  # no track, frame and attributes
                repeat("box"),
                *(column[own] for column in self._corners),
            )
        )

    def _shapes(self, rows: range, boxes: list[Box], image: Image, digest: str) -> Shapes:
        """The same with their tracks, attributes and outlines."""
        return [shape for row, box in zip(rows, boxes, strict=True) for shape in self._shaped(row, box, image, digest)]

    def _shaped(self, row: int, box: Box, image: Image, digest: str, frame: int | None = None) -> Shapes:
        track = self._track[row] if self._track is not None and self._track[row] >= 0 else None
        box.number = UNSET if track is None else track
        if frame is not None and self._maker.label_ids is None:
            box.frame_number = frame
        box.attribute_groups = self._attribute_groups(row)
        corners = box.x_min, box.y_min, box.x_max, box.y_max
        told = Reference(digest, corners, self._detections.labels[self._label[row]], frame, track)
        if outlines := self._outlines(row, image):
            common = {key: getattr(box, key) for key in Shape.__struct_fields__}
            return [
                Polygon(points=points, **{**common, "creation_ref_id": str(told._replace(part=part))})
                for part, points in enumerate(outlines, start=1)
            ]
        box.creation_ref_id = str(told)
        return [box]

    def _attribute_groups(self, row: int) -> dict[str, Any] | UnsetType:
        if self._maker.attribute_groups is None:
            return UNSET
        columns = self._detections.attributes
        return self._maker.attribute_groups(None if columns is None else columns[row]) or UNSET

    def _outlines(self, row: int, image: Image) -> list[list[Point]]:
        """The parts of a box's outline that have three corners or more, in whole pixels inside the image."""
        polygons = self._detections.polygons
        rings = () if polygons is None or polygons[row] is None else polygons[row]
        found = (whole_pixels(ring, image.width, image.height) for ring in rings)
        return [points for points in found if len(points) > 2]


def _scores(column: NDArray[np.float64], *, wanted: bool) -> list[float | UnsetType]:
    """(N,) scores; UNSET where there is none, or none is wanted."""
    values: list[float | UnsetType] = column.tolist() if wanted else [UNSET] * len(column)
    if wanted and not (finite := np.isfinite(column)).all():
        values = [value if known else UNSET for value, known in zip(values, finite.tolist(), strict=True)]
    return values


def whole_pixels(ring: Any, width: int, height: int) -> list[Point]:  # noqa: ANN401 # (K, 2) numbers
    """The corners of a ring, (K, 2) pixels, rounded, moved to the image's edge, repeats in a row left out."""
    points = np.floor(np.clip(np.asarray(ring, np.float64), 0, [width, height]) + 0.5).astype(np.int64).tolist()
    kept = [point for before, point in zip([points[-1], *points], points, strict=False) if point != before]
    return [Point(x, y) for x, y in kept] or [Point(*points[0])]
