"""A ground truth as COCO's metrics take it: areas and crowd flags as they are written, images and classes by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


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


def together(truths: Sequence[Truth]) -> Truth:
    """Several ground truths as one: ids are each one's own, images and classes of one name are one.

    Images, classes and boxes are numbered anew, those of the first truth first, each in the order of its ids.
    """
    images: dict[str, int] = {}
    names: dict[str, int] = {}
    boxes: list[TrueBox] = []
    for truth in truths:
        image = {each: images.setdefault(truth.images[each], len(images) + 1) for each in in_order(truth.images)}
        name = {each: names.setdefault(truth.names[each], len(names) + 1) for each in in_order(truth.names)}
        boxes += [
            TrueBox(
                id=number,
                image=image.get(box.image, -1),
                category=name.get(box.category, -1),
                bbox=box.bbox,
                area=box.area,
                crowd=box.crowd,
            )
            for number, box in enumerate(truth.boxes, start=len(boxes) + 1)
        ]
    return Truth(
        images={number: key for key, number in images.items()},
        names={number: label for label, number in names.items()},
        boxes=boxes,
        videos=frozenset[str]().union(*(truth.videos for truth in truths)),
    )


def in_order(ids: Iterable[int | str]) -> list[int | str]:
    """Ids in the order that decides where scores are equal: numbers, then texts."""
    return sorted(ids, key=lambda each: (isinstance(each, str), each))
