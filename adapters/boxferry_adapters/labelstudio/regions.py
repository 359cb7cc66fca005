"""One region of a result: its labels, and its shape in pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import Code
from boxferry.boxes.outlines import bounds_of, outlines_of
from boxferry.parsing.gather import BadBox
from boxferry.parsing.values import ellipse, number, ring_of, shown, turned, whole
from boxferry_adapters.labelstudio.brush import mask_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.parsing.values import Corners, Ring

LABEL_KEYS = ("rectanglelabels", "polygonlabels", "ellipselabels", "brushlabels", "labels", "keypointlabels", "choices")
FIELD_TYPES = {"choices": "choices", "textarea": "text", "rating": "rating", "number": "number", "taxonomy": "taxonomy"}
SHAPE_TYPES = ("rectangle", "polygon", "ellipse", "brush", "keypoint", "video", "magicwand")


@dataclass(slots=True)
class Region:
    """A region, and what other items of the result say of it.

    Attributes:
        kind: its type, 'rectanglelabels'.
        value: its shape.
        item: the item that it stands in.
        labels: its labels.
        fields: what is said of it besides, under the names of the controls that say it.
    """

    kind: str
    value: dict[str, Any]
    item: dict[str, Any]
    labels: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image as the region says; 0 where it does not."""
        return whole(self.item.get("original_width")), whole(self.item.get("original_height"))


def regions_of(result: Iterable[Any]) -> list[Region]:
    """The regions of a result, in their order; items of the same id say more of one region."""
    found: dict[Any, Region] = {}
    others: list[tuple[Any, dict[str, Any]]] = []
    for index, item in enumerate(result):
        item = item if isinstance(item, dict) else {"type": "rectangle", "value": item}  # noqa: PLW2901 # refused later
        key = item["id"] if isinstance(item.get("id"), str) else index
        kind = item.get("type")
        value = item.get("value")
        if not isinstance(kind, str) or kind.startswith(SHAPE_TYPES):
            plain = value if isinstance(value, dict) else {}
            key = key if key not in found else index
            found[key] = Region(str(kind), plain, item, _labels(plain))
        elif isinstance(value, dict):
            others.append((key, item))
    for key, item in sorted(others, key=lambda other: other[1]["type"] != "labels"):
        if key in found:
            _add(found[key], item)
    return list(found.values())


def _add(region: Region, item: dict[str, Any]) -> None:
    kind, value = item["type"], item["value"]
    if kind in {"labels", "choices"}:
        region.labels = region.labels or _labels(value)
    if (key := FIELD_TYPES.get(kind)) and (name := item.get("from_name")) and isinstance(name, str):
        given = value.get(key)
        given = given[0] if isinstance(given, list) and len(given) == 1 else given
        if isinstance(given, str | int | float) or (isinstance(given, list) and all(isinstance(g, str) for g in given)):
            region.fields[name] = given


def _labels(value: dict[str, Any]) -> list[str]:
    for key in LABEL_KEYS:
        if isinstance(value.get(key), list) and value[key]:
            return [str(label) for label in value[key]]
    return []


def shape_of(region: Region, width: int, height: int) -> tuple[Corners, tuple[Ring, ...]]:
    """The corners of a region in pixels, and its outline where it is no rectangle along the axes.

    Raises:
        BadBox: it has no area, is of a kind that is not read, or its numbers are none.
    """
    value, scale = region.value, (width / 100, height / 100)
    if region.item.get("image_rotation"):
        raise BadBox(f"its image is turned by {shown(region.item['image_rotation'])} degrees", Code.TURNED_IMAGE)
    if region.kind.startswith("video"):
        raise BadBox("a box of a video, by key frames: export the task as frames", Code.VIDEO)
    if "rle" in value:
        return _brushed(value, width, height)
    if "points" in value:
        ring = ring_of(value["points"], "points", scale)
    elif "radiusX" in value:
        ring = _ellipse(value, scale)
    elif "width" in value and "height" in value:
        corners = _corners(value, scale)
        if not (rotation := number(value.get("rotation") or 0, "rotation")):
            return corners, ()
        ring = turned(corners, rotation, corners[:2])
    else:
        raise BadBox(f"a region of type {region.kind} has no area", Code.NO_AREA)
    return bounds_of([ring]), (ring,)


def _brushed(value: dict[str, Any], width: int, height: int) -> tuple[Corners, tuple[Ring, ...]]:
    rings = tuple(outlines_of(mask_of(value["rle"], width, height)))
    if not rings:
        raise BadBox("rle: covers no pixel")
    return bounds_of(rings), rings


def _corners(value: dict[str, Any], scale: tuple[float, float]) -> Corners:
    x, y, width, height = (number(value.get(key), key) for key in ("x", "y", "width", "height"))
    if width < 0 or height < 0:
        raise BadBox(f"width and height cannot be negative, found {width:g} and {height:g}")
    return x * scale[0], y * scale[1], (x + width) * scale[0], (y + height) * scale[1]


def _ellipse(value: dict[str, Any], scale: tuple[float, float]) -> Ring:
    x, y, across, down = (number(value.get(key), key) for key in ("x", "y", "radiusX", "radiusY"))
    rotation = number(value.get("rotation") or 0, "rotation")
    return ellipse((x * scale[0], y * scale[1]), (across * scale[0], down * scale[1]), rotation)
