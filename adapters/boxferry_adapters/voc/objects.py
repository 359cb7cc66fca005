"""One object of an annotation file: its label, its box or what stands for it, and what else is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.outlines import bounds_of
from boxferry.parsing.xml_values import number_of, text_of
from boxferry_adapters.voc.fields import fields_of
from boxferry_adapters.voc.outlines import OutlineError, polygon_of, rotated_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from boxferry_adapters.voc.outlines import Ring

    Corners = tuple[float, float, float, float]

NO_SCORE = (None, None, None)
SIDES = ("xmin", "ymin", "xmax", "ymax")
NOWHERE = (math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is read of an object besides its label, box and score.

    Attributes:
        fields: the names of further fields, of those in `fields.FIELDS`.
        outlines: whether its outline is wanted where it has a box.
        parts: whether its parts are boxes of their own.
    """

    fields: tuple[str, ...] = ()
    outlines: bool = False
    parts: bool = False


class Object(msgspec.Struct, gc=False):
    """One object, or one part of an object.

    Attributes:
        index: the object's place among the file's objects, from 0.
        name: the label; empty where there is none.
        corners: xmin, ymin, xmax, ymax as they stand there.
        score: NaN where it has none.
        rings: its outline, as it stands there; () where it has none, or none was wanted.
        rotated: whether the outline is a `robndbox`, which counts from 0 whatever the file does.
        derived: whether the corners are the bounds of its outline, and not its `bndbox`.
        fields: the further fields that it has.
        difficult: whether it, or the object that it is a part of, is marked so; False unless that field is wanted.
        remarks: what is wrong with it, though it is a box.
        problem: why it is no box; empty where it is one.
        code: the reason in a fixed word, where it has a problem.
    """

    index: int
    name: str = ""
    corners: Corners = NOWHERE
    score: float = math.nan
    rings: tuple[Ring, ...] = ()
    rotated: bool = False
    derived: bool = False
    fields: dict[str, bool | str] = {}
    difficult: bool = False
    remarks: tuple[str, ...] = ()
    problem: str = ""
    code: str = Code.BAD_BOX


def objects_of(elements: Iterable[Element], wish: Wish) -> list[Object]:
    """Objects, each with its parts after it where they are wanted."""
    if not wish.parts:
        return [_object(element, index, wish) for index, element in enumerate(elements)]
    found = []
    for index, element in enumerate(elements):
        whole = _object(element, index, wish)
        found += [whole, *(_part(part, whole, wish) for part in element.iterfind("part"))]
    return found


def _part(element: Element, whole: Object, wish: Wish) -> Object:
    """A part of an object; it is difficult where the object is."""
    part = _object(element, whole.index, wish)
    part.difficult |= whole.difficult
    if part.problem:
        part.problem = f"part: {part.problem}"
    return part


def _object(element: Element, index: int, wish: Wish) -> Object:
    found = Object(index, " ".join((element.findtext("name") or "").split()))
    if (element.findtext("deleted") or "").strip() == "1":
        found.code, found.problem = Code.DELETED, "it is marked as deleted"
        return found
    _place(found, element, wish)
    score = _score(element)
    if score is None:
        found.problem = "its score is no number"
    else:
        found.score = score
    if not found.name:
        found.problem = "object without a name"
    if wish.fields:
        found.fields, remarks = fields_of(element, wish.fields)
        found.remarks += remarks
        found.difficult = found.fields.get("difficult") is True
    return found


def _place(found: Object, element: Element, wish: Wish) -> None:
    """Give an object its corners and its outline, or its problem."""
    box = element.find("bndbox")
    if box is None:
        box = element.find("segm/box")  # of LabelMe's masks
    if box is not None:
        _take_box(found, box)
        if not wish.outlines:
            return
    try:
        found.rings = polygon_of(element)
        if not found.rings:
            found.rings = rotated_of(element)
            found.rotated = bool(found.rings)
    except OutlineError as error:
        if box is None:
            found.problem = str(error)
        else:
            found.remarks += (f"{error}; its box is kept",)
        return
    if box is None:
        _take_bounds(found)


def _take_box(found: Object, box: Element) -> None:
    child = box.findtext
    texts = child("xmin") or "", child("ymin") or "", child("xmax") or "", child("ymax") or ""
    try:
        x_min, y_min, x_max, y_max = found.corners = (
            float(texts[0]),
            float(texts[1]),
            float(texts[2]),
            float(texts[3]),
        )
        good = math.isfinite(x_min + y_min + x_max + y_max) and "_" not in "".join(texts)
    except ValueError:
        good = False
    if not good:
        found.corners = (number_of(texts[0]), number_of(texts[1]), number_of(texts[2]), number_of(texts[3]))
        for side, number in zip(SIDES, found.corners, strict=True):
            if not math.isfinite(number):
                found.problem = f"bndbox/{side}: expected a number, found '{text_of(box, side)[:40]}'"


def _take_bounds(found: Object) -> None:
    if found.rings:
        found.corners = bounds_of(found.rings)
        found.derived = True
    else:
        found.problem = "it has no bndbox, and no polygon or robndbox in its place"


def _score(element: Element) -> float | None:
    """The score, NaN where there is none, None where it is no number."""
    given = element.findtext("confidence"), element.findtext("score"), element.get("score")
    if given == NO_SCORE:
        return math.nan
    text = next((text.strip() for text in given if text and not text.isspace()), None)
    if text is None:
        return math.nan
    score = number_of(text)
    return score if math.isfinite(score) else None
