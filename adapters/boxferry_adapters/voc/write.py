"""Writes an XML file for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.decimals import short
from boxferry.boxes.tally import Place
from boxferry.boxes.unwritten import noting_unwritten
from boxferry.formats import check_sized, file_stem, output_folder
from boxferry.parsing.xml_values import xml_text
from boxferry_adapters.voc.fields import FIELDS, FLAGS, MEANT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context

SIDES = ("xmin", "ymin", "xmax", "ymax")


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write `Annotations/<image without suffix>.xml` for each image into a folder, scores as `confidence`.

    An object's `pose`, `truncated`, `difficult` and `occluded` are the attributes of these names, its outline is its
    polygons beside the box; `difficult` is 0 where a box has no such attribute.

    Raises:
        InputError: an image has no known size, its name leads out of the folder, or a name has a character that XML
            cannot hold.
    """
    chunks = noting_unwritten(chunks, context.tally, "VOC as it is written here", track=False, attributes=FIELDS)
    with output_folder(target) as folder:
        (folder / "Annotations").mkdir()
        _write_files(chunks, folder / "Annotations", context)


def _write_files(chunks: Iterable[Detections], folder: Path, context: Context) -> None:
    shift = 0.0 if context.options["voc-origin"] == "0" else 1.0
    taken: set[str] = set()
    for chunk in chunks:
        chunk = _inside(chunk, context) if shift else chunk  # noqa: PLW2901 # the chunk as the format can say it
        xyxy, label, score = short(chunk.xyxy).tolist(), chunk.label.tolist(), chunk.score.tolist()
        for image, rows in chunk.each_image():
            root = _head(image)
            for i in range(rows.start, rows.stop):
                fields = _fields(chunk, i, image, context)
                element = _add_object(root, xml_text(chunk.labels[label[i]], image.key), score[i], fields)
                _add_box(element, xyxy[i], shift)
                _add_outline(element, chunk, i, shift)
            path = folder / f"{file_stem(image, taken)}.xml"
            path.parent.mkdir(parents=True, exist_ok=True)
            indent(root)
            ElementTree(root).write(path, encoding="utf-8")


def _inside(chunk: Detections, context: Context) -> Detections:
    """The boxes without what lies left of or above their image: the format counts from 1, and has no number for it."""
    gone = np.asarray((chunk.xyxy[:, 2:] < 0).any(axis=1))
    if gone.any():
        context.tally.drop(Code.OUTSIDE_IMAGE, "it lies wholly outside its image", chunk, gone)
        chunk = chunk.take(~gone)
    cut = np.asarray((chunk.xyxy[:, :2] < 0).any(axis=1))
    if cut.any():
        context.tally.change(Code.CLIPPED, "VOC counts from 1: it is cut at the image's edge", chunk, cut)
    return chunk.replace(xyxy=np.maximum(chunk.xyxy, 0))


def _head(image: Image) -> Element:
    check_sized(image)
    root = Element("annotation")
    SubElement(root, "filename").text = xml_text(image.key, image.key)
    size = SubElement(root, "size")
    for tag, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        SubElement(size, tag).text = str(value)
    return root


def _fields(chunk: Detections, row: int, image: Image, context: Context) -> dict[str, str]:
    """The texts of an object's further fields; a flag that is neither yes nor no is left out, with a note."""
    given = (chunk.attributes[row] if chunk.attributes is not None else None) or {}
    found = {}
    for name in FIELDS:
        value = given.get(name)
        if name in FLAGS and value is not None:
            text = str(int(value)) if isinstance(value, bool | float | int) else str(value).lower()
            if text not in MEANT:
                message = f"{name}: expected yes or no, found '{value}': the object is written without"
                context.tally.note(Code.NO_FLAG, message, Place(image.key))
                continue
            found[name] = str(int(MEANT[text]))
        elif value is not None:
            found[name] = xml_text(", ".join(value) if isinstance(value, list) else str(value), image.key)
    return found


def _add_object(root: Element, name: str, score: float, fields: dict[str, str]) -> Element:
    element = SubElement(root, "object")
    SubElement(element, "name").text = name
    if score == score:  # noqa: PLR0124 # not NaN
        SubElement(element, "confidence").text = repr(score)
    for tag in ("pose", "truncated", "occluded"):
        if tag in fields:
            SubElement(element, tag).text = fields[tag]
    SubElement(element, "difficult").text = fields.get("difficult", "0")
    return element


def _add_box(element: Element, corners: list[float], shift: float) -> None:
    box = SubElement(element, "bndbox")
    x_min, y_min, x_max, y_max = corners
    for tag, value in zip(SIDES, (x_min + shift, y_min + shift, x_max, y_max), strict=True):
        SubElement(box, tag).text = _number(value)


def _add_outline(element: Element, chunk: Detections, row: int, shift: float) -> None:
    """A `polygon` for each ring, its points as x1, y1, x2, …: a point is one pixel, and has no inclusive side."""
    for ring in (chunk.polygons[row] if chunk.polygons is not None else None) or ():
        polygon = SubElement(element, "polygon")
        for number, point in enumerate(short(ring + shift).tolist(), start=1):
            for axis, value in zip("xy", point, strict=True):
                SubElement(polygon, f"{axis}{number}").text = _number(value)


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value)
