"""Reads files into chunks."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import Code
from boxferry.boxes.outlines import bounds_of
from boxferry.parsing.documents import documents_of, object_of
from boxferry.parsing.files import TextError, plain
from boxferry.parsing.gather import BadBox, BadImage, Box, Gathering, located, usable
from boxferry.parsing.values import TRACK, is_field, label_of, score_of, shown, track_of, whole
from boxferry_adapters.labelme.shapes import outline_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Place
    from boxferry.formats import Context, Source
    from boxferry.parsing.files import File

FIELDS = ("difficult", "description", "group_id")  #: of a shape that can be asked for, besides its flags and attributes
WHOLE = ("rectangle", "circle", "rotation")  #: shapes that are an object each, whatever group they are in
DERIVED = "shapes are no rectangles: their boxes are the bounds of their outlines"
JOINED = "outlines are parts of objects, by their group_id: an object is one box"


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Chunks of files; one that is none fails alone."""
    gathering = Gathering(context, source=source.name)
    return gathering.read(documents_of(source, context, ".json"), _Reader(context, gathering).image)


@dataclass(frozen=True, slots=True)
class _Reader:
    _context: Context
    _gathering: Gathering

    def image(self, document: tuple[File, bytes], place: Place) -> tuple[Image, list[Box]]:
        """The image that a file is about, and its boxes.

        Raises:
            BadImage: it is no such file, or its image cannot be told.
        """
        file, value = document[0], _document(document[1])
        shapes = value.get("shapes")
        if not isinstance(shapes, list):
            raise BadImage(f"shapes: expected a list, found {shown(shapes)}", Code.BAD_FILE)
        said = whole(value.get("imageWidth")), whole(value.get("imageHeight"))
        names = _names(value.get("imagePath"), file.relative)
        image = located(self._context, names, said=said, source=file.shown, boxes=len(shapes))
        return image, self._grouped(usable(shapes, self._box, self._context, place), shapes)

    def _box(self, shape: Any, index: int) -> Box:  # noqa: ANN401 # any JSON value
        if not isinstance(shape, dict):
            raise BadBox(f"expected an object, found {shown(shape)}")
        corners, ring = outline_of(shape)
        label = label_of(shape.get("label"))
        score = score_of(shape.get("score"))
        more = shape.get("attributes")
        if ring is not None:
            self._gathering.remark(Code.DERIVED, DERIVED)
        return Box(
            code=self._gathering.vocabulary.add(label),
            corners=corners,
            score=score,
            row=index,
            track=track_of(more.get(TRACK)) if isinstance(more, dict) else -1,
            rings=() if ring is None else (ring,),
            fields=_fields(shape) if self._context.attributes else {},
        )

    def _grouped(self, boxes: list[Box], shapes: list[dict[str, Any]]) -> list[Box]:
        """With the outlines of one label and one group made one box; the first of them keeps its place and fields."""
        found: dict[object, Box] = {}
        for box in boxes:
            shape = shapes[box.row]
            group = shape.get("group_id")
            apart = not box.rings or shape.get("shape_type") in WHOLE or not isinstance(group, int | str)
            key = (box.row,) if apart else (box.code, group)
            if (first := found.setdefault(key, box)) is not box:
                self._gathering.remark(Code.JOINED, JOINED)
                first.rings += box.rings
                first.corners = bounds_of(first.rings)
        return list(found.values())


def _document(data: bytes) -> dict[str, Any]:
    try:
        text = plain(data)
    except TextError as error:
        raise BadImage(str(error), Code.BAD_ENCODING) from None
    return object_of(text, "an object with shapes", malformed="malformed JSON", code=Code.BAD_JSON)


def _names(path: Any, relative: str) -> Iterator[str]:  # noqa: ANN401 # any JSON value
    """What the image may be called: `imagePath` from the file's own folder on, or alone; else as the file is."""
    if isinstance(path, str) and path.strip():
        path = path.replace("\\", "/")
        yield posixpath.normpath(posixpath.join(posixpath.dirname(relative), path))
        yield path
    else:
        yield posixpath.splitext(relative)[0]


def _fields(shape: dict[str, Any]) -> dict[str, Any]:
    """The further fields of a shape: some keys of its own, its flags and its attributes."""
    found = {name: shape[name] for name in FIELDS if shape.get(name) not in {None, ""}}
    for key in ("flags", "attributes"):
        more = shape.get(key)
        found |= more if isinstance(more, dict) else {}
    return {name: value for name, value in found.items() if is_field(value)}
