"""Fitted detections to what packets carry: pure, needs neither file nor server."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import UNSET

from boxferry.errors import UnknownLabel
from boxferry.packets.contents import Contents
from boxferry.packets.reference import Reference, box_reference, file_digest
from boxferry.packets.wire import Box, Point, Polygon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from boxferry.boxes.detections import Detections, Image

    Shapes = list[Box | Polygon]


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
        rows = _Rows(self, detections)
        for index, (image, file_name) in enumerate(zip(detections.images, file_names, strict=True)):
            if file_name is not None:
                digest = file_digest(file_name, self.model, self.run)
                yield index, rows.contents(index, image, digest)

    def common(self, label_id: int | None, name: str, score: float) -> dict[str, Any]:
        """The fields that a box and a polygon share."""
        return {
            "label_file_id": UNSET if label_id is None else label_id,
            "name": name if label_id is None else UNSET,
            "machine_made": self.machine_made,
            "score": score if self.model and isfinite(score) else UNSET,
            "model_ref": self.model or UNSET,
            "model_run_ref": self.run if self.model else UNSET,
        }

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

    def __init__(self, maker: BoxMaker, detections: Detections) -> None:
        self._maker = maker
        self._detections = detections
        self._ids = maker.ids(detections)
        self._corners = detections.xyxy.astype(np.int64).tolist()
        self._label, self._score = detections.label.tolist(), detections.score.tolist()
        self._bounds = detections.offsets.tolist()
        self._frame = None if detections.frame is None else detections.frame.tolist()
        self._track = None if detections.track is None else detections.track.tolist()
        self._plain = detections.polygons is None and detections.attributes is None and self._track is None
        self._plain = self._plain and maker.attribute_groups is None

    def contents(self, index: int, image: Image, digest: str) -> Contents:
        """The boxes of one image."""
        rows = range(self._bounds[index], self._bounds[index + 1])
        if not image.video or self._frame is None:
            return Contents([shape for row in rows for shape in self._shapes(row, image, digest, None)])
        frames: dict[int, Shapes] = {}
        for row in rows:
            frame = self._frame[row]
            frames.setdefault(frame, []).extend(self._shapes(row, image, digest, frame))
        return Contents(frames=dict(sorted(frames.items())))

    def _shapes(self, row: int, image: Image, digest: str, frame: int | None) -> Shapes:
        code = self._label[row]
        name = self._detections.labels[code]
        common = self._maker.common(self._ids[code], name, self._score[row])
        x_min, y_min, x_max, y_max = corners = tuple(self._corners[row])
        if self._plain and frame is None:
            reference = box_reference(digest, name, corners)
            return [Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max, creation_ref_id=reference, **common)]
        track = self._track[row] if self._track is not None and self._track[row] >= 0 else None
        common |= self._extras(row, track)
        told = Reference(digest, corners, name, frame, track)
        if outlines := self._outlines(row, image):
            return [
                Polygon(points=points, creation_ref_id=str(told._replace(part=part)), **common)
                for part, points in enumerate(outlines, start=1)
            ]
        return [Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max, creation_ref_id=str(told), **common)]

    def _extras(self, row: int, track: int | None) -> dict[str, Any]:
        extras: dict[str, Any] = {} if track is None else {"number": track}
        if self._maker.attribute_groups is not None:
            columns = self._detections.attributes
            found = self._maker.attribute_groups(None if columns is None else columns[row])
            extras |= {"attribute_groups": found} if found else {}
        return extras

    def _outlines(self, row: int, image: Image) -> list[list[Point]]:
        """The parts of a box's outline that have three corners or more, in whole pixels inside the image."""
        polygons = self._detections.polygons
        rings = () if polygons is None or polygons[row] is None else polygons[row]
        found = (whole_pixels(ring, image.width, image.height) for ring in rings)
        return [points for points in found if len(points) > 2]


def whole_pixels(ring: Any, width: int, height: int) -> list[Point]:  # noqa: ANN401 # (K, 2) numbers
    """The corners of a ring, (K, 2) pixels, rounded, moved to the image's edge, repeats in a row left out."""
    points = np.floor(np.clip(np.asarray(ring, np.float64), 0, [width, height]) + 0.5).astype(np.int64).tolist()
    kept = [point for before, point in zip([points[-1], *points], points, strict=False) if point != before]
    return [Point(x, y) for x, y in kept] or [Point(*points[0])]
