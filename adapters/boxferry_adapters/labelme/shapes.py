"""The kinds of shapes: corners, and the outline of those that are no rectangle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import Code
from boxferry.boxes.outlines import bounds_of
from boxferry.parsing.gather import BadBox
from boxferry.parsing.values import ellipse, number, ring_of, shown

if TYPE_CHECKING:
    from boxferry.parsing.values import Corners, Ring

NO_AREA = ("point", "points", "line", "linestrip")


def outline_of(shape: dict[str, Any]) -> tuple[Corners, Ring | None]:
    """The corners of a shape's bounds, and its outline where it is no rectangle along the axes.

    Raises:
        BadBox: it has no area, is of a kind that is not known, or its points cannot be read.
    """
    kind, points = shape.get("shape_type") or "polygon", shape.get("points")
    if kind == "rectangle":
        return _bounds(_pairs(points, kind)), None
    if kind == "mask":  # whose points are its first and its last pixel
        left, top, right, bottom = _bounds(_pairs(points, kind))
        return (left, top, right + 1, bottom + 1), None
    if kind == "circle":
        ring = _circle(_pairs(points, kind))
    elif kind in {"polygon", "rotation"}:
        ring = ring_of(points, f"{kind}: points")  # type: ignore[arg-type] # what is no list has no points
    elif kind in NO_AREA:
        raise BadBox(f"a shape of type {kind} has no area", Code.NO_AREA)
    else:
        raise BadBox(f"shape_type: expected rectangle, polygon, circle, mask or rotation, found {shown(kind)}")
    return bounds_of([ring]), ring


def _pairs(points: Any, kind: str) -> list[tuple[float, float]]:  # noqa: ANN401 # any JSON value
    """The points of a shape that has two; some write all four corners of a rectangle."""
    if not isinstance(points, list) or len(points) not in ({2} if kind == "circle" else {2, 4}):
        raise BadBox(f"{kind}: expected two points, found {shown(points)}")
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise BadBox(f"{kind}: expected points [x, y], found {shown(points)}")
    return [(number(x, f"{kind}: x"), number(y, f"{kind}: y")) for x, y in points]


def _bounds(points: list[tuple[float, float]]) -> Corners:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _circle(points: list[tuple[float, float]]) -> Ring:
    centre, edge = points
    radius = math.dist(centre, edge)
    return ellipse(centre, (radius, radius))
