"""Reads results and datasets into chunks: a first look at what is there, then the boxes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.labels import Vocabulary, id_key
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry_adapters.coco.dataset import opened, survey
from boxferry_adapters.coco.extras import Extras
from boxferry_adapters.coco.items import BadItem, Item, NoImage, checked
from boxferry_adapters.coco.options import CocoOptions
from boxferry_adapters.coco.records import CHUNK_BOXES, RECORD, gathered_chunks, grouped_chunks
from boxferry_adapters.coco.scan import Scanner
from boxferry_adapters.coco.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from boxferry.formats import Context, Id, Source
    from boxferry_adapters.coco.dataset import Survey

_items = msgspec.json.Decoder(list[Item])
_values = msgspec.json.Decoder(list[Any])


def read(source: Source, context: Context, *, chunk_boxes: int = CHUNK_BOXES) -> Iterator[Detections]:
    """Yield chunks of about `chunk_boxes` boxes, each image once; a dataset's images without boxes come last.

    Raises:
        InputError: the source is no COCO file, contradicts itself or what else is known, or nobody knows its images.
    """
    options = CocoOptions.of(context.options)
    found = survey(source, options)
    reader = _Reader(source, context, found, options)
    chunks = grouped_chunks if found.grouped else gathered_chunks
    for records in chunks(reader.records(), chunk_boxes):
        yield reader.detections(records)
    reader.finish()
    yield from reader.images_without_boxes(chunk_boxes)


@dataclass(slots=True)
class _Reader:
    """One pass over the boxes."""

    source: Source
    context: Context
    found: Survey
    options: CocoOptions
    vocabulary: Vocabulary = field(init=False)
    extras: Extras = field(init=False)
    watch: Watch = field(init=False)
    images: list[Image] = field(default_factory=list)
    _numbers: dict[Any, int] = field(default_factory=dict)
    _by_key: dict[str, object] = field(default_factory=dict)
    _nameless: int = 0
    _unknown_images: dict[Id, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = _agreed(self.found.names, self.context.names, self.source.name)
        self.vocabulary = Vocabulary(names)
        self.extras = Extras(self.context, self.found.frames)
        self.watch = Watch(
            self.source.name, names, watched=self.options.bbox_format is None and not self.options.scale_from
        )
        if twice := [name for name, count in Counter(names.values()).items() if count > 1]:
            self.context.tally.note("merged-categories", f"several categories are called {', '.join(twice)}: one label")

    def records(self) -> Iterator[NDArray[np.void]]:
        """The boxes as records, piece by piece; what is no box is skipped with its index."""
        if self.found.is_dataset and self.found.key is None:
            return
        position = 0
        with opened(self.source) as stream:
            scanner = Scanner(stream, self.source.name)
            for piece, typed in _box_lists(scanner, self.found.key, _values if self.extras.wanted else _items):
                items, index = self._usable(piece, position, typed=typed)
                position += len(piece)
                if items:
                    yield self._recorded(items, index)

    def _usable(self, piece: list[Any], position: int, *, typed: bool) -> tuple[list[Item], NDArray[np.int64]]:
        """The items that are boxes, with their indices in the whole list."""
        if not typed or self.extras.wanted:
            return self._checked(piece, position)
        index = np.arange(position, position + len(piece))
        sides = self.options.has_sides
        bad = [i for i, item in enumerate(piece) if item.bbox[2] < 0 or item.bbox[3] < 0] if sides else []
        crowd = [i for i, item in enumerate(piece) if item.iscrowd] if self.found.is_dataset else []
        if not bad and not crowd:
            return piece, index
        for i in bad:
            self._skip_negative(piece[i], position + i)
        for i in sorted(set(crowd) - set(bad)):
            self._skip_crowd(position + i)
        keep = np.ones(len(piece), bool)
        keep[bad + crowd] = False
        return [item for item, kept in zip(piece, keep.tolist(), strict=True) if kept], index[keep]

    def _checked(self, piece: list[Any], position: int) -> tuple[list[Item], NDArray[np.int64]]:
        items, kept = [], []
        for index, value in enumerate(piece, start=position):
            try:
                item = checked(value, self.extras.bounds)
            except BadItem as error:
                self._nameless += isinstance(error, NoImage)
                self.context.tally.skip("bad-box", str(error), Place(self.source.name, item=index))
                continue
            if self.options.has_sides and (item.bbox[2] < 0 or item.bbox[3] < 0):
                self._skip_negative(item, index)
            elif item.iscrowd and self.found.is_dataset:
                self._skip_crowd(index)
            else:
                items.append(item)
                kept.append(index)
                if self.extras.wanted:
                    self.extras.see(value, index, id_key(item.image_id))
        return items, np.array(kept, np.int64)

    def _skip_negative(self, item: Item, index: int) -> None:
        message = f"bbox: width and height cannot be negative, found {list(item.bbox)}; expected [x, y, width, height]"
        self.context.tally.skip("bad-box", message, Place(self.source.name, item=index))

    def _skip_crowd(self, index: int) -> None:
        self.context.tally.skip(
            "crowd", "a crowd region (iscrowd 1), not one object", Place(self.source.name, item=index)
        )

    def _recorded(self, items: list[Item], index: NDArray[np.int64]) -> NDArray[np.void]:
        """Records of items; boxes of images and classes that nobody knows are left out, and remembered."""
        records = np.empty(len(items), RECORD)
        box = np.array([item.bbox for item in items], np.float64)
        records["score"] = [np.nan if item.score is None else item.score for item in items]
        records["row"] = index
        records["image"] = self._image_numbers(items, index)
        known = records["image"] >= 0
        records["xyxy"] = self._corners(box, records["image"], known, index)
        records["label"] = self._label_codes(items, index, known)
        return records[known & (records["label"] >= 0)]

    def _corners(
        self, box: NDArray[np.float64], image: NDArray[np.int32], known: NDArray[np.bool_], index: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(N, 4) corners in pixels of the images; their sizes are looked at only where they count."""
        sizes = np.zeros((len(box), 2))
        if self.options.needs_sizes or self.watch.watched:
            numbers, inverse = np.unique(image[known], return_inverse=True)
            used = [self.images[number] for number in numbers.tolist()]
            sizes[known] = np.array([(i.width, i.height) for i in used], np.float64).reshape(-1, 2)[inverse.reshape(-1)]
        if self.options.needs_sizes and (missing := np.flatnonzero(known & (sizes[:, 0] == 0))).size:
            key = self.images[image[missing[0]]].key
            place = Place(self.source.name, item=int(index[missing[0]]))
            raise InputError(f"{place}: the size of image '{key}' is not known; give --images, --size or --categories")
        self.watch.see(box[known], sizes[known])
        return self.options.corners(box, np.where(sizes > 0, sizes, 1.0))

    def _image_numbers(self, items: list[Item], index: NDArray[np.int64]) -> NDArray[np.int32]:
        numbers = self._numbers
        for position, item in enumerate(items):
            if item.image_id not in numbers:
                numbers[item.image_id] = self._new_image(item)
            if numbers[item.image_id] < 0:
                first, boxes = self._unknown_images.get(id_key(item.image_id), (int(index[position]), 0))
                self._unknown_images[id_key(item.image_id)] = (first, boxes + 1)
        return np.array([numbers[item.image_id] for item in items], np.int32)

    def _new_image(self, item: Item) -> int:
        """The number of an image that is met for the first time, or -1."""
        image = self._image(id_key(item.image_id), item)
        if image is None:
            return -1
        other = self._by_key.setdefault(image.key, item.image_id)
        if self.found.frames is not None and other != item.image_id:
            return self._numbers[other]
        if id_key(other) != id_key(item.image_id):
            raise InputError(f"{self.source.name}: image ids {other} and {item.image_id} are both '{image.key}'")
        if other != item.image_id:
            return self._numbers[other]
        self.images.append(msgspec.structs.replace(image, source=self.source.name))
        return len(self.images) - 1

    def _image(self, image_id: Id, item: Item) -> Image | None:
        images = self.context.images
        if self.found.images:
            own = self.found.images.get(image_id)
            return None if own is None else self._located(own)
        if (found := images.numbered(image_id)) is not None:
            return found
        if item.file_name and item.file_name.strip("/\\. "):
            return images.named(item.file_name.replace("\\", "/"))
        if isinstance(item.image_id, str) and ((found := images.stem(item.image_id)).media or found.sized):
            return found
        return None

    def _located(self, own: Image) -> Image:
        """A dataset's image with its local file, and one size.

        Raises:
            InputError: the dataset and the image disagree on its size.
        """
        found = self.context.images.named(own.key)
        if own.sized and found.sized and (own.width, own.height) != (found.width, found.height):
            sizes = f"{own.width}x{own.height}, the image itself is {found.width}x{found.height}"
            raise InputError(f"{self.source.name}: '{own.key}' is said to be {sizes}: its boxes cannot be trusted")
        return msgspec.structs.replace(own if own.sized else found, key=own.key, media=found.media)

    def _label_codes(self, items: list[Item], index: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int32]:
        first: dict[Any, int] = {}
        counts: Counter[Any] = Counter()
        for item, row, wanted in zip(items, index.tolist(), known.tolist(), strict=True):
            if wanted:
                first.setdefault(item.category_id, row)
                counts[item.category_id] += 1
        self.watch.categories.update(map(id_key, first))
        codes = {
            raw: self.vocabulary.code(self._category(raw), Place(self.source.name, item=first[raw]), boxes=counts[raw])
            for raw in first
        }
        return np.array([codes.get(item.category_id, -1) for item in items], np.int32)

    def _category(self, raw: Any) -> Id:  # noqa: ANN401 # as it stands in the file
        key = id_key(raw)
        return key + self.options.category_offset if isinstance(key, int) else key

    def detections(self, records: NDArray[np.void]) -> Detections:
        """A chunk of records, each image's standing together, as Detections; counted as read."""
        starts = np.concatenate(([0], np.flatnonzero(np.diff(records["image"])) + 1))
        counts = np.diff(np.append(starts, len(records)))
        chunk = Detections.from_counts(
            [self.images[number] for number in records["image"][starts].tolist()],
            counts,
            records["xyxy"],
            records["label"],
            self.vocabulary.labels,
            score=records["score"],
            row=records["row"],
            row_unit="item",
            **(self.extras.columns(records["row"].tolist()) if self.extras.wanted else {}),
        )
        self.context.tally.count(chunk)
        return chunk

    def finish(self) -> None:
        """Report the classes and images that nobody knows.

        Raises:
            InputError: no image at all is known, or there are no class names.
        """
        if self._nameless and not self.images and not self._unknown_images:
            found = f"none of its {self._nameless} items says which image it is of: image_id is null, or not there"
            raise InputError(
                f"{self.source.name}: {found}; write the results with image ids, or file names as image_id"
            )
        if self._unknown_images and not self.images:
            first = next(iter(self._unknown_images))
            remedy = "name the dataset that they are from with --categories FILE, or give file_name and --images DIR"
            remedy = "its list of images has other ids" if self.found.images else remedy
            raise InputError(f"{self.source.name}: not one of its images is known, as of image_id {first}: {remedy}")
        if self.images and not self.vocabulary.labels:
            raise InputError(
                f"{self.source.name}: category ids need names; add --categories FILE or --names FILE or LIST"
            )
        for image_id, (index, boxes) in self._unknown_images.items():
            message = f"image_id {image_id} is not in the dataset ({boxes} boxes)"
            self.context.tally.skip("unknown-image", message, Place(self.source.name, item=index), boxes=boxes)
        self.watch.judge()
        if hint := self.watch.shifted(self.options.category_offset):
            self.context.tally.note("shifted-categories", hint)
        self.extras.note()
        self.vocabulary.report(self.context.tally)

    def images_without_boxes(self, most: int) -> Iterator[Detections]:
        """A dataset's other images, `most` a chunk."""
        others = {image.key: image for image in (self.found.images or {}).values() if image.key not in self._by_key}
        rest = [msgspec.structs.replace(self._located(image), source=self.source.name) for image in others.values()]
        for start in range(0, len(rest), most):
            chunk = Detections.from_counts(
                rest[start : start + most], [0] * len(rest[start : start + most]), [], [], ()
            )
            self.context.tally.count(chunk)
            yield chunk


def _box_lists(
    scanner: Scanner, key: str | None, decoder: msgspec.json.Decoder[Any]
) -> Iterator[tuple[list[Any], bool]]:
    """The pieces of the list of boxes: the text itself, or the value under a key."""
    if key is None:
        yield from scanner.items(decoder)
        return
    for found in scanner.object_keys():
        if found == key:
            yield from scanner.items(decoder)
            return  # what comes after it was seen in the first pass
        scanner.value()


def _agreed(own: Mapping[Id, str] | None, given: Mapping[Id, str], name: str) -> Mapping[Id, str]:
    """The names of a dataset, or those given; both may speak only where they agree."""
    for class_id, label in (own or {}).items():
        if given.get(class_id, label) != label:
            raise InputError(f"{name}: category id {class_id} is '{label}', but '{given[class_id]}' in the names given")
    return own or given
