"""Shapes: corners, and the outline of those that are no rectangle along the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.outlines import bounds_of, outlines_of
from boxferry.parsing.gather import BadBox
from boxferry.parsing.values import ellipse, number, ring_of, shown, turned, whole

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray

    from boxferry.parsing.values import Corners, Ring

SHAPES = ("box", "polygon", "mask", "ellipse", "polyline", "points", "cuboid", "skeleton")
SIDES = ("xtl", "ytl", "xbr", "ybr")
LARGEST_MASK = 50_000_000  #: pixels


def shape_of(element: Element) -> tuple[Corners, tuple[Ring, ...]]:
    """The corners in pixels, and the outline.

    Raises:
        BadBox: it has no area, or its numbers are none.
    """
    match element.tag:
        case "box":
            return _box(element)
        case "polygon":
            rings: tuple[Ring, ...] = (ring_of(_points(element), "points"),)
        case "mask":
            rings = tuple(_shifted(ring, element) for ring in outlines_of(_mask(element)))
        case "ellipse":
            rings = (_ellipse(element),)
        case tag:
            raise BadBox(f"a {tag} has no area", Code.NO_AREA)
    if not rings:
        raise BadBox("a mask that covers no pixel")
    return bounds_of(rings), rings


def _box(element: Element) -> tuple[Corners, tuple[Ring, ...]]:
    left, top, right, bottom = (number(element.get(side), side) for side in SIDES)
    corners = (left, top, right, bottom)
    if not (rotation := number(element.get("rotation") or 0, "rotation")):
        return corners, ()
    ring = turned(corners, rotation, ((left + right) / 2, (top + bottom) / 2))
    return bounds_of([ring]), (ring,)


def _points(element: Element) -> list[list[str]]:
    return [point.split(",") for point in element.get("points", "").split(";") if point.strip()]


def _ellipse(element: Element) -> Ring:
    x, y, across, down = (number(element.get(name), name) for name in ("cx", "cy", "rx", "ry"))
    return ellipse((x, y), (across, down), number(element.get("rotation") or 0, "rotation"))


def _mask(element: Element) -> NDArray[np.bool_]:
    width, height = whole(element.get("width")), whole(element.get("height"))
    if not 0 < width * height <= LARGEST_MASK:
        raise BadBox(f"mask: {element.get('width')}x{element.get('height')} pixels")
    runs = [number(run, "rle") for run in element.get("rle", "").split(",")]
    if any(run < 0 or run % 1 for run in runs) or sum(runs) > width * height:
        raise BadBox(f"rle: its runs do not come to width times height, {width * height}: {shown(element.get('rle'))}")
    inside = np.zeros(width * height, np.bool_)
    ends = np.cumsum(np.array(runs, np.int64)).tolist()
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        inside[start:end] = True
    return inside.reshape(height, width)


def _shifted(ring: Ring, element: Element) -> Ring:
    corner = (number(element.get("left"), "left"), number(element.get("top"), "top"))
    return np.asarray(np.add(ring, corner), np.float64)
