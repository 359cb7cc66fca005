"""The upright rectangle around each kind of shape, as the server fills it in; a box must have it itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.sandbox.store import Row

CORNERS = ("x_min", "y_min", "x_max", "y_max")
NO_BOUNDS: dict[str, Any] = dict.fromkeys(CORNERS, 0)
NO_SIDES: dict[str, Any] = {"width": None, "height": None}


class BoxError(Exception):
    """A box is refused, and with it every box after it in the list; the text is the input's status_text.

    Attributes:
        found: what is wrong, as a video's update log has it.
    """

    def __init__(self, found: dict[str, str] | str) -> None:
        super().__init__(found if isinstance(found, str) else f"Instance List Error:{found}")
        self.found = found


def broken(exception: str) -> BoxError:
    """What is said of a box that the server's own code stumbles over: a traceback that ends in this line."""
    head = "Instance List Creation error: Traceback (most recent call last):"
    return BoxError(f'{head}\n  File "process_media.py"\n{exception}')


def bounds(box: Row) -> Row:
    """Corners, sides and points of a shape of some type, in whole pixels; a kind that is not known here has none.

    Raises:
        BoxError: they cannot be found, or a box or polygon has no extent.
    """
    return _KINDS.get(box["type"], _nowhere)(box)


def _box(box: Row) -> Row:
    if any(box.get(name) is None for name in ("x_min", "y_min")):
        raise broken("AssertionError")
    if any(box.get(name) is None for name in ("x_max", "y_max")):
        raise broken("TypeError: type NoneType doesn't define __round__ method")
    corners = {name: max(0, int(box[name])) if name.endswith("min") else int(box[name]) for name in CORNERS}
    for axis, side, word in (("x", "width", "Width"), ("y", "height", "height")):
        low, high = corners[f"{axis}_min"], corners[f"{axis}_max"]
        if high - low < 1:
            words = f"{word}: {high - low} less than 1 pixels or negative. xmin: {low} xmax: {high}"
            raise BoxError({side: words})
    return corners | _sides(corners)


def _polygon(box: Row) -> Row:
    points = _points(box.get("points"))
    if len(points) < 2:
        raise BoxError({"filtered_points": "1 or less points."})
    corners = _around(points)
    return corners | _sides(corners) | {"points": points}


def _line(box: Row) -> Row:
    points = _points(box.get("points"))
    return (_around(points) if points else NO_BOUNDS) | NO_SIDES | {"points": points}


def _keypoints(box: Row) -> Row:
    nodes = _points(box.get("nodes"))
    return (_around(nodes) if nodes else NO_BOUNDS) | NO_SIDES


def _ellipse(box: Row) -> Row:
    names = ("center_x", "center_y", "width", "height")
    if not all(isinstance(box.get(name), int | float) for name in names):
        raise broken("TypeError: unsupported operand type(s) for -: 'NoneType' and 'NoneType'")
    x, y, width, height = (box[name] for name in names)
    corners = {"x_min": x - width, "y_min": y - height, "x_max": x + width, "y_max": y + height}
    return {name: round(value) for name, value in corners.items()} | {"width": width, "height": height}


def _cuboid(box: Row) -> Row:
    if not all(isinstance(box.get(name), dict) for name in ("front_face", "rear_face")):
        raise broken("TypeError: 'NoneType' object is not subscriptable")
    return _nowhere(box)


def _nowhere(box: Row) -> Row:  # noqa: ARG001 # one of several
    return NO_BOUNDS | NO_SIDES


_KINDS: dict[str, Callable[[Row], Row]] = {
    "box": _box,
    "polygon": _polygon,
    "point": _line,
    "line": _line,
    "keypoints": _keypoints,
    "ellipse": _ellipse,
    "cuboid": _cuboid,
}


def _points(sent: Any) -> list[Row]:  # noqa: ANN401 # whatever was sent
    """Those that are points, each as it is stored."""
    return [
        {"figure_id": point.get("figure_id"), "x": point["x"], "y": point["y"]}
        for point in sent or []
        if isinstance(point, dict) and all(isinstance(point.get(axis), int | float) for axis in "xy")
    ]


def _around(points: Sequence[Row]) -> Row:
    xs, ys = [point["x"] for point in points], [point["y"] for point in points]
    least = {"x_min": max(0, round(min(xs))), "y_min": max(0, round(min(ys)))}
    return least | {"x_max": round(max(xs)), "y_max": round(max(ys))}


def _sides(corners: Row) -> Row:
    return {"width": corners["x_max"] - corners["x_min"], "height": corners["y_max"] - corners["y_min"]}
