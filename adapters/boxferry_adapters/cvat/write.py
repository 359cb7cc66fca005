"""Writes one XML file for images, as CVAT imports it."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from boxferry.boxes.decimals import short
from boxferry.boxes.unwritten import noting_unwritten
from boxferry.formats import check_sized, output_stream
from boxferry.parsing.values import TRACK
from boxferry.parsing.xml_values import xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context

SCORE = "score"
OWN = {"source": "auto", "occluded": "0", "z_order": "0"}  #: what a shape has itself, and what it is by default


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write one XML file; `-` is standard output.

    A score, a track (`track_id`) and other attributes are values below a shape, under names that the labels declare;
    `occluded` and what else a shape has itself is written there. Outlines of one ring are polygons; boxes with several
    are rectangles, as those without: no shape has two rings.

    Raises:
        InputError: an image has no known size, or a name has a character that XML cannot hold.
    """
    labels: dict[str, set[str]] = {}
    chunks = noting_unwritten(chunks, context.tally, "a shape of CVAT", rings=1)
    with output_stream(target) as stream, tempfile.TemporaryFile(prefix="boxferry-") as body:
        images = 0
        for chunk in chunks:
            for image, rows in chunk.each_image():
                body.write(_image(images, chunk, image, rows, labels).encode())
                images += 1
        stream.write(_head(labels, images).encode())
        body.seek(0)
        shutil.copyfileobj(body, stream)
        stream.write(b"</annotations>\n")


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
    check_sized(image)
    name = _quoted(image.key, image.key)
    shapes = "".join(_shape(chunk, row, image, labels) for row in range(rows.start, rows.stop))
    return f'  <image id="{number}" name={name} width="{image.width}" height="{image.height}">\n{shapes}  </image>\n'


def _shape(chunk: Detections, row: int, image: Image, labels: dict[str, set[str]]) -> str:
    label = chunk.labels[chunk.label[row]]
    values = _values(chunk, row)
    own = {**OWN, **{name: values.pop(name) for name in OWN if name in values}}
    labels.setdefault(label, set()).update(values)
    below = "".join(
        f"<attribute name={_quoted(name, image.key)}>{escape(xml_text(value, image.key))}</attribute>"
        for name, value in values.items()
    )
    rings = None if chunk.polygons is None else chunk.polygons[row]
    common = " ".join(f"{name}={_quoted(value, image.key)}" for name, value in {"label": label, **own}.items())
    if not rings or len(rings) > 1:
        sides = zip(("xtl", "ytl", "xbr", "ybr"), short(chunk.xyxy[row]).tolist(), strict=True)
        corners = " ".join(f'{side}="{value!r}"' for side, value in sides)
        return f"    <box {common} {corners}>{below}</box>\n"
    points = ";".join(f"{x!r},{y!r}" for x, y in short(rings[0]).tolist())
    return f'    <polygon {common} points="{points}">{below}</polygon>\n'


def _values(chunk: Detections, row: int) -> dict[str, str]:
    """The score, the track and the attributes of a box, as texts."""
    asked = chunk.attributes[row] if chunk.attributes is not None else None
    found = {name: _text(name, value) for name, value in (asked or {}).items()}
    if chunk.track is not None and chunk.track[row] >= 0:
        found[TRACK] = str(chunk.track[row])
    score = chunk.score[row].item()
    return found if score != score else {**found, SCORE: repr(score)}  # noqa: PLR0124 # NaN


def _text(name: str, value: Any) -> str:  # noqa: ANN401 # text, number, bool, or a list of texts
    if isinstance(value, bool):
        return str(int(value)) if name in OWN else str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value)


def _quoted(text: str, key: str) -> str:
    return quoteattr(xml_text(text, key), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})
