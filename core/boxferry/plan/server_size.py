"""Boxes into the pixels of the file that is on the server: the sizes are compared before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import objects
from boxferry.boxes.fit import LARGEST
from boxferry.plan.target import SkipReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally

    Size = tuple[int, int]  # width and height in pixels; 0 where unknown

LONGEST_SIDE = 7680  #: what the server scales longer images down to
UNKNOWN: Size = (0, 0)


def factor(own: Size, server: Size) -> float | SkipReason:
    """By how much boxes made for an image of one size are scaled for its file on the server, or why they cannot be.

    Sides over 7680 pixels are scaled down by the server, which then records width and height the wrong way round.

    Args:
        own: the size that the boxes were made for.
        server: the size that the server recorded.
    """
    if own == server or UNKNOWN in {own, server}:
        return 1.0
    scale = LONGEST_SIDE / max(own)
    scaled = tuple(side * scale for side in own)
    if scale < 1 and any(_near(scaled, way) for way in (server, server[::-1])):
        return scale
    sizes = f"its boxes were made for {_shown(own)}, the file on the server is {_shown(server)}"
    if own == server[::-1]:
        turned = "turned, as by an EXIF orientation; make the boxes on the turned image"
        return SkipReason(Code.SIZE_DIFFERS, f"{sizes}: {turned}")
    return SkipReason(Code.SIZE_DIFFERS, f"{sizes}: are they of another image, or of a resized one?")


def size_of_new(own: Size) -> Size:
    """The size that a new file's image will have once the server has scaled it; 0 where it stays as it is.

    A size that no image can have is left to the fit, which drops its boxes.
    """
    if max(own) <= LONGEST_SIDE or max(own) > LARGEST:
        return UNKNOWN
    scale = LONGEST_SIDE / max(own)
    return max(1, int(own[0] * scale)), max(1, int(own[1] * scale))


def to_server_size(
    detections: Detections, sizes: Sequence[Size], tally: Tally
) -> tuple[Detections, dict[int, SkipReason]]:
    """The boxes in the pixels of the files on the server, and for the images where that cannot be, why.

    Args:
        detections: a chunk of M images.
        sizes: (M,) as the server recorded them; 0 for a file that is not there yet, or where it did not.
        tally: counts the boxes that are scaled.
    """
    factors, problems, images = [], {}, []
    for index, (image, size) in enumerate(zip(detections.images, sizes, strict=True)):
        found = factor((image.width, image.height), size)
        if isinstance(found, SkipReason):
            problems[index] = found
            found = 1.0
        factors.append(found)
        images.append(_resized(image, size, found))
    changed = detections.replace(images=images)
    scales = np.array(factors)[detections.image_index] if images else np.ones(0)
    if (scaled := scales != 1).any():
        tally.change(Code.SCALED, "the server scaled its image down", detections, scaled)
        changed = changed.replace(xyxy=detections.xyxy * scales[:, None], polygons=_scaled(detections, scales))
    return changed, problems


def _resized(image: Image, size: Size, scale: float) -> Image:
    width, height = image.width, image.height
    if scale != 1:
        width, height = int(width * scale), int(height * scale)
    elif not (width and height):
        width, height = size
    return msgspec.structs.replace(image, width=width, height=height)


def _scaled(detections: Detections, scales: np.ndarray) -> np.ndarray | None:
    if detections.polygons is None:
        return None
    pairs = zip(detections.polygons, scales.tolist(), strict=True)
    return objects([None if rings is None else tuple(ring * scale for ring in rings) for rings, scale in pairs])


def _near(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(one, other, strict=True))


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
