"""A dataset as a ground truth: its annotations as they are written, the crowds among them, for COCO's metrics."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import id_key
from boxferry.boxes.tally import Place
from boxferry.boxes.truth import TrueBox, Truth, together
from boxferry.parsing.gather import BadBox
from boxferry.parsing.json_scan import Scanner
from boxferry_adapters.coco.dataset import opened, survey
from boxferry_adapters.coco.extras import Extras
from boxferry_adapters.coco.files import files_of
from boxferry_adapters.coco.items import Number, RawId, checked
from boxferry_adapters.coco.names import agreed
from boxferry_adapters.coco.options import CocoOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Context, Source
    from boxferry_adapters.coco.files import File


class Annotation(msgspec.Struct, gc=False):
    """An annotation as nearly every dataset has it; others are looked at key by key."""

    image_id: RawId
    category_id: RawId
    bbox: tuple[Number, Number, Number, Number]
    id: int | None = None
    area: float | None = None
    iscrowd: int = 0


_annotations = msgspec.json.Decoder(list[Annotation])


def truth(source: Source, context: Context) -> Truth | None:
    """The ground truth in a dataset, or in several; None where a file holds results alone.

    Raises:
        InputError: a file is no COCO file, or contradicts itself or the names given.
    """
    found = [_truth_of_file(file, context) for file in files_of(source, context)]
    if any(each is None for each in found):
        return None
    datasets = [each for each in found if each is not None]
    whole = datasets[0] if len(datasets) == 1 else together(datasets)
    context.tally.images += len(whole.images)
    context.tally.read += len(whole.boxes)
    return whole


def _truth_of_file(file: File, context: Context) -> Truth | None:
    source = file.source
    found = survey(source, CocoOptions.of(context.options))
    if found.images is None:
        return None
    names = agreed(found.names, context.names, source.name)
    boxes = _numbered([] if found.key is None else list(_boxes(source, found.key, context)))
    _note_ids(boxes, source.name, context)
    folder = f"{file.folder}/" if file.folder else ""
    images = {number: f"{folder}{image.key}" for number, image in found.images.items()}
    return Truth(images=images, names=names, boxes=boxes)


def _boxes(source: Source, key: str, context: Context) -> Iterator[TrueBox]:
    position = 0
    with opened(source) as stream, Extras(context) as extras:
        scanner = Scanner(stream, source.name)
        for name in scanner.object_keys():
            if name != key:
                scanner.value()
                continue
            for values, typed in scanner.items(_annotations):
                for index, value in enumerate(values, start=position):
                    if (box := _box(value if typed else _checked(value, index, source, context, extras))) is not None:
                        yield box
                position += len(values)
            return  # what comes after it was seen by the survey


def _checked(value: Any, index: int, source: Source, context: Context, extras: Extras) -> Annotation | None:  # noqa: ANN401 # any JSON value
    """An annotation out of a plain value; None where it is no box, which is counted."""
    try:
        item = checked(value, extras.bounds)
    except BadBox as error:
        context.tally.skip(Code.BAD_BOX, str(error), Place(source.name, item=index))
        return None
    number, area = value.get("id"), value.get("area")
    whole = isinstance(number, int) and not isinstance(number, bool)
    measured = isinstance(area, int | float) and not isinstance(area, bool)
    return Annotation(
        image_id=item.image_id,
        category_id=item.category_id,
        bbox=item.bbox,
        id=number if whole else None,
        area=float(area) if measured else None,
        iscrowd=item.iscrowd,
    )


def _box(item: Annotation | None) -> TrueBox | None:
    if item is None:
        return None
    _, _, width, height = item.bbox
    return TrueBox(
        id=-1 if item.id is None else item.id,
        image=id_key(item.image_id),
        category=id_key(item.category_id),
        bbox=item.bbox,
        area=width * height if item.area is None else item.area,
        crowd=item.iscrowd,
    )


def _numbered(boxes: list[TrueBox]) -> list[TrueBox]:
    """The boxes with their own numbers where each has one, else with their places from 1."""
    if all(box.id >= 0 for box in boxes):
        return boxes
    return [msgspec.structs.replace(box, id=place) for place, box in enumerate(boxes, start=1)]


def _note_ids(boxes: list[TrueBox], name: str, context: Context) -> None:
    """Say where pycocotools' numbers, which are given, are not what was meant."""
    if any(box.id == 0 for box in boxes):
        message = "annotation id 0: pycocotools counts what finds this box as wrong; number annotations from 1"
        context.tally.note(Code.ANNOTATION_ID_0, message, Place(name))
    twice = [number for number, count in Counter(box.id for box in boxes).items() if count > 1]
    if twice:
        ids = ", ".join(map(str, twice[:3]))
        message = f"{len(twice)} annotation ids stand there more than once ({ids}): pycocotools takes the last of each"
        context.tally.note(Code.ANNOTATION_IDS_REPEATED, message, Place(name))
