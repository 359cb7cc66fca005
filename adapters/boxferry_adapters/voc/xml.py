"""One annotation file: its image's names and size, and its objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.parsing.xml import XmlError, root_of
from boxferry.parsing.xml_values import text_of, whole_of
from boxferry_adapters.voc.objects import objects_of

if TYPE_CHECKING:
    from boxferry_adapters.voc.objects import Object, Wish


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
    root = root_of(data)
    if root.tag != "annotation":
        raise XmlError(f"its root is <{root.tag}>, expected <annotation>")
    size, elements = root.find("size"), root.findall("object")
    sides = ("width", "height")
    if size is None and (size := root.find("imagesize")) is not None:  # LabelMe's
        sides = ("ncols", "nrows")
    return Annotation(
        filename=text_of(root, "filename"),
        path=text_of(root, "path"),
        width=whole_of(size, sides[0]),
        height=whole_of(size, sides[1]),
        objects=objects_of(elements, wish),
        parts=0 if wish.parts else sum(len(e.findall("part")) for e in elements if e.find("part") is not None),
    )
