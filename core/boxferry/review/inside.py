"""The boxes of a picture as training takes them: cut at the image's edge, in an order of their own. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.review.rows import LeftOut

if TYPE_CHECKING:
    from boxferry.review.judged import Stored
    from boxferry.review.pull import ReviewedFile


def inside(file: ReviewedFile) -> tuple[ReviewedFile, int]:
    """A file whose boxes lie in the image, sorted by frame, label and place; and how many of them were cut.

    Servers give rows in no order, and keep boxes that reach beyond the image as they were sent. A box of which nothing
    lies in the image is left out with its reason. Where the size is unknown all boxes stay as they are.
    """
    boxes = sorted(file.stored, key=lambda box: (box.frame or 0, box.label, box.corners, box.rings, box.row_id))
    if not (file.width and file.height):
        return replace(file, stored=boxes), 0
    cut = [_cut(box, file.width, file.height) for box in boxes]
    there = [box for box in cut if box is not None]
    gone = LeftOut(Code.OUTSIDE_IMAGE, f"it lies wholly outside its image of {file.width}x{file.height}")
    left_out = [*file.left_out, *(gone for box in cut if box is None)]
    clipped = sum(new is not None and new is not old for new, old in zip(cut, boxes, strict=True))
    return replace(file, stored=there, left_out=left_out), clipped


def _cut(box: Stored, width: int, height: int) -> Stored | None:
    """A box as far as it is in the image; None where nothing of it is. A line or a point stays a line or a point."""
    left, top, right, bottom = box.corners
    corners = _clip(left, width), _clip(top, height), _clip(right, width), _clip(bottom, height)
    if corners == box.corners:
        return box
    if (corners[0] == corners[2] and left != right) or (corners[1] == corners[3] and top != bottom):
        return None
    rings = tuple(tuple((_clip(x, width), _clip(y, height)) for x, y in ring) for ring in box.rings)
    return replace(box, corners=corners, rings=rings)


def _clip(value: float, most: int) -> float:
    return min(max(value, 0.0), float(most))
