"""A dataset in memory: images with their boxes, by key; into a table and out of one, drawn, and written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from boxferry.boxes.detections import Detections
from boxferry.boxes.labels import ClassTable
from boxferry.boxes.notebook import paragraph, plain_table
from boxferry.boxes.table import columns_of, detections_of
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError, UsageError
from boxferry.formats import Context
from boxferry.option_checks import check_type, did_you_mean
from boxferry.plugins import plugin_manager
from boxferry.reading.drawing import still_sheet
from boxferry.reading.images import ImageIndex
from boxferry.reading.names import given_names
from boxferry.reading.plot import drawn
from boxferry.reading.tables import data_frame
from boxferry.reading.writing import Writing, numbered, write

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray
    from pandas import DataFrame
    from PIL.Image import Image as Picture

    from boxferry.boxes.detections import Image

SHOWN, DRAWN = 10, 6  #: images that a notebook lists, and draws


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Dataset:
    """Images and their boxes, in memory: `len` is the number of images, and iteration gives each with its boxes.

    `dataset["a.jpg"]` has the boxes of one image; `dataset[dataset.boxes.score > 0.5]`, with a mask over all boxes, is
    a dataset of those, which keeps every image.

    Attributes:
        boxes: all images and boxes as columns.
        tally: what was read and what was dropped on the way here.
        names: class id → label, where the source has class ids.

    Raises:
        InputError: two images have one key.
    """

    boxes: Detections
    tally: Tally = field(default_factory=Tally)
    names: Mapping[int | str, str] = field(default_factory=dict)
    _index: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        check_type("boxes", self.boxes, Detections)
        index = {image.key: number for number, image in enumerate(self.boxes.images)}
        if len(index) != len(self.boxes.images):
            raise InputError("two images have the same key: join the sets with boxferry.merge")
        object.__setattr__(self, "_index", index)

    @classmethod
    def from_pandas(
        cls, df: object, *, names: str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None = None
    ) -> Self:
        """The dataset that a table holds, a box a row; what `to_pandas` gave comes back the same.

        Args:
            df: a table (of pandas or polars, or a dict of columns) with the columns image, xmin, ymin, xmax, ymax (or
                x1, … or x_min, …, in pixels, the maxima exclusive), and perhaps label or class, score, image_width,
                image_height, frame, track.
            names: the classes' names, as `read` takes them, where the table has class ids alone.

        Raises:
            InputError: a column is missing, a value is no number, or a class has no name.
        """
        return cls(detections_of(df, {} if names is None else given_names(names).names))

    @property
    def images(self) -> tuple[Image, ...]:
        """The images, in their order."""
        return self.boxes.images

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the boxes can have."""
        return self.boxes.labels

    def __len__(self) -> int:
        return len(self.boxes.images)

    def __iter__(self) -> Iterator[tuple[Image, Detections]]:
        """Each image with its boxes, in the images' order."""
        return iter(self.boxes)

    def __contains__(self, key: object) -> bool:
        return key in self._index

    @overload
    def __getitem__(self, wanted: str) -> Detections: ...

    @overload
    def __getitem__(self, wanted: NDArray[np.bool_] | Iterable[bool]) -> Self: ...

    def __getitem__(self, wanted: str | NDArray[np.bool_] | Iterable[bool]) -> Detections | Self:
        """The boxes of the image with a key; or, by a mask over all boxes, a dataset of those alone.

        Raises:
            KeyError: there is no such image; the message has near names.
            InputError: the mask has another type, or not as many values as there are boxes.
        """
        if isinstance(wanted, str):
            if wanted not in self._index:
                raise KeyError(f"{wanted}: no such image{did_you_mean(wanted, self._index)}")
            return self.boxes.of_image(self._index[wanted])
        mask = np.asarray(wanted if hasattr(wanted, "__len__") else list(wanted))
        if mask.dtype != np.bool_:
            raise InputError(f"a dataset is indexed by an image's key, or by a mask over its boxes, not {mask.dtype}")
        return replace(self, boxes=self.boxes[mask])

    def __repr__(self) -> str:
        return f"<Dataset: {len(self)} images, {len(self.boxes)} boxes, {len(self.labels)} labels>"

    def _repr_html_(self) -> str:
        """The first images, drawn with their boxes, and their labels, for a notebook."""
        first = _first(self.boxes, SHOWN)
        rows = [(image.key, len(boxes), _counted(boxes)) for image, boxes in first]
        return paragraph(self) + still_sheet(first[:DRAWN]) + plain_table(("image", "boxes", "labels"), rows)

    def to_pandas(self) -> DataFrame:
        """A table of the boxes, one a row: image, label, score, xmin, ymin, xmax, ymax, image_width, image_height.

        The corners are in pixels, the maxima exclusive; frame and track are columns where any box has them. Images
        without boxes have no row.

        Raises:
            UsageError: pandas is not installed.
        """
        return data_frame(columns_of(self.boxes))

    def plot(self, key: str) -> Picture:
        """An image with its boxes drawn on it, as Pillow has it; a notebook shows it.

        Args:
            key: the image's key.

        Raises:
            KeyError: there is no such image.
            UsageError: Pillow is not installed.
            InputError: where the image is, is not known, or it cannot be read.
        """
        boxes = self[key]
        return drawn(boxes.images[0], boxes)

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
        """Write it in a format; see `Predictions.write`.

        Args:
            path: a file or a folder, as the format has it.
            to: the format's name.
            names: the classes with their ids; those that came with the boxes where left out.
            keep_ids: classes keep those ids; False numbers them anew.
            tally: counts what is written; a new one where left out.
            options: those of the format.

        Raises:
            UnknownFormat: there is no such format.
            UsageError: the format cannot be written, or has no such option, or the path cannot be written.
        """
        check_type("keep_ids", keep_ids, bool)
        how = Writing.of(plugin_manager().formats(), to, names=names, options=options)
        tally, classes = tally or Tally(), ClassTable()
        classes.learn(self.names, "the dataset")
        tally.count(self.boxes)
        context = Context(images=ImageIndex.build(), tally=tally, options=how.options, classes=classes)
        write([self.boxes], how.format, Path(path), numbered(context, how.names, keep_ids=keep_ids))
        return tally


def _first(boxes: Detections, count: int) -> list[tuple[Image, Detections]]:
    return [(image, boxes.of_image(index)) for index, image in enumerate(boxes.images[:count])]


def _counted(boxes: Detections) -> str:
    codes, counts = np.unique(boxes.label, return_counts=True)
    return ", ".join(f"{n} {boxes.labels[code]}" for code, n in zip(codes.tolist(), counts.tolist(), strict=True))


def in_memory(value: Any) -> Any:  # noqa: ANN401 # whatever `read` was handed
    """What `read` reads of a dataset: its columns; anything else as it is.

    Raises:
        UsageError: it is the class, not an object of it.
    """
    if value is Dataset or value is Detections:
        raise UsageError(f"source: the class {value.__name__}, expected an instance of it")
    return value.boxes if isinstance(value, Dataset) else value
