"""Writes one XML file for images, as CVAT imports it."""

from __future__ import annotations

import re
import shutil
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import output_stream

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context

NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  #: no escape can stand for these
SCORE = "score"


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write one XML file; `-` is standard output.

    A score and other attributes are values below a shape, under names that the labels declare. Outlines of one ring are
    polygons; boxes with several are rectangles, as those without: no shape has two rings.

    Raises:
        InputError: an image has no known size, or a name has a character that XML cannot hold.
    """
    labels: dict[str, set[str]] = {}
    with output_stream(target) as stream, tempfile.TemporaryFile(prefix="boxferry-") as body:
        images = 0
        for chunk in chunks:
            for image, rows in chunk.each_image():
                _note_rings(chunk, rows, image, context)
                body.write(_image(images, chunk, image, rows, labels).encode())
                images += 1
        stream.write(_head(labels, images).encode())
        _append(body, stream)
        stream.write(b"</annotations>\n")


def _note_rings(chunk: Detections, rows: slice, image: Image, context: Context) -> None:
    several = 0 if chunk.polygons is None else sum(len(rings or ()) > 1 for rings in chunk.polygons[rows])
    if several:
        message = f"{several} outlines have several rings, which no shape can have: boxes are written"
        context.tally.note("no-outline", message, Place(image.key))


def _append(body: BinaryIO, stream: BinaryIO) -> None:
    body.seek(0)
    shutil.copyfileobj(body, stream)


def _head(labels: dict[str, set[str]], images: int) -> str:
    found = "".join(_label(name, sorted(attributes)) for name, attributes in labels.items())
    task = f"<name>boxferry</name><size>{images}</size><mode>annotation</mode><labels>{found}</labels>"
    return f'<?xml version="1.0"?>\n<annotations>\n  <version>1.1</version>\n  <meta><task>{task}</task></meta>\n'


def _label(name: str, attributes: list[str]) -> str:
    declared = "".join(
        f"<attribute><name>{escape(each)}</name><mutable>False</mutable><input_type>text</input_type>"
        "<default_value></default_value><values></values></attribute>"
        for each in attributes
    )
    return f"<label><name>{escape(name)}</name><attributes>{declared}</attributes></label>"


def _image(number: int, chunk: Detections, image: Image, rows: slice, labels: dict[str, set[str]]) -> str:
    if not image.sized:
        raise InputError(f"{image.key}: its size is not known; add --images DIR, --size WxH or --categories FILE")
    name = _quoted(image.key, image.key)
    shapes = "".join(_shape(chunk, row, image, labels) for row in range(rows.start, rows.stop))
    return f'  <image id="{number}" name={name} width="{image.width}" height="{image.height}">\n{shapes}  </image>\n'


def _shape(chunk: Detections, row: int, image: Image, labels: dict[str, set[str]]) -> str:
    label = chunk.labels[chunk.label[row]]
    values = _values(chunk, row)
    labels.setdefault(label, set()).update(values)
    below = "".join(
        f"<attribute name={_quoted(name, image.key)}>{escape(_checked(str(value), image.key))}</attribute>"
        for name, value in values.items()
    )
    rings = None if chunk.polygons is None else chunk.polygons[row]
    common = f'label={_quoted(label, image.key)} source="auto" occluded="0" z_order="0"'
    if not rings or len(rings) > 1:
        sides = zip(("xtl", "ytl", "xbr", "ybr"), chunk.xyxy[row].tolist(), strict=True)
        corners = " ".join(f'{side}="{value!r}"' for side, value in sides)
        return f"    <box {common} {corners}>{below}</box>\n"
    points = ";".join(f"{x!r},{y!r}" for x, y in rings[0].tolist())
    return f'    <polygon {common} points="{points}">{below}</polygon>\n'


def _values(chunk: Detections, row: int) -> dict[str, Any]:
    """The score and the attributes of a box, as texts."""
    asked = chunk.attributes[row] if chunk.attributes is not None else None
    found = {name: value if not isinstance(value, list) else ", ".join(value) for name, value in (asked or {}).items()}
    score = chunk.score[row].item()
    return found if score != score else {**found, SCORE: repr(score)}  # noqa: PLR0124 # NaN


def _quoted(text: str, key: str) -> str:
    return quoteattr(_checked(text, key), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _checked(text: str, key: str) -> str:
    if found := NOT_XML.search(text):
        raise InputError(f"{key}: {text!r} has the character {found[0]!r}, which XML cannot hold; rename it (--map)")
    return text
