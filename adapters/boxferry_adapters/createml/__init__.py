"""The format `createml`: a JSON list of images, each with boxes by centre and size in pixels, as Create ML takes it.

The format is defined at https://developer.apple.com/documentation/createml/building-an-object-detector-data-source:
`[{"image": name, "annotations": [{"label": …, "coordinates": {"x": …, "y": …, "width": …, "height": …}}]}]`, x and y
being the box's centre, counted from the image's top left corner. Earlier writers call the keys `imagefilename` and
`annotation`. A `confidence`, which Vision's results have and the format does not, is taken as the score.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import Code
from boxferry.formats import Format
from boxferry.hookspecs import registering
from boxferry.parsing.documents import items_of
from boxferry.parsing.encoding import utf8_head
from boxferry.parsing.files import heads_of
from boxferry.parsing.gather import BadBox, BadImage, Box, Gathering, located, usable
from boxferry.parsing.values import label_of, number, score_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Place
    from boxferry.formats import Context, Source

NAME_KEYS = ("image", "imagefilename")
LIST_KEYS = ("annotations", "annotation")
SIDES = ("x", "y", "width", "height")
BEGINNING = re.compile(rb'^\s*\[\s*\{\s*"(image|imagefilename|annotations?)"\s*:')
COORDINATES = re.compile(rb'"coordinates"\s*:\s*\{')
EMPTY_LIST = re.compile(rb'"annotations?"\s*:\s*\[\s*\]')


def sniff(source: Source) -> str | None:
    """Recognise the keys of a list's first items."""
    for head in heads_of(source, ".json"):
        text = utf8_head(head)
        named = BEGINNING.match(text) and (b'"image"' in text or b'"imagefilename"' in text)
        if not named or not (COORDINATES.search(text) or EMPTY_LIST.search(text)):
            return None
        return "a JSON list whose items have image, and annotations with label and coordinates"
    return None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of images; one that does not say what it is about fails alone.

    Raises:
        InputError: it is no JSON.
    """
    gathering = Gathering(context)
    return gathering.read(items_of(source, context, ".json"), partial(_image, gathering))


def _image(gathering: Gathering, item: Any, place: Place) -> tuple[Image, list[Box]]:  # noqa: ANN401 # any JSON value
    if not isinstance(item, dict):
        raise BadImage(f"expected an object, found {shown(item)}", Code.BAD_IMAGE)
    name = next((item[key] for key in NAME_KEYS if isinstance(item.get(key), str)), "")
    objects, context = _objects(item), gathering.context
    image = located(context, [name], source=place.source, boxes=len(objects))
    return image, usable(objects, partial(_box, gathering, place.item or 0), context, place)


def _objects(item: dict[str, Any]) -> list[Any]:
    found = [item[key] for key in LIST_KEYS if item.get(key) is not None]
    return [] if not found else found[0] if isinstance(found[0], list) else [found[0]]


def _box(gathering: Gathering, row: int, value: Any, _: int) -> Box:  # noqa: ANN401 # any JSON value
    if not isinstance(value, dict) or not isinstance(value.get("coordinates"), dict):
        raise BadBox(f"expected an object with label and coordinates, found {shown(value)}")
    x, y, width, height = (number(value["coordinates"].get(side), side) for side in SIDES)
    if width < 0 or height < 0:
        raise BadBox(f"width and height cannot be negative, found {width:g} and {height:g}")
    return Box(
        code=gathering.vocabulary.add(label_of(value.get("label"))),
        corners=(x - width / 2, y - height / 2, x + width / 2, y + height / 2),
        score=score_of(value.get("confidence"), "confidence"),
        row=row,
    )


SUMMARY = "a JSON list of images with labels and coordinates, as Create ML has it"
boxferry_register_formats = registering(Format(name="createml", summary=SUMMARY, sniff=sniff, read=read))
