"""An image with its boxes drawn on it, by Pillow, which is imported when one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.errors import InputError, UsageError
from boxferry.formats import open_file
from boxferry.pages.colours import colour_of

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from boxferry.boxes.detections import Detections, Image


def drawn(image: Image, boxes: Detections) -> Picture:
    """An image with its boxes, each with its label and score.

    Args:
        image: the image; its `media` is where its pixels are.
        boxes: those to be drawn, in pixels of the image as it is shown.

    Raises:
        UsageError: Pillow is not installed.
        InputError: where the image is, is not known, it is a video, or it cannot be read.
    """
    picture = _opened(image)
    from PIL import ImageDraw

    pen, width = ImageDraw.Draw(picture), max(1, max(picture.size) // 400)
    for corners, code, score in zip(boxes.xyxy.tolist(), boxes.label.tolist(), boxes.score.tolist(), strict=True):
        colour = colour_of(boxes.labels[code])
        pen.rectangle(_ordered(corners), outline=colour, width=width)
        caption = boxes.labels[code] + (f" {score:.2f}" if score == score else "")  # noqa: PLR0124 # NaN is no score
        pen.text((corners[0] + width + 1, corners[1] + width), caption, fill=colour)
    return picture


def _opened(image: Image) -> Picture:
    if image.video or not image.media:
        why = "a video" if image.video else "where its pixels are is not known: pass images= to read"
        raise InputError(f"plot: {image.key}: {why}")
    try:
        from PIL import Image as Pillow
        from PIL import ImageOps
    except ImportError as error:
        raise UsageError("plot: needs the package Pillow: pip install '.[sandbox]' or pillow") from error
    try:
        with open_file(image.media) as stream, Pillow.open(stream) as found:
            return ImageOps.exif_transpose(found).convert("RGB")
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise InputError(f"plot: {image.media}: cannot be read as an image: {error}") from error


def _ordered(corners: list[float]) -> tuple[float, float, float, float]:
    """The corners in pixels that are inside the box: its maxima are exclusive."""
    x_min, y_min, x_max, y_max = corners
    return x_min, y_min, max(x_min, x_max - 1), max(y_min, y_max - 1)
