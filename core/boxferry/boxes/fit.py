"""The fit: boxes become whole pixels inside their image, so that a packet made of them cannot be refused for them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.refine import without
from boxferry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally

LARGEST = 2**31 - 1  #: of the whole numbers that a server's database keeps
GRACE_PX = 0.002  # an edge that is off by less is the same edge, seen through a text format


def fit(detections: Detections, *, tally: Tally, tiny: Literal["drop", "expand"] = "drop") -> Detections:
    """The boxes with whole-numbered corners inside their images, at least one pixel wide and high, none twice.

    Afterwards 0 <= x_min < x_max <= width and 0 <= y_min < y_max <= height, still as float64; a second fit changes
    nothing. In this order: drop what holds a number that no server keeps, since the whole packet would be lost with it
    ('image-too-large', 'bad-track', 'bad-frame'), what cannot be a box ('not-finite', 'bad-box') and what its image
    shows nothing of ('outside-image'); clip to the image ('clipped'); round each edge; drop or expand what is under one
    pixel ('too-small', 'expanded'); keep the best of those boxes of an image that share label and pixels ('duplicate').

    An edge rounds up from 0.002 px below the half: from 12.498, not 12.5. So an edge of 12.5 becomes 13 also when a
    text format brings it back as 12.4986, and an edge that comes back e pixels off becomes the same integer unless it
    lies within e of such a turning point. Normalised text of d decimals (YOLO's centre and size) brings an edge back
    at most 0.75 · side · 10⁻ᵈ px off. Hence six decimals keep every whole and half-pixel edge on images of up to
    2666 px a side, and seven on up to 26666 px; on larger ones whole edges are still kept, and some half-pixel edges
    come out one lower. Close to a turning point, say at 12.4979, an edge can come out one off on any image.

    Args:
        detections: the chunk.
        tally: counts what is dropped and changed.
        tiny: 'drop' boxes under one pixel after rounding, or 'expand' them to the pixel that they lie in.

    Raises:
        InputError: an image that has boxes has no known size.
    """
    _require_sizes(detections)
    detections = _storable(detections, tally)
    if not _are_inside(detections):
        detections = _possible(detections, tally)
        detections = _clipped(detections, tally)
    detections = _rounded(detections, tally, tiny)
    return without(
        detections,
        _repeated(detections),
        Code.DUPLICATE,
        "a box of its image with the same label and pixels stays",
        tally,
    )


def _require_sizes(detections: Detections) -> None:
    held = zip(detections.images, detections.counts.tolist(), strict=True)
    unsized = [image.key for image, boxes in held if boxes and not image.sized]
    if unsized:
        others = f" (nor that of {len(unsized) - 1} others here)" if len(unsized) > 1 else ""
        remedy = "give --images, --size WxH or --categories"
        raise InputError(f"{unsized[0]}: the image's size is not known{others}; {remedy}")


def _limits(detections: Detections) -> NDArray[np.float64]:
    """(N, 2) width and height of each box's image."""
    return detections.sizes[detections.image_index].astype(np.float64)


def _any_in_row(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) whether any entry of each row is set."""
    return functools.reduce(np.logical_or, mask.T)


def _storable(detections: Detections, tally: Tally) -> Detections:
    """Without the boxes of which a number would not fit into a database's integers."""
    large = _any_in_row(detections.sizes > LARGEST)
    message = f"its image has a side over {LARGEST} pixels"
    detections = without(detections, large[detections.image_index], Code.IMAGE_TOO_LARGE, message, tally)
    for column, code, least in (("track", Code.BAD_TRACK, -LARGEST), ("frame", Code.BAD_FRAME, 0)):
        if (numbers := getattr(detections, column)) is not None:
            outside = (numbers < least) | (numbers > LARGEST)
            message = f"its {column} number is not from {least} to {LARGEST}"
            detections = without(detections, outside, code, message, tally)
    return detections


def _are_inside(detections: Detections) -> bool:
    """Whether all are boxes inside their images, as nearly all are: a look that spares the closer ones."""
    low, high = detections.xyxy[:, :2], detections.xyxy[:, 2:]
    return bool((low >= 0).all() and (low <= high).all() and (high <= _limits(detections)).all())


def _possible(detections: Detections, tally: Tally) -> Detections:
    """Without the boxes that are no boxes, and those of which the image shows nothing."""
    broken = _any_in_row(~np.isfinite(detections.xyxy))
    detections = without(detections, broken, Code.NOT_FINITE, "a coordinate is not a finite number", tally)
    low, high = detections.xyxy[:, :2], detections.xyxy[:, 2:]
    backwards = _any_in_row(high < low)
    detections = without(detections, backwards, Code.BAD_BOX, "its right or lower edge comes before the other", tally)
    low, high, limits = detections.xyxy[:, :2], detections.xyxy[:, 2:], _limits(detections)
    outside = _any_in_row(((low < 0) & (high <= 0)) | ((high > limits) & (low >= limits)))
    return without(detections, outside, Code.OUTSIDE_IMAGE, "it lies wholly outside its image", tally)


def _clipped(detections: Detections, tally: Tally) -> Detections:
    """With the boxes cut at the image's edges; what is cut off within the grace is noise, and not counted."""
    inside = np.clip(detections.xyxy, 0, np.tile(_limits(detections), 2))
    cut = _any_in_row(np.abs(detections.xyxy - inside) > GRACE_PX)
    if cut.any():
        tally.change(Code.CLIPPED, "it reaches beyond its image, and is cut at the edge", detections, cut)
    return detections.replace(xyxy=inside)


def whole_edges(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges in pixels, rounded; halves up, with the grace."""
    return np.floor(edges + (0.5 + GRACE_PX))


def _rounded(detections: Detections, tally: Tally, tiny: Literal["drop", "expand"]) -> Detections:
    """With whole-numbered edges; needs them inside the image, and leaves them there."""
    edges = whole_edges(detections.xyxy)
    empty = edges[:, :2] == edges[:, 2:]
    rows = _any_in_row(empty)
    if tiny == "drop":
        message = "it is under one pixel wide or high after rounding; --tiny expand keeps such boxes"
        return without(detections.replace(xyxy=edges), rows, Code.TOO_SMALL, message, tally)
    if rows.any():
        tally.change(Code.EXPANDED, "it is under one pixel wide or high, and made one pixel", detections, rows)
        pixel = _centre_pixel(detections)
        edges = np.where(np.tile(empty, 2), np.hstack((pixel, pixel + 1)), edges)
    return detections.replace(xyxy=edges)


def _centre_pixel(detections: Detections) -> NDArray[np.float64]:
    """(N, 2) x and y of the pixel of the image in which each box has its centre."""
    centre = (detections.xyxy[:, :2] + detections.xyxy[:, 2:]) / 2
    return np.minimum(np.floor(centre + GRACE_PX), _limits(detections) - 1)


def _repeated(detections: Detections) -> NDArray[np.bool_]:
    """(N,) the boxes whose label and pixels a better box of their scene has, or as good a one in an earlier row.

    Repeats share a corner and few other boxes do, so the thorough sort sees only those that share one.
    """
    scene, corners = detections.scene_index, detections.xyxy.astype(np.int64)
    rows = _not_unique((scene << 40) + (corners[:, 1] << 20) + corners[:, 0])
    if not len(rows):
        return np.zeros(len(detections), np.bool_)
    same = (scene, corners, detections.label) + (() if detections.track is None else (detections.track,))
    alike = np.column_stack(same)[rows]
    best_first = np.lexsort((-detections.score[rows], *alike.T))
    as_before = (np.diff(alike[best_first], axis=0) == 0).all(axis=1)
    repeated = np.zeros(len(detections), np.bool_)
    repeated[rows[best_first[1:][as_before]]] = True
    return repeated


def _not_unique(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices, rising, of the values that occur more than once."""
    ordered = np.sort(values)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.empty(0, np.int64)
    order = np.argsort(values)
    as_next = np.diff(values[order]) == 0
    return np.union1d(order[:-1][as_next], order[1:][as_next])
