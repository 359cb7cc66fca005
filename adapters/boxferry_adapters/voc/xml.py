"""One annotation file: its image's names and size, and its objects; entities and document types are refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.parsers import expat

from boxferry_adapters.voc.objects import objects_of
from boxferry_adapters.voc.values import text_of, whole_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from boxferry_adapters.voc.objects import Object, Wish

_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*encoding=["'](?P<encoding>[A-Za-z0-9._-]+)["'][^>]*\?>""")
_PARSED = {"utf-8", "us-ascii", "ascii", "iso-8859-1"}
_MEANT = {"utf-16": "utf-8", "gb2312": "gb18030", "gbk": "gb18030"}


class XmlError(Exception):
    """The file cannot be read: one sentence, and the line where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Annotation:
    """One file.

    Attributes:
        filename, path: what it says of its image; empty where nothing.
        width, height: 0 where it does not say.
        objects: in their order, parts after their object where they are wanted.
        parts: how many parts the objects have that are not wanted.
    """

    filename: str = ""
    path: str = ""
    width: int = 0
    height: int = 0
    objects: list[Object] = field(default_factory=list)
    parts: int = 0


def parse(data: bytes, wish: Wish) -> Annotation:
    """An annotation file's content, as far as it is wanted.

    Raises:
        XmlError: it is malformed, not an annotation, or has a document type.
    """
    root = _root(data)
    if root.tag != "annotation":
        raise XmlError(f"its root is <{root.tag}>, expected <annotation>")
    size, elements = root.find("size"), root.findall("object")
    return Annotation(
        filename=text_of(root, "filename"),
        path=text_of(root, "path"),
        width=whole_of(size, "width"),
        height=whole_of(size, "height"),
        objects=objects_of(elements, wish),
        parts=0 if wish.parts else sum(len(e.findall("part")) for e in elements if e.find("part") is not None),
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
    """The text, decoded where its declaration names an encoding that the parser does not know (GBK, Shift JIS).

    A declaration that can be read byte by byte does not stand in UTF-16, whatever it says: .NET writes it so over
    UTF-8. Files that name GB 2312 hold characters of its supersets.
    """
    declared = _DECLARATION.match(data)
    if declared is None or (encoding := declared["encoding"].decode("ascii").lower()) in _PARSED:
        return data
    return data[declared.end() :].decode(_MEANT.get(encoding, encoding))


def _has_document_type(text: bytes | str) -> bool:
    """Looked for in what the parser is given: an encoding such as UTF-7 writes the same signs in other bytes."""
    if isinstance(text, str):
        return "<!DOCTYPE" in text or "<!ENTITY" in text
    text = text.replace(b"\0", b"")  # UTF-16 has one in every other place
    return b"<!DOCTYPE" in text or b"<!ENTITY" in text
