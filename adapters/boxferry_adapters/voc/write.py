"""Writes an XML file for each image."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context

NEARLY_0 = 1e-6  #: in place of a minimum of 0, which would say that the file counts from 0
SIDES = ("xmin", "ymin", "xmax", "ymax")


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write `Annotations/<image without suffix>.xml` for each image into a folder, scores as `confidence`.

    Raises:
        InputError: an image has no known size, or its name leads out of the folder.
    """
    shift = 1.0 if context.options["voc-origin"] == "1" else 0.0
    (target / "Annotations").mkdir(parents=True, exist_ok=True)
    for chunk in chunks:
        xyxy, label, score = chunk.xyxy.tolist(), chunk.label.tolist(), chunk.score.tolist()
        for image, rows in chunk.each_image():
            root = _head(image)
            for i in range(rows.start, rows.stop):
                _add_object(root, chunk.labels[label[i]], score[i], xyxy[i], shift)
            path = _path(target / "Annotations", image)
            path.parent.mkdir(parents=True, exist_ok=True)
            indent(root)
            ElementTree(root).write(path, encoding="utf-8")


def _head(image: Image) -> Element:
    if not image.sized:
        raise InputError(f"{image.key}: its size is not known; add --images DIR, --size WxH or --categories FILE")
    root = Element("annotation")
    SubElement(root, "filename").text = image.key
    size = SubElement(root, "size")
    for tag, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        SubElement(size, tag).text = str(value)
    return root


def _add_object(root: Element, name: str, score: float, corners: list[float], shift: float) -> None:
    element = SubElement(root, "object")
    SubElement(element, "name").text = name
    if score == score:  # noqa: PLR0124 # not NaN
        SubElement(element, "confidence").text = repr(score)
    SubElement(element, "difficult").text = "0"
    box = SubElement(element, "bndbox")
    x_min, y_min, x_max, y_max = corners
    for tag, value in zip(SIDES, (x_min + shift or NEARLY_0, y_min + shift or NEARLY_0, x_max, y_max), strict=True):
        SubElement(box, tag).text = f"{value:.0f}" if value.is_integer() else repr(value)


def _path(folder: Path, image: Image) -> Path:
    key = PurePosixPath(image.key)
    if key.is_absolute() or ".." in key.parts or not key.stem:
        raise InputError(f"{image.key}: the image's name leads out of the folder {folder}")
    return folder / key.with_name(key.stem + ".xml")
