"""One annotation file: its image's names and size, and its objects; entities and document types are refused."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.parsers import expat

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SIDES = ("xmin", "ymin", "xmax", "ymax")
SCORES = ("confidence", "score")


_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*encoding=["'](?P<encoding>[A-Za-z0-9._-]+)["'][^>]*\?>""")
_PARSED = {b"utf-8", b"utf-16", b"us-ascii", b"ascii", b"iso-8859-1"}


class XmlError(Exception):
    """The file cannot be read: one sentence, and the line where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Object:
    """One object.

    Attributes:
        index: its place among the file's objects, from 0.
        name: the label; empty where there is none.
        corners: xmin, ymin, xmax, ymax as they stand there.
        score: NaN where it has none.
        problem: why it is no box; empty where it is one.
    """

    index: int
    name: str
    corners: tuple[float, float, float, float]
    score: float
    problem: str = ""


@dataclass(slots=True)
class Annotation:
    """One file.

    Attributes:
        filename, path: what it says of its image; empty where nothing.
        width, height: 0 where it does not say.
        objects: in their order.
    """

    filename: str = ""
    path: str = ""
    width: int = 0
    height: int = 0
    objects: list[Object] = field(default_factory=list)


def parse(data: bytes) -> Annotation:
    """An annotation file's content.

    Raises:
        XmlError: it is malformed, not an annotation, or has a document type.
    """
    root = _root(data)
    if root.tag != "annotation":
        raise XmlError(f"its root is <{root.tag}>, expected <annotation>")
    size = root.find("size")
    return Annotation(
        filename=_text(root, "filename"),
        path=_text(root, "path"),
        width=_whole(size, "width"),
        height=_whole(size, "height"),
        objects=[_object(index, element) for index, element in enumerate(root.iterfind("object"))],
    )


def _root(data: bytes) -> Element:
    """The root element.

    A document type is refused before it is worked on: it could hold entities that expand without end, or that read
    other files.
    """
    try:
        text = _single_byte(data)
        if _has_document_type(text):
            raise XmlError("has a document type (<!DOCTYPE>): refused, since it can hold entities")
        return ET.fromstring(text)  # noqa: S314 # no document type, so no entities
    except ET.ParseError as error:
        raise XmlError(f"malformed XML: {expat.ErrorString(error.code)}", error.position[0]) from None
    except (LookupError, ValueError) as error:
        raise XmlError(f"its encoding cannot be read: {error}") from None


def _single_byte(data: bytes) -> bytes | str:
    """The text, decoded where its declaration names an encoding that the parser does not know (GBK, Shift JIS)."""
    declared = _DECLARATION.match(data)
    if declared is None or declared["encoding"].lower() in _PARSED:
        return data
    return data[declared.end() :].decode(declared["encoding"].decode("ascii"))


def _has_document_type(text: bytes | str) -> bool:
    """Looked for in what the parser is given: an encoding such as UTF-7 writes the same signs in other bytes."""
    if isinstance(text, str):
        return "<!DOCTYPE" in text or "<!ENTITY" in text
    text = text.replace(b"\0", b"")  # UTF-16 has one in every other place
    return b"<!DOCTYPE" in text or b"<!ENTITY" in text


def _text(element: Element | None, tag: str) -> str:
    return (element.findtext(tag) or "").strip() if element is not None else ""


def _whole(element: Element | None, tag: str) -> int:
    number = _number(_text(element, tag))
    return int(number) if number > 0 and math.isfinite(number) else 0


def _number(text: str) -> float:
    """The number, or NaN."""
    try:
        return float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan


def _object(index: int, element: Element) -> Object:
    box = element.find("bndbox")
    texts = [_text(box, side) for side in SIDES]
    x_min, y_min, x_max, y_max = (_number(text) for text in texts)
    problem = ""
    for side, text, number in zip(SIDES, texts, (x_min, y_min, x_max, y_max), strict=True):
        if not math.isfinite(number):
            problem = f"bndbox/{side}: expected a number, found '{text[:40]}'"
    score = _score(element)
    if score is None:
        problem = "its score is no number"
    name = " ".join(_text(element, "name").split())
    if not name:
        problem = "object without a name"
    return Object(index, name, (x_min, y_min, x_max, y_max), math.nan if score is None else score, problem)


def _score(element: Element) -> float | None:
    """The score, NaN where there is none, None where it is no number."""
    texts = [*(_text(element, tag) for tag in SCORES), element.get("score", "")]
    text = next((text for text in texts if text), None)
    if text is None:
        return math.nan
    score = _number(text)
    return score if math.isfinite(score) else None
