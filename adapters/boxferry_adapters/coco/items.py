"""One result or annotation: as it should be (typed), or checked key by key where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from boxferry.boxes.labels import id_key
from boxferry.parsing.gather import BadBox

if TYPE_CHECKING:
    from collections.abc import Callable

RawId = int | float | str
Bounds = tuple[float, float, float, float]
LARGEST = 1e300  #: of a coordinate, so that no sum of two overflows
LARGEST_TRACK = 2**62
Number = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]


class Attributes(msgspec.Struct, gc=False):
    """What tools nest in an item: CVAT has the track here."""

    track_id: RawId | None = None


class Item(msgspec.Struct, gc=False):
    """A result or an annotation; other keys are passed over.

    Attributes:
        image_id, category_id: as in the file.
        bbox: x, y, width, height in pixels, 0-based.
        score: None for ground truth.
        iscrowd: 1 for a region that is a crowd.
        file_name: the image's name, which some tools write into results.
        track_id, instance_id, attributes: where tools write the track that it belongs to.
    """

    image_id: RawId
    category_id: RawId
    bbox: tuple[Number, Number, Number, Number]
    score: float | None = None
    iscrowd: int = 0
    file_name: str | None = None
    track_id: RawId | None = None
    instance_id: RawId | None = None
    attributes: Attributes | None = None


class PlainItem(Item, gc=False):
    """An item without the fields that few sources have: that a list decodes as such proves that none is in it."""

    file_name: None = None  # pyright: ignore[reportIncompatibleVariableOverride] # it is read alone
    track_id: None = None  # pyright: ignore[reportIncompatibleVariableOverride] # it is read alone
    instance_id: None = None  # pyright: ignore[reportIncompatibleVariableOverride] # it is read alone
    attributes: None = None  # pyright: ignore[reportIncompatibleVariableOverride] # it is read alone


class Anything(msgspec.Struct, gc=False):
    """An item of which nothing is looked at."""


class ImageItem(msgspec.Struct, gc=False):
    """An image of a dataset."""

    id: RawId
    file_name: str | None = None
    coco_url: str | None = None
    width: int | float | None = None
    height: int | float | None = None
    video_id: RawId | None = None
    frame_id: int | None = None
    frame_index: int | None = None


class VideoItem(msgspec.Struct, gc=False):
    """A video that images are frames of."""

    id: RawId
    file_name: str | None = None
    name: str | None = None
    width: int | None = None
    height: int | None = None


class CategoryItem(msgspec.Struct, gc=False):
    """A category of a dataset."""

    id: RawId
    name: str


class NoImage(BadBox):
    """An item does not say which image it is of."""


def checked(value: Any, bounds: Callable[[Any], Bounds] | None = None) -> Item:  # noqa: ANN401 # any JSON value
    """An item out of a plain value.

    Args:
        value: as it stands in the file.
        bounds: gives the bbox of an item that has none, by its outline or its key points.

    Raises:
        BadBox: it is no box.
    """
    if not isinstance(value, dict):
        raise BadBox(f"expected an object, found {shown(value)}")
    if value.get("image_id") is None:
        raise NoImage("image_id: expected a number or a text, found nothing")
    for key in ("image_id", "category_id"):
        if not _is_id(value.get(key)):
            raise BadBox(f"{key}: expected a number or a text, found {shown(value.get(key))}")
    score, name, nested = value.get("score"), value.get("file_name"), value.get("attributes")
    if score is not None and _number(score) is None:
        raise BadBox(f"score: expected a number, found {shown(score)}")
    return Item(
        image_id=value["image_id"],
        category_id=value["category_id"],
        bbox=bounds(value) if bounds and is_derived(value) else _box(value.get("bbox")),
        score=_number(score),
        iscrowd=_crowd(value.get("iscrowd")),
        file_name=name if isinstance(name, str) and is_text(name) else None,
        track_id=_raw(value.get("track_id")),
        instance_id=_raw(value.get("instance_id")),
        attributes=Attributes(_raw(nested.get("track_id"))) if isinstance(nested, dict) else None,
    )


def is_derived(value: dict[str, Any]) -> bool:
    """Whether an item has no bbox, but something that a box encloses."""
    return value.get("bbox") in (None, []) and bool(value.get("segmentation") or value.get("keypoints"))


def track_of(item: Item) -> int:
    """The track that an item belongs to, -1 for none: a whole number from 0."""
    nested = item.attributes.track_id if item.attributes else None
    for raw in (item.track_id, item.instance_id, nested):
        if isinstance(raw, float | str):
            number = id_key(raw)
            raw = number if isinstance(number, int) else None  # noqa: PLW2901 # the same, as a number
        if raw is not None and 0 <= raw <= LARGEST_TRACK:
            return int(raw)
    return -1


def bounds_of_points(points: Any) -> Bounds:  # noqa: ANN401 # any JSON value
    """The bbox [x, y, width, height] of the labelled key points among [x, y, visibility, …], 0 being not labelled.

    Raises:
        BadBox: they are no such list, or none is labelled.
    """
    numbers = [_number(number) for number in points] if isinstance(points, list) and len(points) % 3 == 0 else [None]
    if None in numbers:
        raise BadBox("keypoints: expected numbers [x, y, visibility, …]")
    whole = [number for number in numbers if number is not None]
    seen = [(x, y) for x, y, label in zip(whole[::3], whole[1::3], whole[2::3], strict=True) if label > 0]
    if not seen:
        raise BadBox("keypoints: none of them is labelled, and there is no bbox")
    xs, ys = zip(*seen, strict=True)
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _raw(value: object) -> RawId | None:
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else None


def _box(value: Any) -> tuple[float, float, float, float]:  # noqa: ANN401 # any JSON value
    numbers = [_number(number) for number in value] if isinstance(value, list) and len(value) == 4 else [None]
    if None in numbers:
        raise BadBox(f"bbox: expected four numbers [x, y, width, height], found {shown(value)}")
    x, y, width, height = (number for number in numbers if number is not None)
    return x, y, width, height


def _number(value: object) -> float | None:
    """A number of the size that a coordinate can have, as a float, or None."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= LARGEST:
        return None
    return float(value)


def _is_id(value: object) -> bool:
    return is_text(value) if isinstance(value, str) else _number(value) is not None


def _crowd(value: object) -> int:
    """1 where pycocotools takes it for a crowd: true, or a number that is not 0."""
    return int(value is True or value == "1" or bool(_number(value)))


def shown(value: object) -> str:
    """The beginning of a value, for a message."""
    return "nothing" if value is None else repr(value)[:60]


def is_text(text: str) -> bool:
    """Whether a text can be written again: JSON can hold halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
