"""Coordinates as they are written: without the noise of binary arithmetic, in the shortest decimal digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DIGITS = 9  #: after the point: a billionth of a pixel
LARGEST = 2.0**52 / 10**DIGITS  #: values above it have fewer digits after the point as it is


def short(values: ArrayLike) -> NDArray[np.float64]:
    """Values rounded to nine digits after the point: 95.00006399999998 → 95.000064.

    Each is the float64 nearest to those digits, so that its shortest text has no others.

    Args:
        values: of any shape; what is too large to have such digits, or not finite, stays as it is.
    """
    given = np.asarray(values, np.float64)
    small = np.abs(given) < LARGEST
    return np.where(small, np.rint(np.where(small, given, 0) * 10**DIGITS) / 10**DIGITS, given)
