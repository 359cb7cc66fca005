"""One annotation file: its image's names and size, and its objects."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.parsing import compiled
from boxferry.parsing.xml import XmlError, root_of
from boxferry.parsing.xml_values import text_of, whole_of
from boxferry_adapters.voc.objects import Wish, objects_of

if TYPE_CHECKING:
    from boxferry_adapters.voc.objects import Object

NOTHING_MORE = Wish()


@dataclass(slots=True)
class Columns:
    """N objects of which nothing is to be said but label, box and score.

    Attributes:
        labels: (N,) their names.
        corners: 4 N numbers: xmin, ymin, xmax, ymax as they stand there.
        scores: (N,) NaN where it is missing.
    """

    labels: list[str]
    corners: array[float]
    scores: array[float]


@dataclass(slots=True)
class Annotation:
    """One file.

    Attributes:
        filename, path: what it says of its image; empty where nothing.
        width, height: 0 where it does not say.
        objects: in their order, parts after their object where they are wanted.
        parts: how many parts the objects have that are not wanted.
        columns: the objects, where they are known as columns alone.
    """

    filename: str = ""
    path: str = ""
    width: int = 0
    height: int = 0
    objects: list[Object] = field(default_factory=list)
    parts: int = 0
    columns: Columns | None = None

    @property
    def boxes(self) -> int:
        """How many objects there are."""
        return len(self.objects) if self.columns is None else len(self.columns.labels)


def parse(data: bytes, wish: Wish) -> Annotation:
    """An annotation file's content, as far as it is wanted.

    Raises:
        XmlError: it is malformed, not an annotation, or has a document type.
    """
    if wish == NOTHING_MORE and (plain := parse_compiled(data)) is not None:
        return plain
    return parse_carefully(data, wish)


def parse_compiled(data: bytes) -> Annotation | None:
    """A plain file's content, by the compiled function; None where it is not compiled or leaves the file alone."""
    found = None if compiled.speedups is None else compiled.speedups.voc_objects(data)
    if found is None:
        return None
    filename, path, width, height, labels, corners, scores = found
    columns = Columns(labels, array("d", corners), array("d", scores))
    return Annotation(filename, path, width, height, columns=columns)


def parse_carefully(data: bytes, wish: Wish) -> Annotation:
    """Any file's content.

    Raises:
        XmlError: as `parse`.
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
