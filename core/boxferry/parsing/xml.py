"""XML from strangers: one root element, or element by element; entities and document types are refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO
from xml.etree import ElementTree as ET
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from xml.etree.ElementTree import Element

BLOCK_BYTES = 1 << 16
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*encoding=["'](?P<encoding>[A-Za-z0-9._-]+)["'][^>]*\?>""")
_PARSED = {"utf-8", "us-ascii", "ascii", "iso-8859-1"}
_MEANT = {"utf-16": "utf-8", "gb2312": "gb18030", "gbk": "gb18030"}
_REFUSED = "has a document type (<!DOCTYPE>): refused, since it can hold entities"


class XmlError(Exception):
    """The file cannot be read: one sentence, and the line where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def root_of(data: bytes) -> Element:
    """The root element of a document.

    A document type is refused before it is worked on: it could hold entities that expand without end, or that read
    other files.

    Raises:
        XmlError: it is malformed, or has a document type.
    """
    try:
        text = _single_byte(data)
        if _has_document_type(text):
            raise XmlError(_REFUSED)
        return ET.fromstring(text)  # noqa: S314 # no document type, so no entities
    except ET.ParseError as error:
        raise _malformed(error) from None
    except (LookupError, ValueError) as error:
        raise XmlError(f"its encoding cannot be read: {error}") from None


def elements_of(stream: BinaryIO, tags: Collection[str]) -> Iterator[Element]:
    """Each element right below the root that has one of the tags, with all that is in it; the root comes first, empty.

    The others are passed over, and each is forgotten when the next one comes, so that memory holds one at a time.

    Raises:
        XmlError: it is malformed, or has a document type.
    """
    target = _Target(tags)
    parser = ET.XMLParser(target=target)  # noqa: S314 # a document type is refused when it begins
    try:
        while block := stream.read(BLOCK_BYTES):
            parser.feed(block)
            yield from target.taken()
        parser.close()
    except ET.ParseError as error:
        raise _malformed(error) from None
    except (LookupError, ValueError) as error:
        raise XmlError(f"its encoding cannot be read: {error}") from None
    yield from target.taken()


class _Target:
    """Builds the elements that are asked for, as the parser meets their parts."""

    def __init__(self, tags: Collection[str]) -> None:
        self._tags = tags
        self._depth = 0
        self._builder: ET.TreeBuilder | None = None
        self._found: list[Element] = []

    def taken(self) -> list[Element]:
        """What was found since the last call."""
        found, self._found = self._found, []
        return found

    def doctype(self, name: str, public: str | None, system: str | None) -> None:  # noqa: ARG002 # the parser calls it
        raise XmlError(_REFUSED)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._depth == 0:
            self._found.append(ET.Element(tag, attributes))
        if self._depth == 1 and tag in self._tags:
            self._builder = ET.TreeBuilder()
        self._depth += 1
        if self._builder is not None:
            self._builder.start(tag, attributes)

    def data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if self._builder is not None:
            self._builder.end(tag)
            if self._depth == 1:
                self._found.append(self._builder.close())
                self._builder = None

    def close(self) -> None:
        """Nothing is left to do."""


def _malformed(error: ET.ParseError) -> XmlError:
    return XmlError(f"malformed XML: {expat.ErrorString(error.code)}", error.position[0])


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
