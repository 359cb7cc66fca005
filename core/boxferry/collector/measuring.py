"""Sizes of the images that a loop's results are of, read out of their files once the loop has gone on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Loss
from boxferry.boxes.join import only_images
from boxferry.errors import InputError
from boxferry.reading.headers import header_size

if TYPE_CHECKING:
    from boxferry.boxes.detections import Detections, Image
    from boxferry.collector.report import CollectorReport


def measured(chunk: Detections, report: CollectorReport) -> Detections:
    """A chunk whose images have the sizes of their files; those whose result was of another size are lost, and counted.

    The size of an image of which there is no file stays as the result says it.
    """
    found: list[Image] = []
    for image, rows in chunk.each_image():
        try:
            found.append(_measured(image))
        except InputError as error:
            report.lose(Loss.UNUSABLE, 1, rows.stop - rows.start)
            report.note(str(error))
    kept = chunk if len(found) == len(chunk.images) else only_images(chunk, {image.key for image in found})
    return kept.replace(images=tuple(found))


def _measured(image: Image) -> Image:
    """An image with the size of its file.

    Raises:
        InputError: its result says another size.
    """
    if image.video or not image.media or (size := _size(image.media)) is None:
        return image
    if image.sized and (image.width, image.height) != size:
        sizes = f"{image.width}x{image.height}, the image is {size[0]}x{size[1]}"
        raise InputError(f"{image.media}: the result is of an image of {sizes}: its boxes may be wrong")
    return msgspec.structs.replace(image, width=size[0], height=size[1])


def _size(path: str) -> tuple[int, int] | None:
    """The size of an image file; None where it cannot be read, or has gone meanwhile."""
    try:
        return header_size(path)
    except InputError:
        return None
