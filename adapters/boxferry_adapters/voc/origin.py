"""Where a file's coordinates count from: 1 and inclusive, as the format defines it, or 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from boxferry.boxes.tally import Place
    from boxferry.formats import Context
    from boxferry_adapters.voc.outlines import Ring

    Corners = tuple[float, float, float, float]

NOISE_PX = 1e-3  #: a box without width may come as one whose sides have crossed by the last digits


def shift_of(context: Context) -> int:
    """The first pixel's number, which a minimum is less than here by."""
    return 0 if context.options["voc-origin"] == "0" else 1


def ring_of(ring: Ring, context: Context) -> Ring:
    """(K, 2) the points of an outline, 0-based: a point is one pixel, so that it has no inclusive side."""
    return ring - shift_of(context)


def corners_of(found: Corners, context: Context, place: Place) -> Corners:
    """x_min, y_min, x_max, y_max, 0-based, maxima exclusive; reversed ones are put in order, and noted.

    Raises:
        InputError: a minimum is below 1, the first pixel's number, and nobody said what that means.
    """
    origin, shift, x1, y1, x2, y2 = context.options["voc-origin"], shift_of(context), *found
    if x1 - shift > x2 + NOISE_PX or y1 - shift > y2 + NOISE_PX:
        context.tally.note("reordered", "its minimum is above its maximum; taken the other way round", place, boxes=1)
        x1, y1, x2, y2 = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    if not origin and min(x1, y1) < 1:
        raise InputError(
            f"{place}: a minimum of {min(x1, y1):g}, but VOC counts pixels from 1: pass --voc-origin 0 if this counts "
            "from 0, or --voc-origin 1 if its boxes reach out of their images"
        )
    return x1 - shift, y1 - shift, max(x2, x1 - shift), max(y2, y1 - shift)
