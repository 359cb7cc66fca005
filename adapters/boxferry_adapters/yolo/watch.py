"""Watches boxes for columns in another order, and files for what belongs to many images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.boxes.tally import Tally

REACH = 0.02  #: shares of the image by which a box may reach out of it unremarked
MANY = ((3, 0.2), (2, 0.5))  #: so many boxes, and such a share of them, that reach out are too many
NONE = 0.01  #: the share of boxes that may reach out in the other order all the same
CROWDED, TIMES = 500, 10  #: boxes of one file, and times as many as any other has
SAME_TRACKS = 5


@dataclass(slots=True)
class Order:
    """Counts boxes that reach out of their images, in the order of columns that is taken and in darknet's.

    Attributes:
        name: the source, for messages.
        watched: whether the order was not said.
    """

    name: str
    watched: bool
    _boxes: int = 0
    _out: int = 0
    _out_otherwise: int = 0

    def see(self, table: NDArray[np.float64], sixth: NDArray[np.float64], sizes: NDArray[np.float64]) -> None:
        """Look at rows of six columns.

        Args:
            table: (N, 5) class, cx, cy, w, h.
            sixth: (N,) the sixth column; NaN for a row of other columns.
            sizes: (N, 2) width and height of the images, in the units of the rows.

        Raises:
            InputError: many boxes reach out, and none does in the other order.
        """
        six = ~np.isnan(sixth)
        if not self.watched or not six.any():
            return
        columns, sizes = np.column_stack((table[:, 1:], sixth))[six], sizes[six]
        self._boxes += len(columns)
        self._out += int(_reaches_out(columns[:, :4], sizes).sum())
        confident = (columns[:, 0] >= 0) & (columns[:, 0] <= 1)
        self._out_otherwise += int((_reaches_out(columns[:, 1:], sizes) | ~confident).sum())
        many = any(self._out >= max(least, share * self._boxes) for least, share in MANY)
        if many and self._out_otherwise <= NONE * self._boxes:
            found = f"{self._out} of {self._boxes} boxes reach out of their images in the order cls,x,y,w,h,conf"
            raise InputError(
                f"{self.name}: {found}, {self._out_otherwise} in the order cls,conf,x,y,w,h, which darknet's tools "
                "write: --columns cls,conf,x,y,w,h if so, --columns cls,x,y,w,h,conf if not"
            )


def _reaches_out(boxes: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    return np.asarray(((low < -REACH * sizes) | (high > (1 + REACH) * sizes)).any(axis=1))


@dataclass(slots=True)
class Crowd:
    """Finds a file that holds the boxes of many images: a loop that kept appending to one."""

    _most: int = 0
    _second: int = 0
    _where: str = ""
    _repeated: int = 0
    _repeated_in: str = ""

    def see(self, shown: str, boxes: int, tracks: list[int]) -> None:
        """Look at the boxes of a file, and their tracks, -1 for none."""
        if boxes > self._most:
            self._second, self._most, self._where = self._most, boxes, shown
        elif boxes > self._second:
            self._second = boxes
        if tracks:
            whole = [track for track in tracks if track >= 0]
            repeated = len(whole) - len(set(whole))
            if repeated > max(self._repeated, SAME_TRACKS) and 2 * repeated >= len(whole):
                self._repeated, self._repeated_in = repeated, shown

    def finish(self, tally: Tally) -> None:
        """Note what looks like many images in one file."""
        looks = "it looks like all frames of a video in one file, written by a loop that kept appending"
        if self._repeated_in:
            message = f"{self._repeated_in}: {self._repeated} boxes have the track of another box of the file: {looks}"
            tally.note(Code.MANY_FRAMES, message)
        elif self._most >= CROWDED and self._most >= TIMES * self._second:
            message = f"{self._where}: {self._most} boxes, any other file has {self._second} at most: {looks}"
            tally.note(Code.MANY_FRAMES, message)
