"""Outlines of objects: polygons, and the rotated boxes of roLabelImg."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from boxferry.parsing.xml_values import number_of, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray

    Ring = NDArray[np.float64]  # (K, 2) x and y as they stand in the file

NUMBERED = re.compile(r"(?P<axis>[xy])(?P<number>\d+)")
ROTATED = ("cx", "cy", "w", "h", "angle")


class OutlineError(Exception):
    """An outline cannot be read; one sentence."""


def polygon_of(element: Element) -> tuple[Ring, ...]:
    """An object's polygons, a ring for each: points as x1, y1, x2, …, or as LabelMe's pt/x and pt/y; () without.

    Raises:
        OutlineError: a coordinate is missing or no number, or a ring has under three points.
    """
    return tuple(_ring(polygon) for polygon in element.iterfind("polygon"))


def rotated_of(element: Element) -> tuple[Ring, ...]:
    """An object's `robndbox` as the ring of its four corners; () without.

    roLabelImg writes the centre and the sides in pixels of the plane, 0-based, and the angle in radians, clockwise as
    the image is seen; see `libs/labelFile.py` in https://github.com/cgvict/roLabelImg.

    Raises:
        OutlineError: a number is missing or is none, or a side is negative.
    """
    box = element.find("robndbox")
    if box is None:
        return ()
    cx, cy, w, h, angle = (_finite("robndbox", tag, text_of(box, tag)) for tag in ROTATED)
    if w < 0 or h < 0:
        raise OutlineError(f"robndbox: width and height cannot be negative, found {w:g} and {h:g}")
    cos, sin = math.cos(angle), math.sin(angle)
    sides = ((-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2))
    return (np.array([(cx + x * cos - y * sin, cy + x * sin + y * cos) for x, y in sides]),)


def _ring(polygon: Element) -> Ring:
    texts = [(text_of(point, "x"), text_of(point, "y")) for point in polygon.iterfind("pt")] or _numbered(polygon)
    if len(texts) < 3:
        raise OutlineError(f"polygon: expected three points or more (x1, y1, x2, …), found {len(texts)}")
    return np.array([[_finite("polygon", axis, text) for axis, text in zip("xy", pair, strict=True)] for pair in texts])


def _numbered(polygon: Element) -> list[tuple[str, str]]:
    """The texts of x1 and y1, x2 and y2, …, in the order of their numbers."""
    found: dict[int, dict[str, str]] = {}
    for child in polygon:
        if match := NUMBERED.fullmatch(child.tag):
            found.setdefault(int(match["number"][:9]), {})[match["axis"]] = (child.text or "").strip()
    return [(found[number].get("x", ""), found[number].get("y", "")) for number in sorted(found)]


def _finite(outline: str, tag: str, text: str) -> float:
    number = number_of(text)
    if not math.isfinite(number):
        raise OutlineError(f"{outline}/{tag}: expected a number, found '{text[:40]}'")
    return number
