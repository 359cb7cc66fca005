"""Writes a dataset with scored annotations, or a list of results; streamed, and under its name only when whole."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np

from boxferry.boxes.decimals import short
from boxferry.boxes.geometry import xyxy_to_xywh
from boxferry.boxes.labels import LabelIds
from boxferry.boxes.unwritten import noting_unwritten
from boxferry.errors import InputError
from boxferry.formats import output_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Id

_encoder = msgspec.json.Encoder()
LABELLED = 2  #: a key point that is labelled, and visible: that one is hidden, nothing tells


class _Result(msgspec.Struct, gc=False):
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]
    score: float


class _Annotation(msgspec.Struct, gc=False):
    id: int
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]
    area: float
    iscrowd: int = 0
    segmentation: list[list[float]] | tuple[()] = ()
    score: float | msgspec.UnsetType = msgspec.UNSET
    track_id: int | msgspec.UnsetType = msgspec.UNSET
    attributes: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    keypoints: list[float] | msgspec.UnsetType = msgspec.UNSET
    num_keypoints: int | msgspec.UnsetType = msgspec.UNSET


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write one JSON file; `-` is standard output.

    With the option `coco-form` 'dataset' it is an object with images, categories and annotations, each with its score
    where it has one, its outline as `segmentation`, its track as `track_id`, and `attributes`, as CVAT has them; key
    points that people drew are `keypoints`, too. With 'results' it is a list as evaluation tools take it.

    Raises:
        InputError: the form is 'results' and a box has no score.
    """
    with output_stream(target) as stream:
        if context.options["coco-form"] == "results":
            chunks = noting_unwritten(
                chunks, context.tally, "a result as it is written here", track=False, rings=0, attributes=()
            )
            _write_results(chunks, stream, context)
        else:
            _write_dataset(chunks, stream, context)


class _Ids:
    """The ids of images and categories: those that they were read with, or the next ones that are free.

    Made once the first chunk has been read: the classes of the source are known then.
    """

    def __init__(self, context: Context) -> None:
        self.labels = LabelIds({**context.names, **context.classes.names()}, first=1)
        self._context = context
        self._taken = set(context.images.ids())
        self._given: set[Id] = set()
        self._free_images = (i for i in count(1) if i not in self._taken and i not in self._given)

    def image(self, image: Image) -> Id:
        """The id that it was read with; another one where an image of another file has that already."""
        known = self._context.images.id_of(image) if image.id is None else image.id
        found = next(self._free_images) if known is None or known in self._given else known
        self._given.add(found)
        return found


def _rows(chunk: Detections, ids: _Ids) -> Iterator[tuple[Image, Id, list[tuple[int, Id, list[float], float]]]]:
    """Each image with its id, and its boxes as (row, category id, bbox, score)."""
    bbox = short(xyxy_to_xywh(short(chunk.xyxy))).tolist()  # the far sides are as exact as the near ones
    categories = [ids.labels.of(name) for name in chunk.labels]
    labels, scores = chunk.label.tolist(), chunk.score.tolist()
    for image, rows in chunk.each_image():
        boxes = [(i, categories[labels[i]], bbox[i], scores[i]) for i in range(rows.start, rows.stop)]
        yield image, ids.image(image), boxes


def _with_ids(chunks: Iterable[Detections], context: Context) -> Iterator[tuple[Detections, _Ids]]:
    ids = None
    for chunk in chunks:
        ids = ids or _Ids(context)
        yield chunk, ids


def _write_results(chunks: Iterable[Detections], stream: BinaryIO, context: Context) -> None:
    between = b"["
    for chunk, ids in _with_ids(chunks, context):
        for image, image_id, boxes in _rows(chunk, ids):
            for _, category, (x, y, w, h), score in boxes:
                if score != score:  # noqa: PLR0124 # NaN
                    raise InputError(f"{image.key}: a box without a score cannot be a result; use --coco-form dataset")
                stream.write(between + _encoder.encode(_Result(image_id, category, (x, y, w, h), score)))
                between = b",\n"
    stream.write(b"[]" if between == b"[" else b"]")


def _write_dataset(chunks: Iterable[Detections], stream: BinaryIO, context: Context) -> None:
    numbers, between = count(1), b""
    images: list[dict[str, Id]] = []
    stream.write(b'{"annotations":[')
    ids = None
    for chunk, ids in _with_ids(chunks, context):
        more = any(column is not None for column in (chunk.polygons, chunk.track, chunk.attributes))
        for image, image_id, boxes in _rows(chunk, ids):
            size = {"width": image.width, "height": image.height} if image.sized else {}
            images.append({"id": image_id, "file_name": image.key, **size})
            for row, category, (x, y, w, h), score in boxes:
                scored = msgspec.UNSET if score != score else score  # noqa: PLR0124 # NaN
                number = next(numbers)
                annotation = _Annotation(number, image_id, category, (x, y, w, h), _written(w * h), score=scored)
                if more:
                    _add_more(annotation, chunk, row)
                stream.write(between + _encoder.encode(annotation))
                between = b",\n"
    labels = (ids or _Ids(context)).labels
    labels.note_added(context.tally)
    categories = [{"id": class_id, "name": name} for class_id, name in labels.names.items()]
    head = _encoder.encode({"images": images, "categories": categories})
    stream.write(b"]," + head[1:])


def _add_more(annotation: _Annotation, chunk: Detections, row: int) -> None:
    """Give an annotation its outline, with the area that it encloses, its track and its attributes."""
    if chunk.polygons is not None and (rings := chunk.polygons[row]):
        annotation.segmentation = [short(ring).reshape(-1).tolist() for ring in rings]
        annotation.area = _written(sum(map(_area, rings)))
    if chunk.track is not None and chunk.track[row] >= 0:
        annotation.track_id = int(chunk.track[row])
    if chunk.attributes is not None and (attributes := chunk.attributes[row]):
        annotation.attributes = attributes
        if attributes.get("shape") == "keypoints" and (places := _places(attributes.get("points"))):
            annotation.keypoints = [number for x, y in places for number in (x, y, LABELLED)]
            annotation.num_keypoints = len(places)


def _places(points: Any) -> list[tuple[float, float]]:  # noqa: ANN401 # any value of an attribute
    """The points of a shape, as `pull` writes them: 'x,y' each; none where they are something else."""
    try:
        pairs = [(float(x), float(y)) for x, y in (point.split(",") for point in points)]
    except (AttributeError, TypeError, ValueError):
        return []
    return pairs if all(math.isfinite(number) for pair in pairs for number in pair) else []


def _written(area: float) -> float:
    """An area in as many digits as can be told apart by eye: a millionth of a square pixel."""
    return round(area, 6)


def _area(ring: np.ndarray) -> float:
    """The area that a ring encloses, in square pixels."""
    x, y = ring[:, 0], ring[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
