"""One batch of a table: its columns flat, a value for each box, and what is wrong with some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.geometry import cxcywh_to_xyxy, xywh_to_xyxy
from boxferry.boxes.tally import Place
from boxferry.parsing.values import LARGEST, LARGEST_WHOLE
from boxferry_adapters.parquet.columns import CENTRE_AND_SIZE, CORNERS, OF_IMAGES
from boxferry_adapters.parquet.library import pyarrow
from boxferry_adapters.parquet.table import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from boxferry.formats import Context
    from boxferry.parsing.files import File
    from boxferry_adapters.parquet.columns import Layout

    Mask = NDArray[np.bool_]


class Batch:
    """Some rows of a table.

    Attributes:
        table: the rows, those left out whose lists differ in length.
        found: role → the column's values.
        file: that it is of.
        counts: (R,) the boxes of each row.
        owner: (N,) the row of each box.
    """

    def __init__(self, table: Any, layout: Layout, partitions: Mapping[str, str], file: File, first: int) -> None:  # noqa: ANN401 # pyarrow has no types
        self.file = file
        self._layout = layout
        self._partitions = partitions
        self._rows = np.arange(first, first + table.num_rows)
        self._take(table)

    def _take(self, table: Any) -> None:  # noqa: ANN401 # likewise
        self.table = table
        self.found = {
            role: values_of(table, path, self._partitions, listed=self._layout.listed and role not in OF_IMAGES)
            for role, path in self._layout.paths.items()
            if role != "polygon"
        }
        box = self.found["box" if "box" in self.found else self._layout.form[0]]
        self.counts = np.ones(table.num_rows, np.int64) if box.counts is None else box.counts
        self.owner = np.repeat(np.arange(table.num_rows), self.counts)

    def without_unequal(self, context: Context) -> None:
        """Leave out the rows whose lists differ in length: each is an image that fails with its boxes."""
        unequal = np.zeros(len(self.counts), np.bool_)
        for values in self.found.values():
            if values.counts is not None:
                unequal |= values.counts != self.counts
        if not unequal.any():
            return
        for row in np.flatnonzero(unequal).tolist():
            lengths = ", ".join(
                f"{role} {values.counts[row]}" for role, values in self.found.items() if values.counts is not None
            )
            message = f"its lists have different lengths: {lengths}"
            boxes = int(self.counts[row])
            context.tally.fail(Code.UNEQUAL_LISTS, message, self.place(row), boxes=boxes, counted=False)
        self._rows = self._rows[~unequal]
        self._take(self.table.filter(pyarrow().array(~unequal)))

    @property
    def rows(self) -> NDArray[np.int64]:
        """(N,) the number, in the file, of the row that each box stands in."""
        found: NDArray[np.int64] = self._rows[self.owner]
        return found

    def place(self, row: int) -> Place:
        """Where a row stands."""
        return Place(self.file.shown, item=int(self._rows[row]))

    def of_row(self, role: str, row: int) -> Any:  # noqa: ANN401 # likewise
        """One value of a column of images."""
        return self.found[role].array[row].as_py() if role in self.found else None

    def has_frame(self, row: int) -> bool:
        """Whether the first box of a row is of a frame."""
        if "frame" not in self.found or not self.counts[row]:
            return False
        return bool(self.found["frame"].array[int(self.counts[:row].sum())].is_valid)

    def numbers(self, role: str, missing: float) -> NDArray[np.float64]:
        """(N,) a column of numbers, `missing` where there is none."""
        if role not in self.found:
            return np.full(len(self.owner), missing)
        found = self.found[role].numbers()
        return np.where(np.isnan(found), missing, found)

    def corners(self) -> NDArray[np.float64]:
        """(N, 4) x_min, y_min, x_max, y_max, in the unit of the table; NaN where a number is missing."""
        if "box" in self.found:
            four = self.found["box"].fours()
        else:
            four = np.column_stack([self.found[role].numbers() for role in self._layout.form]).reshape(-1, 4)
        with np.errstate(invalid="ignore", over="ignore"):
            if self._layout.form == CORNERS:
                return four
            sided = np.where(four[:, 2:] < 0, np.nan, four[:, 2:])
            four = np.hstack((four[:, :2], sided))
            return cxcywh_to_xyxy(four) if self._layout.form == CENTRE_AND_SIZE else xywh_to_xyxy(four)

    def labelled(self) -> tuple[NDArray[np.int64], list[Any]]:
        """(N,) the number of each label among the different ones, -1 where a box has none; and those."""
        codes, labels = self.found["label" if "label" in self.found else "class"].coded()
        blank = [code for code, label in enumerate(labels) if isinstance(label, str) and not label.strip()]
        return np.where(np.isin(codes, blank), -1, codes), labels

    def empty(self, corners: NDArray[np.float64], label: NDArray[np.int64]) -> Mask:
        """(N,) rows that hold no box at all: an image without boxes."""
        if self._layout.listed:
            return np.zeros(len(corners), np.bool_)
        return np.asarray((label < 0) & np.isnan(corners).all(axis=1))

    def refusals(
        self, corners: NDArray[np.float64], label: NDArray[np.int64], sized: Mask
    ) -> Iterator[tuple[str, str, Mask]]:
        """Why boxes cannot be used: the reason in a fixed word and in a sentence, and (N,) which."""
        with np.errstate(invalid="ignore"):
            odd = ~(np.abs(corners) <= LARGEST).all(axis=1)
        yield Code.BAD_BOX, "a number of its box is missing, too large, or a negative width or height", np.asarray(odd)
        yield Code.BAD_BOX, "it has no label", label < 0
        frame, track = self.numbers("frame", 0.0), self.numbers("track", -1.0)
        with np.errstate(invalid="ignore"):
            strange = (frame < 0) | (frame % 1 != 0) | (frame > LARGEST_WHOLE)
            strange |= (track % 1 != 0) | (np.abs(track) > LARGEST_WHOLE)
        yield Code.BAD_BOX, "its frame or its track is no whole number", strange
        if self._layout.shares:
            yield (
                Code.NO_SIZE,
                "the size of its image is not known: --images DIR, --size WxH or --categories FILE",
                ~sized,
            )
