"""Many files' rows as one set of columns."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.geometry import cxcywh_to_xyxy
from boxferry.boxes.tally import Place
from boxferry_adapters.yolo.rows import NUMBERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.boxes.labels import Vocabulary
    from boxferry_adapters.yolo.rows import Rows
    from boxferry_adapters.yolo.watch import Order


@dataclass(slots=True)
class Batch:
    """The files of one chunk, row by row; columns that no row has are empty."""

    images: list[Image] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    table: array[float] = field(default_factory=lambda: array("d"))
    lines: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    tracks: list[int] = field(default_factory=list)
    outlines: list[list[float] | None] = field(default_factory=list)
    tracked: bool = False
    outlined: bool = False

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def add(self, image: Image, rows: Rows, *, frame: int | None = None, more: bool = False) -> None:
        """Take the rows of an image; or `more` of the last one, which is a video."""
        n = len(rows)
        if more:
            self.counts[-1] += n
        else:
            self.images.append(image)
            self.counts.append(n)
        self.table += rows.table
        self.lines += rows.lines
        self.frames += [] if frame is None else [frame] * n
        self.tracks += rows.tracks or [-1] * n
        self.outlines += rows.outlines or [None] * n
        self.tracked |= bool(rows.tracks)
        self.outlined |= bool(rows.outlines)

    def detections(self, vocabulary: Vocabulary, order: Order, *, absolute: bool, polygons: bool) -> Detections:
        """The chunk, without the boxes of classes without a name.

        Args:
            vocabulary: names the classes, and remembers those that it cannot name.
            order: watches the order of the columns.
            absolute: coordinates are pixels.
            polygons: with the outlines.
        """
        table = np.array(self.table, np.float64).reshape(-1, NUMBERS)
        counts = np.array(self.counts, np.int64)
        owner = np.repeat(np.arange(len(counts)), counts)
        sizes = np.array([(image.width, image.height) for image in self.images], np.float64).reshape(-1, 2)
        scale = np.ones((len(owner), 2)) if absolute else sizes[owner]
        order.see(table[:, :5], self._sixth(table), sizes[owner] if absolute else np.ones((len(owner), 2)))
        codes = vocabulary.codes(
            table[:, 0].astype(np.int64), lambda row: Place(self.images[owner[row]].source, line=self.lines[row])
        )
        known = codes >= 0
        return Detections.from_counts(
            self.images,
            np.bincount(owner[known], minlength=len(counts)),
            cxcywh_to_xyxy(table[:, 1:5] * np.tile(scale, 2))[known],
            codes[known],
            vocabulary.labels,
            score=table[known, 5],
            row=np.array(self.lines, np.int64)[known],
            **self._optional(known, scale, polygons=polygons),
        )

    def _sixth(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) the sixth column of rows that have six; NaN for other rows."""
        if not self.tracked and not self.outlined:
            return table[:, 5]
        tracks, scores = np.array(self.tracks, np.float64), table[:, 5]
        sixth = np.where(np.isnan(scores), np.where(tracks >= 0, tracks, np.nan), np.where(tracks >= 0, np.nan, scores))
        sixth[[outline is not None for outline in self.outlines]] = np.nan
        return np.asarray(sixth)

    def _optional(self, known: NDArray[np.bool_], scale: NDArray[np.float64], *, polygons: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if any(image.video for image in self.images):
            found["frame"] = np.array(self.frames, np.int64)[known]
        if self.tracked:
            found["track"] = np.array(self.tracks, np.int64)[known]
        if polygons and self.outlined:
            rings = [
                None if outline is None else (np.array(outline, np.float64).reshape(-1, 2) * pixels,)
                for outline, pixels in zip(self.outlines, scale, strict=True)
            ]
            found["polygons"] = objects(rings)[known]
        return found
