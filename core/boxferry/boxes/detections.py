"""Detections: a columnar chunk of many images and their boxes; it knows no format."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec
import numpy as np

from boxferry.boxes.notebook import paragraph
from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Rows = NDArray[np.bool_] | NDArray[np.int64]


class Image(msgspec.Struct, frozen=True, gc=False):
    """One image that boxes are about.

    Attributes:
        key: its name in the source, a relative path with forward slashes; it is the image's identity.
        width: pixels of the image as it is shown (EXIF orientation applied); 0 where unknown.
        height: pixels, likewise.
        media: where its pixels are (a local path); empty where unknown.
        source: the file that its boxes were read from, for messages; empty where there is none.
        video: whether it is a video, so that its boxes have frames.
        frames: how many frames a video has; 0 where unknown.
        frame_rate: its frames a second; 0 where unknown.
        file_id: its id on the server, where the source tells it; 0 else.
        id: its id in the source; None where it has none.
    """

    key: str
    width: int = 0
    height: int = 0
    media: str = ""
    source: str = ""
    video: bool = False
    frames: int = 0
    frame_rate: float = 0.0
    file_id: int = 0
    id: int | str | None = None

    @property
    def sized(self) -> bool:
        """Whether width and height are known."""
        return self.width > 0 and self.height > 0


OPTIONAL: dict[str, DTypeLike] = {
    "frame": np.int64,
    "track": np.int64,
    "polygons": np.object_,
    "attributes": np.object_,
    "source": np.object_,
}  #: the columns that a chunk may be without, and their dtypes


def objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """(N,) values of any kind as a column, as `polygons` and `attributes` are; numpy would look into sequences."""
    column = np.empty(len(values), np.object_)
    for index, value in enumerate(values):
        column[index] = value
    return column


def _column(name: str, values: ArrayLike, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """`values` as a read-only array of `dtype` and `shape`; an empty list is an empty column of any shape."""
    column = np.asarray(values, dtype)
    if column.shape != shape and not (column.size == 0 and 0 in shape):
        raise InputError(f"{name}: shape {column.shape}, expected {shape}")
    column = column.reshape(shape).view()
    column.flags.writeable = False
    return column


def _rows(given: Any, n: int) -> Rows:  # noqa: ANN401 # whatever stands in the brackets
    """What stands in the brackets, as a mask or as indices that rise."""
    rows: Rows = np.asarray(np.arange(n)[given] if isinstance(given, slice) else given)
    if rows.dtype == np.bool_ and rows.shape != (n,):
        raise InputError(f"mask: shape {rows.shape}, expected {(n,)}: one value for each box")
    if rows.dtype != np.bool_:
        rows = np.arange(n)[np.asarray(rows, np.int64).reshape(-1)]
        if np.any(np.diff(rows) < 0):
            raise InputError("indices: expected in rising order: boxes lie in the order of their images")
    return rows


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Detections:
    """A chunk of M images and their N boxes, as parallel columns; shapes and dtypes are checked once, here.

    Boxes lie grouped by image, in the images' order: those of image i are rows `offsets[i]` to `offsets[i + 1]`.

    Attributes:
        images: M images; an image without boxes is in here too.
        offsets: (M + 1,) int64, the first row of each image, and N at the end.
        xyxy: (N, 4) float64, pixels of the source image, top-left origin, 0-based, x_max and y_max exclusive.
        label: (N,) int32, an index into `labels`.
        labels: the label names that `label` points into; each name stands once.
        score: (N,) float64, NaN where the source gives none.
        row: (N,) int64, where the box stands in the file that it was read from; -1 where unknown.
        row_unit: what `row` counts: 'line' (of a text file, from 1) or 'item' (of a list, from 0).
        frame: (N,) int64, the frame of a video, from 0; None where all images are still.
        track: (N,) int64, the track or sequence that a box belongs to, -1 for none; None where no box has one.
        polygons: (N,) object, the box's outline: a tuple of rings, each (K, 2) float64 x and y in pixels, or None
            for a box that has none; None where no outlines were asked for.
        attributes: (N,) object, attribute name → value (text, number, bool, or a list of texts), or None for a box
            without; None where no attributes were asked for.
        source: (N,) object, the file that each box was read from, where the boxes of an image come from several files;
            None where it is the image's `source`.

    Raises:
        InputError: a column has a wrong shape, an offset or a label is out of range, or a name stands twice.
    """

    images: tuple[Image, ...]
    offsets: NDArray[np.int64]
    xyxy: NDArray[np.float64]
    label: NDArray[np.int32]
    labels: tuple[str, ...]
    score: NDArray[np.float64]
    row: NDArray[np.int64]
    row_unit: Literal["line", "item"] = "line"
    frame: NDArray[np.int64] | None = None
    track: NDArray[np.int64] | None = None
    polygons: NDArray[np.object_] | None = None
    attributes: NDArray[np.object_] | None = None
    source: NDArray[np.object_] | None = None

    def __post_init__(self) -> None:
        n = int(np.shape(self.label)[0])
        put = object.__setattr__
        put(self, "images", tuple(self.images))
        put(self, "labels", tuple(self.labels))
        for name, dtype, shape in (
            ("offsets", np.int64, (len(self.images) + 1,)),
            ("xyxy", np.float64, (n, 4)),
            ("label", np.int32, (n,)),
            ("score", np.float64, (n,)),
            ("row", np.int64, (n,)),
        ):
            put(self, name, _column(name, getattr(self, name), dtype, shape))
        for name, kind in OPTIONAL.items():
            if (column := getattr(self, name)) is not None:
                put(self, name, _column(name, column, kind, (n,)))
        self._check_ranges(n)

    def _check_ranges(self, n: int) -> None:
        if self.offsets[0] != 0 or self.offsets[-1] != n or np.any(np.diff(self.offsets) < 0):
            raise InputError(f"offsets: expected to rise from 0 to {n}, found {self.offsets.tolist()[:8]}")
        if n and (self.label.min() < 0 or self.label.max() >= len(self.labels)):
            raise InputError(f"label: {self.label.min()} to {self.label.max()}, expected 0 to {len(self.labels) - 1}")
        if self.frame is not None and n and self.frame.min() < 0:
            raise InputError(f"frame: {self.frame.min()}, expected 0 or more")
        if len(set(self.labels)) != len(self.labels):
            raise InputError("labels: a name stands twice")

    @classmethod
    def empty(cls) -> Self:
        """A chunk without images and boxes."""
        return cls.from_counts((), [], [], [], ())

    @classmethod
    def from_counts(
        cls,
        images: Sequence[Image],
        counts: ArrayLike,
        xyxy: ArrayLike,
        label: ArrayLike,
        labels: Iterable[str],
        *,
        score: ArrayLike | None = None,
        row: ArrayLike | None = None,
        row_unit: Literal["line", "item"] = "line",
        frame: ArrayLike | None = None,
        track: ArrayLike | None = None,
        polygons: NDArray[np.object_] | None = None,
        attributes: NDArray[np.object_] | None = None,
        source: NDArray[np.object_] | None = None,
    ) -> Self:
        """As the constructor, with the number of boxes of each image, `counts` (M,), in place of offsets.

        Left out, `score` is NaN and `row` is -1 everywhere; `polygons`, `attributes` and `source` are made by
        `objects`.
        """
        n = len(np.asarray(label))
        return cls(
            images=tuple(images),
            offsets=np.concatenate(([0], np.cumsum(np.asarray(counts, np.int64)))),
            xyxy=np.asarray(xyxy, np.float64),
            label=np.asarray(label, np.int32),
            labels=tuple(labels),
            score=np.full(n, np.nan) if score is None else np.asarray(score, np.float64),
            row=np.full(n, -1) if row is None else np.asarray(row, np.int64),
            row_unit=row_unit,
            frame=None if frame is None else np.asarray(frame, np.int64),
            track=None if track is None else np.asarray(track, np.int64),
            polygons=polygons,
            attributes=attributes,
            source=source,
        )

    def __len__(self) -> int:
        """The number of boxes, N."""
        return len(self.label)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(M,) int64, the number of boxes of each image."""
        return np.diff(self.offsets)

    @property
    def image_index(self) -> NDArray[np.int64]:
        """(N,) int64, the image that each box belongs to."""
        return np.repeat(np.arange(len(self.images), dtype=np.int64), self.counts)

    @property
    def scene_index(self) -> NDArray[np.int64]:
        """(N,) int64, the same for boxes that are seen together: of one image, and of one frame of a video."""
        if self.frame is None:
            return self.image_index
        pairs = np.column_stack((self.image_index, self.frame))
        return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(M, 2) int64, width and height of each image in pixels; 0 where unknown, 2**62 for what is larger."""
        sides = [(image.width, image.height) for image in self.images]
        try:
            return np.array(sides, np.int64).reshape(-1, 2)
        except OverflowError:
            return np.array([[min(side, 2**62) for side in pair] for pair in sides], np.int64)

    def __iter__(self) -> Iterator[tuple[Image, Self]]:
        """Each image with its own boxes, in the images' order; images without boxes come too."""
        for index, image in enumerate(self.images):
            yield image, self.of_image(index)

    def __getitem__(self, rows: Rows | slice) -> Self:
        """The boxes at `rows`: a mask (N,), indices in rising order, or a slice; every image stays.

        Raises:
            InputError: the mask is not of N values, or the indices would change the order of the images.
        """
        return self.take(_rows(rows, len(self)))

    def __repr__(self) -> str:
        return f"<Detections: {len(self.images)} images, {len(self)} boxes, {len(self.labels)} labels>"

    def _repr_html_(self) -> str:
        """The same as a paragraph, for a notebook."""
        return paragraph(self)

    def of_image(self, index: int) -> Self:
        """The image at `index` alone, with its boxes."""
        rows = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        return self.from_counts(
            self.images[index : index + 1], [rows.stop - rows.start], self.xyxy[rows], self.label[rows], self.labels,
            score=self.score[rows], row=self.row[rows], row_unit=self.row_unit,
            **{name: None if (column := getattr(self, name)) is None else column[rows] for name in OPTIONAL},
        )  # fmt: skip

    def take(self, rows: Rows) -> Self:
        """The boxes at `rows` (a mask, or indices that keep the images' order); every image stays."""
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        counts = np.bincount(self.image_index[index], minlength=len(self.images))
        return self.from_counts(
            self.images, counts, self.xyxy[index], self.label[index], self.labels,
            score=self.score[index], row=self.row[index], row_unit=self.row_unit,
            **{name: None if (column := getattr(self, name)) is None else column[index] for name in OPTIONAL},
        )  # fmt: skip

    def replace(self, **columns: Any) -> Self:  # noqa: ANN401 # dataclasses.replace is typed the same
        """The same chunk with some columns exchanged; they are checked as in the constructor."""
        return dataclasses.replace(self, **columns)

    def each_image(self) -> Iterator[tuple[Image, slice]]:
        """Each image with the slice of rows that are its boxes."""
        bounds = self.offsets.tolist()
        for image, start, stop in zip(self.images, bounds, bounds[1:], strict=False):
            yield image, slice(start, stop)
