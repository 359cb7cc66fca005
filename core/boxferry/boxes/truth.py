"""A ground truth as COCO's metrics take it: areas and crowd flags as they are written, images and classes by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class TrueBox(msgspec.Struct, frozen=True, gc=False):
    """One annotation.

    Attributes:
        id: its number in the file, or its place from 1 where the file has none.
        image: the id of its image.
        category: the id of its class.
        bbox: x, y, width and height in pixels, digit for digit as written.
        area: in square pixels as written, which is often that of an outline; width times height where there is none.
        crowd: not 0 for a region of many objects.
    """

    id: int
    image: int | str
    category: int | str
    bbox: tuple[float, float, float, float]
    area: float
    crowd: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """The boxes that are right, of all images that were looked at.

    Attributes:
        images: id → name, a relative path with forward slashes; images without boxes are in here too.
        names: class id → label.
        boxes: in the order of the file.
        videos: the names of videos, whose frames are images of their own.
    """

    images: Mapping[int | str, str]
    names: Mapping[int | str, str]
    boxes: Sequence[TrueBox]
    videos: frozenset[str] = frozenset()

    @property
    def crowds(self) -> int:
        """How many boxes are crowd regions."""
        return sum(bool(box.crowd) for box in self.boxes)
