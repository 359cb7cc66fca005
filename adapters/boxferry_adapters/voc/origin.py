"""Where a file's coordinates count from: 1 and inclusive, as the format defines it, or 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from boxferry.boxes.tally import Place
    from boxferry.formats import Context
    from boxferry_adapters.voc.outlines import Ring

NOISE_PX = 1e-3  #: a box without width may come as one whose sides have crossed by the last digits


def shift_of(context: Context) -> int:
    """The first pixel's number, which a minimum is less than here by."""
    return 0 if context.options["voc-origin"] == "0" else 1


def ring_of(ring: Ring, context: Context) -> Ring:
    """(K, 2) the points of an outline, 0-based: a point is one pixel, so that it has no inclusive side."""
    return ring - shift_of(context)


def corners_of(
    found: NDArray[np.float64], settled: NDArray[np.bool_], context: Context, place_of: Callable[[int], Place]
) -> NDArray[np.float64]:
    """(N, 4) x_min, y_min, x_max, y_max, 0-based, maxima exclusive; reversed ones are put in order, and noted.

    Args:
        found: (N, 4) the corners as they stand in the file.
        settled: (N,) those that are 0-based whatever the file is.
        context: its option says where the file's coordinates count from.
        place_of: where a row stands.

    Raises:
        InputError: a minimum is below 1, the first pixel's number, and the origin is not given.
    """
    shift = shift_of(context)
    low, high = found[:, :2], found[:, 2:]
    reversed_ = (low - shift > high + NOISE_PX).any(axis=1) & ~settled
    low = np.where(reversed_[:, None], np.minimum(low, high), low)
    high = np.where(reversed_[:, None], np.maximum(found[:, :2], high), high)
    below = (low.min(axis=1) < 1) & ~settled & (not context.options["voc-origin"])
    for row in np.flatnonzero(reversed_ | below).tolist():
        if reversed_[row]:
            message = "its minimum is above its maximum; the two were swapped"
            context.tally.note(Code.REORDERED, message, place_of(row), boxes=1)
        if below[row]:
            raise InputError(
                f"{place_of(row)}: a minimum of {low[row].min():g}, but VOC counts pixels from 1: pass --voc-origin 0 "
                "if this counts from 0, or --voc-origin 1 if its boxes reach out of their images"
            )
    moved = np.hstack((low - shift, np.maximum(high, low - shift)))
    return np.where(settled[:, None], found, moved)
