"""The shape of a stored box: its outline where it has one, what encloses it, and what becomes of other shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from boxferry.diffgram.instances import Instance

    Corners = tuple[float, float, float, float]
    Place = tuple[float, float]
    Ring = tuple[Place, ...]

ELLIPSE_CORNERS = 32  #: of the outline that stands for an ellipse
PLAIN = frozenset({"box", "polygon", ""})  #: types that come home as what they are
SIDES = ("center_x", "center_y", "width", "height")


class Figure(NamedTuple):
    """What a stored shape is here.

    Attributes:
        bounds: x_min, y_min, x_max, y_max in pixels; None where it encloses nothing, as a point or a tag.
        ring: its outline; None for a box, and where only its bounds are known.
        points: of a line, a curve, key points or a cuboid, in the server's order; empty else.
    """

    bounds: Corners | None
    ring: Ring | None = None
    points: Ring = ()


def figure_of(box: Instance) -> Figure:
    """The shape of a stored box; a shape that is not known here has the bounds that the server gives it."""
    if box.type == "polygon" and len(box.points or ()) > 2:
        ring = tuple((point.x, point.y) for point in box.points or ())
        return Figure(around(ring), ring)
    if box.type == "ellipse" and (outline := _ellipse(box)):
        return Figure(around(outline), outline)
    places = () if (box.type or "") in PLAIN else tuple(_places(box))
    if places and (found := around(places)):
        return Figure(found, points=places)
    if box.x_min is None or box.y_min is None or box.x_max is None or box.y_max is None:
        return Figure(None)
    return Figure(_filled((box.x_min, box.y_min, box.x_max, box.y_max)))


def _ellipse(box: Instance) -> Ring | None:
    """The outline of an ellipse, whose width and height count from its centre, turned by its angle in radians."""
    values = [getattr(box, name) for name in SIDES]
    if not all(map(_is_number, values)) or min(values[2:]) <= 0:
        return None
    x, y, across, down = values
    angle = box.angle if _is_number(box.angle) else 0.0
    cos, sin = math.cos(angle), math.sin(angle)
    turns = [2 * math.pi * step / ELLIPSE_CORNERS for step in range(ELLIPSE_CORNERS)]
    around = [(across * math.cos(turn), down * math.sin(turn)) for turn in turns]
    return tuple((round(x + a * cos - b * sin, 3), round(y + a * sin + b * cos, 3)) for a, b in around)


def _places(box: Instance) -> Iterator[Place]:
    """Every point that a line, a curve, key points or a cuboid has."""
    yield from ((point.x, point.y) for point in box.points or ())
    for part in (box.nodes, box.p1, box.p2, box.front_face, box.rear_face):
        yield from _points_in(part)


def _points_in(value: Any) -> Iterator[Place]:  # noqa: ANN401 # whatever the server has there
    """The points in a value, however deep: {'x': 1, 'y': 2}, lists of them, the named corners of a face."""
    if isinstance(value, dict):
        if _is_number(value.get("x")) and _is_number(value.get("y")):
            yield float(value["x"]), float(value["y"])
        else:
            for each in value.values():
                yield from _points_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _points_in(each)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def around(places: Sequence[Place]) -> Corners | None:
    """The bounds of some points; None where these enclose nothing."""
    if not places:
        return None
    xs, ys = zip(*places, strict=True)
    return _filled((min(xs), min(ys), max(xs), max(ys)))


def _filled(corners: Corners) -> Corners | None:
    """The corners where they enclose something, else None."""
    x_min, y_min, x_max, y_max = corners
    return corners if x_min < x_max and y_min < y_max and all(map(math.isfinite, corners)) else None
