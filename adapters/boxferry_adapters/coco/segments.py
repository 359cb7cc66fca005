"""Segmentations: lists of polygons, and run-length masks, which pycocotools undoes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.outlines import outlines_of
from boxferry.parsing.gather import BadBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_MASK = 100_000_000  #: pixels; a larger size is a broken file's


def rings_of(segmentation: Any) -> tuple[NDArray[np.float64], ...]:  # noqa: ANN401 # any JSON value
    """The outlines of all parts, each (K, 2) x and y in pixels.

    Args:
        segmentation: a list of flat lists [x1, y1, x2, y2, …], or {'size': [height, width], 'counts': …} with counts as
            a list or compressed (https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.h).

    Raises:
        BadBox: it is not one of these; the text says why.
    """
    if isinstance(segmentation, list):
        return tuple(_ring(part) for part in segmentation)
    if isinstance(segmentation, dict):
        return tuple(outlines_of(_mask(segmentation)))
    raise BadBox(f"segmentation: expected a list of polygons or a mask, found {type(segmentation).__name__}")


def mask_size(segmentation: Any) -> tuple[int, int] | None:  # noqa: ANN401 # any JSON value
    """Width and height of a run-length mask; None where it is none, or does not say."""
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    whole = isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size)
    return (size[1], size[0]) if whole else None  # type: ignore[index] # a list, as was seen


def mask_scale(mask: tuple[int, int], image: tuple[float, float]) -> tuple[float, float] | None:
    """By how much a mask of one size (width, height) fits an image of another; None where their shapes differ.

    The mask's height may be rounded to whole pixels.
    """
    across, down = image[0] / mask[0], image[1] / mask[1]
    return (across, down) if abs(image[1] / across - mask[1]) <= 1 or abs(image[0] / down - mask[0]) <= 1 else None


def _ring(part: Any) -> NDArray[np.float64]:  # noqa: ANN401 # any JSON value
    numbers = isinstance(part, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in part)
    if not numbers or len(part) < 6 or len(part) % 2:
        raise BadBox("segmentation: expected polygons of three corners or more, [x1, y1, x2, y2, x3, y3, …]")
    return np.array(part, np.float64).reshape(-1, 2)


def _mask(rle: dict[str, Any]) -> NDArray[np.bool_]:
    from pycocotools import mask as masks

    size, counts = rle.get("size"), rle.get("counts")
    whole = isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size)
    if not whole or size[0] * size[1] > LARGEST_MASK:  # type: ignore[index] # a list, as was seen
        raise BadBox(f"segmentation: size: expected [height, width], found {size!r}"[:200])
    height, width = size  # type: ignore[misc] # likewise
    found: Any
    if isinstance(counts, list):
        runs = all(isinstance(run, int) and run >= 0 for run in counts)
        if not runs or sum(counts) != height * width:
            raise BadBox("segmentation: counts: its runs do not come to height times width")
        as_runs: Any = {"size": [height, width], "counts": counts}
        found = masks.frPyObjects(as_runs, height, width)
    elif isinstance(counts, str | bytes):
        text = counts.encode("ascii", "replace") if isinstance(counts, str) else counts
        if _length(text) != height * width:
            raise BadBox("segmentation: counts: its runs do not come to height times width")
        found = {"size": [height, width], "counts": text}
    else:
        raise BadBox(f"segmentation: counts: expected runs or their text, found {type(counts).__name__}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what pycocotools asks of numpy
        return np.asarray(masks.decode(found), bool)


def _length(text: bytes) -> int:
    """How many pixels compressed runs cover; pycocotools writes past its memory where they are too many.

    Each run is a number in groups of five bits, low ones first, from the character '0' on; from the third run on it is
    the difference to the last but one.
    """
    runs: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(text) or not 48 <= text[place] < 112 or shift > 60:
                return -1
            bits = text[place] - 48
            value |= (bits & 0x1F) << shift
            more, place, shift = bool(bits & 0x20), place + 1, shift + 5
            if not more and bits & 0x10:
                value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        if runs[-1] < 0:
            return -1
    return sum(runs)
