"""The format `ndjson`: Ultralytics' data sets as lines of JSON, one of the data set and one for each image.

The format is defined at https://docs.ultralytics.com/datasets/detect/#ultralytics-ndjson-format, and by what reads it,
`convert_ndjson_to_yolo` in https://github.com/ultralytics/ultralytics/blob/main/ultralytics/data/converter.py. The rows
of `annotations` are those of YOLO's label files, shares of the image's size: `boxes` and `pose` are class, centre and
size (key points follow), `segments` class and corners, `obb` class and four corners. The first key
that has rows counts. A row has no place for a score.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import Vocabulary, id_key
from boxferry.boxes.outlines import bounds_of
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import Format
from boxferry.hookspecs import registering
from boxferry.parsing.documents import object_of
from boxferry.parsing.encoding import utf8_head
from boxferry.parsing.files import heads_of, streams_of
from boxferry.parsing.gather import BadBox, BadImage, Box, Gathering, located, usable
from boxferry.parsing.values import flat_ring, number, shown, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Id, Source
    from boxferry.parsing.files import File

DATASET = re.compile(
    rb'^\s*\{(?![^\n]*"(?:instance_list|frame_packet_map|original_filename)")[^\n]*"type"\s*:\s*"(dataset|image)"'
)  #: packets have "type": "image" too
WITH_CENTRE = ("boxes", "pose")
WITH_CORNERS = ("segments", "obb")
NO_BOXES = ("classification", "depth")


def sniff(source: Source) -> str | None:
    """Recognise the first line."""
    for head in heads_of(source, ".ndjson", ".jsonl"):
        found = DATASET.match(utf8_head(head).partition(b"\n")[0])
        return f'lines of JSON, the first of type "{found[1].decode()}"' if found else None
    return None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of images; a line that is none fails alone.

    Raises:
        InputError: the data set has no class names and none are given, or others than those that are given.
    """
    seen: dict[str, str] = {}
    for file, stream in streams_of(source, context, ".ndjson", ".jsonl", json=True):
        yield from _File(context, file, seen).chunks(stream)


class _File:
    """Reads one file, whose class ids are its own."""

    def __init__(self, context: Context, file: File, seen: dict[str, str]) -> None:
        self._context = context
        self._file = file
        self._gathering = Gathering(context, context.names, row_unit="line", seen=seen)
        self._named = bool(context.names)

    def chunks(self, stream: Iterator[bytes]) -> Iterator[Detections]:
        """Its images."""
        return self._gathering.chunks(self._images(stream))

    def _images(self, stream: Iterator[bytes]) -> Iterator[tuple[Image, list[Box], Place]]:
        for line, text in enumerate(stream, start=1):
            if not (text := text.removeprefix(b"\xef\xbb\xbf").strip()):
                continue
            place = Place(self._file.shown, line=line)
            try:
                value = object_of(text, "an object", malformed="not a line of JSON, or cut off", code=Code.BAD_LINE)
                if value.get("type") == "dataset":
                    self._name(value.get("class_names"), place)
                else:
                    yield *self._image(value, place), place
            except BadImage as error:
                self._gathering.fail(error, place)

    def _name(self, names: Any, place: Place) -> None:  # noqa: ANN401 # any JSON value
        """Take the class names of the data set's line.

        Raises:
            BadImage: it is not the first line.
            InputError: others are given for its classes.
        """
        if place.line != 1:
            raise BadImage("a second data set begins here; expected one a file", Code.BAD_LINE)
        pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else ()
        own: dict[Id, str] = {id_key(key): name for key, name in pairs if isinstance(name, str)}
        for class_id, name in own.items():
            if self._context.names.get(class_id, name) != name:
                given = self._context.names[class_id]
                raise InputError(f"{place}: class {class_id} is '{name}', but '{given}' in the names given")
        if own:
            self._context.classes.learn(own, self._file.shown)
            self._gathering.vocabulary = Vocabulary({**self._context.names, **own})
            self._named = True

    def _image(self, value: dict[str, Any], place: Place) -> tuple[Image, list[Box]]:
        key, rows = _rows(value)
        name, said = value.get("file"), (whole(value.get("width")), whole(value.get("height")))
        names = [name if isinstance(name, str) else ""]
        image = located(self._context, names, said=said, source=self._file.shown, boxes=len(rows), shares=True)
        if rows and not self._named:
            raise InputError(f"{place}: its classes have no names: the first line has no class_names; give --names")
        return image, usable(rows, partial(self._box, key, image, place), self._context, place)

    def _box(self, key: str, image: Image, place: Place, row: Any, _: int) -> Box:  # noqa: ANN401 # any JSON value
        if not isinstance(row, list) or not row:
            raise BadBox(f"{key}: expected a list of numbers, found {shown(row)}")
        class_id = number(row[0], "class")
        if class_id < 0 or class_id % 1:
            raise BadBox(f"class {class_id:g}; expected a whole number from 0")
        corners, rings = _shape(key, row[1:], image)
        code = self._gathering.vocabulary.code(int(class_id), place)
        return Box(code=code, corners=corners, rings=rings, row=place.line or -1)


def _rows(value: dict[str, Any]) -> tuple[str, list[Any]]:
    """The key of an image's boxes, and their rows: the first that has some, as for Ultralytics."""
    annotations = value.get("annotations")
    for key, rows in annotations.items() if isinstance(annotations, dict) else ():
        if key in NO_BOXES:
            raise BadImage(f"its annotations are of kind {key}: it has no boxes", Code.NO_BOXES)
        if isinstance(rows, list) and rows:
            if key not in (*WITH_CENTRE, *WITH_CORNERS):
                kinds = ", ".join((*WITH_CENTRE, *WITH_CORNERS))
                raise BadImage(f"annotations of kind {shown(key)}; expected {kinds}", Code.NO_BOXES, len(rows))
            return key, rows
    return "", []


def _shape(key: str, numbers: list[Any], image: Image) -> tuple[tuple[float, float, float, float], tuple[Any, ...]]:
    """Corners in pixels, and the outline where the row is one."""
    if key in WITH_CORNERS:
        ring = flat_ring(numbers, key, (image.width, image.height))
        return bounds_of([ring]), (ring,)
    if len(numbers) < 4 or (key == "boxes" and len(numbers) != 4):
        raise BadBox(f"{key}: {len(numbers) + 1} numbers; expected class, x, y, width, height")
    x, y, width, height = (number(value, key) for value in numbers[:4])
    if width < 0 or height < 0:
        raise BadBox(f"{key}: width and height cannot be negative, found {width:g} and {height:g}")
    left, right = (x - width / 2) * image.width, (x + width / 2) * image.width
    top, bottom = (y - height / 2) * image.height, (y + height / 2) * image.height
    return (left, top, right, bottom), ()


SUMMARY = "lines of JSON, the first of a data set, the others of its images, as Ultralytics has them"
boxferry_register_formats = registering(Format(name="ndjson", summary=SUMMARY, sniff=sniff, read=read))
