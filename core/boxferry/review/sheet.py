"""A contact sheet: the images of a preview with their boxes, as one PNG."""

from __future__ import annotations

import io
import warnings
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.errors import UsageError
from boxferry.formats import for_library
from boxferry.pages.colours import look_of
from boxferry.reading.drawing import boxes_told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.boxes.detections import Detections, Image

CELL, GAP, CAPTION, COLUMNS = 320, 12, 18, 4  #: pixels, and images in a row
FONT_SIZE = 12
FONTS = ("NotoSansCJK-Regular.ttc", "NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf")


def contact_sheet(shown: Sequence[tuple[Image, Detections]]) -> bytes:
    """A PNG of images, four in a row, with their boxes in their labels' colours and their names beneath.

    Where an image's pixels are not on this machine, or cannot be read, its boxes stand on grey. Texts are drawn in the
    first of some common fonts that this machine has; signs that it lacks come out as empty boxes.

    Args:
        shown: images with their boxes, fitted.

    Raises:
        UsageError: Pillow is not installed.
    """
    try:
        from PIL import Image as Picture
        from PIL import ImageDraw
    except ImportError:
        raise UsageError("--png: needs Pillow: pip install '.[sandbox]'") from None
    pictures = [_picture(image) for image, _ in shown]
    heights = [max(each.height for each in pictures[at : at + COLUMNS]) for at in range(0, len(pictures), COLUMNS)]
    tops = list(accumulate(heights, lambda top, height: top + height + CAPTION + GAP, initial=GAP))
    sheet = Picture.new("RGB", (GAP + COLUMNS * (CELL + GAP), tops[-1] + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), _font()
    for number, ((image, boxes), picture) in enumerate(zip(shown, pictures, strict=True)):
        left, top = GAP + number % COLUMNS * (CELL + GAP), tops[number // COLUMNS]
        sheet.paste(picture, (left, top))
        _draw_boxes(draw, (left, top), picture.width / max(1, image.width), boxes, font)
        caption = _short(f"{image.key}: {boxes_told(len(boxes))}")
        draw.text((left, top + picture.height + 2), caption, fill="black", font=font)
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()


def _font() -> Any:  # noqa: ANN401 # one of two kinds of Pillow's
    from PIL import ImageFont

    for name in FONTS:
        try:
            return ImageFont.truetype(name, FONT_SIZE)
        except OSError:
            continue
    return ImageFont.load_default(FONT_SIZE)


def _picture(image: Image) -> Any:  # noqa: ANN401 # a picture of Pillow's
    """The image, at most as large as a cell, turned as it is shown; grey where it cannot be read."""
    from PIL import Image as Picture
    from PIL import ImageOps

    scale = CELL / max(image.width, image.height, 1)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale))) if image.sized else (CELL, CELL)
    try:
        with (
            warnings.catch_warnings(action="error", category=Picture.DecompressionBombWarning),
            for_library(image.media) as file,
            Picture.open(file) as opened,
        ):
            opened.draft("RGB", size)
            return ImageOps.exif_transpose(opened).convert("RGB").resize(size)
    except (OSError, ValueError, SyntaxError, Picture.DecompressionBombError, Picture.DecompressionBombWarning):
        return Picture.new("RGB", size, "#dddddd")


def _draw_boxes(draw: Any, origin: tuple[int, int], scale: float, boxes: Detections, font: Any) -> None:  # noqa: ANN401
    """Boxes, and the texts of those that have room for one; where there are very many, boxes alone."""
    left, top = origin
    for corners, code, score in zip(boxes.xyxy.tolist(), boxes.label.tolist(), boxes.score.tolist(), strict=True):
        x1, y1, x2, y2 = (round(value * scale) for value in corners)
        label = boxes.labels[code]
        look = look_of(label)
        frame = (left + x1, top + y1, left + max(x1, x2 - 1), top + max(y1, y2 - 1))
        draw.rectangle(frame, outline=look.colour)
        text = _short(label if np.isnan(score) else f"{label} {score:.2f}", 24)
        wide = draw.textlength(text, font=font) + 4
        if x2 - x1 > wide + 2 and y2 - y1 > FONT_SIZE + 6:
            place = (left + x1 + 1, top + y1 + 1)
            draw.rectangle((*place, place[0] + wide, place[1] + FONT_SIZE + 3), fill=look.colour)
            draw.text((place[0] + 2, place[1]), text, fill=look.ink, font=font)


def _short(text: str, most: int = 52) -> str:
    """One line, of its end where it is long: that is where names of files differ."""
    line = " ".join(text.split())
    return line if len(line) <= most else "…" + line[-most:]
