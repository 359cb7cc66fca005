"""Reads results and datasets into chunks: a first look at what is there, then the boxes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.labels import Vocabulary, id_key
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.parsing.json_scan import Scanner
from boxferry.parsing.spill import CHUNK_BOXES, RECORD, Spill
from boxferry_adapters.coco.dataset import opened, survey
from boxferry_adapters.coco.extras import Extras
from boxferry_adapters.coco.items import BadItem, Item, NoImage, checked
from boxferry_adapters.coco.options import CocoOptions
from boxferry_adapters.coco.piece import Piece
from boxferry_adapters.coco.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from boxferry.formats import Context, Id, Source
    from boxferry_adapters.coco.dataset import Survey

RELATIVE = re.compile(r"(?!\.{1,2}/)[^/:]+(/(?!\.{1,2}/)[^/]+)*")  #: a file name that can be an image's key as it is

_items = msgspec.json.Decoder(list[Item])
_values = msgspec.json.Decoder(list[Any])


def read(source: Source, context: Context, *, chunk_boxes: int = CHUNK_BOXES) -> Iterator[Detections]:
    """Yield chunks of about `chunk_boxes` boxes, each image once; a dataset's images without boxes come last.

    Raises:
        InputError: the source is no COCO file, contradicts itself or what else is known, or nobody knows its images.
    """
    options = CocoOptions.of(context.options)
    with Spill() as spill, Extras(context) as extras:
        reader = _Reader(source, context, survey(source, options), options, extras)
        for records in reader.records():
            spill.add(records)
        reader.finish()
        for records in spill.chunks(chunk_boxes):
            yield reader.detections(records)
        yield from reader.images_without_boxes(chunk_boxes)


@dataclass(slots=True)
class _Reader:
    """One pass over the boxes."""

    source: Source
    context: Context
    found: Survey
    options: CocoOptions
    extras: Extras
    vocabulary: Vocabulary = field(init=False)
    watch: Watch = field(init=False)
    images: list[Image] = field(default_factory=list)
    _sizes: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1024, 2)))
    _numbers: dict[Any, int] = field(default_factory=dict)
    _by_key: dict[str, object] = field(default_factory=dict)
    _listed: set[str] = field(default_factory=set)
    _codes: dict[Any, int] = field(default_factory=dict)
    _nameless: int = 0
    _unknown_images: dict[Id, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = _agreed(self.found.names, self.context.names, self.source.name)
        self.vocabulary = Vocabulary(names)
        self.context.classes.learn(self.found.names or {}, self.source.name)
        self.extras.frames = self.found.frames
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
            for values, typed in _box_lists(scanner, self.found.key, _values if self.extras.wanted else _items):
                index = np.arange(position, position + len(values))
                position += len(values)
                plain = not typed or self.extras.wanted
                yield self._recorded(self._checked(values, index) if plain else Piece.of(values, index))

    def _checked(self, values: list[Any], index: NDArray[np.int64]) -> Piece:
        """The items among plain values."""
        items, good = [], []
        for value, place in zip(values, index.tolist(), strict=True):
            try:
                items.append(checked(value, self.extras.bounds))
                good.append(True)
            except BadItem as error:
                good.append(False)
                self._nameless += isinstance(error, NoImage)
                self._skip("bad-box", str(error), place)
        return Piece.of(items, index[np.array(good, np.bool_)], list(compress(values, good)))

    def _recorded(self, piece: Piece) -> NDArray[np.void]:
        """Records of items; boxes of images and classes that nobody knows are left out, and remembered."""
        piece = self._boxes(piece)
        image = self._image_numbers(piece)
        piece, image = piece.take(image >= 0), image[image >= 0]
        records = np.empty(len(image), RECORD)
        records["image"], records["row"], records["score"] = image, piece.index, piece.scores
        records["xyxy"] = self._corners(piece, image)
        records["label"] = self._label_codes(piece)
        records["extra"] = self._extra(piece)
        return records[records["label"] >= 0]

    def _boxes(self, piece: Piece) -> Piece:
        """Without items that are no single box."""
        lowest = 0.0 if self.options.has_sides else -np.inf
        negative = np.minimum(piece.bbox[:, 2], piece.bbox[:, 3]) < lowest
        for row in np.flatnonzero(negative).tolist():
            found = f"bbox: width and height cannot be negative, found {piece.bbox[row].tolist()}"
            self._skip("bad-box", f"{found}; expected [x, y, width, height]", int(piece.index[row]))
        piece = piece.take(~negative)
        if not self.found.is_dataset:
            return piece
        crowds = piece.crowds
        for place in piece.index[crowds].tolist():
            self._skip("crowd", "a crowd region (iscrowd 1), not one object", place)
        return piece.take(~crowds)

    def _skip(self, code: str, message: str, index: int) -> None:
        self.context.tally.skip(code, message, Place(self.source.name, item=index))

    def _corners(self, piece: Piece, image: NDArray[np.int32]) -> NDArray[np.float64]:
        """(N, 4) corners in pixels of the images; their sizes are looked at only where they count."""
        sizes = self._sizes[image]
        if self.options.needs_sizes and (missing := np.flatnonzero(sizes[:, 0] == 0)).size:
            key = self.images[image[missing[0]]].key
            place = Place(self.source.name, item=int(piece.index[missing[0]]))
            raise InputError(f"{place}: the size of image '{key}' is not known; give --images, --size or --categories")
        self.watch.see(piece.bbox, sizes)
        return self.options.corners(piece.bbox, np.where(sizes > 0, sizes, 1.0))

    def _extra(self, piece: Piece) -> list[int] | int:
        """(N,) where each item's outline and fields are kept."""
        if not self.extras.wanted:
            return -1
        each = zip(piece.values, piece.items, strict=True)
        return [self.extras.keep(value, id_key(item.image_id)) for value, item in each]

    def _image_numbers(self, piece: Piece) -> NDArray[np.int32]:
        """(N,) the number of each item's image, -1 where nobody knows it."""
        numbers, at = self._numbers, 0
        ids = [item.image_id for item in piece.items]
        for image_id in dict.fromkeys(ids):
            if image_id not in numbers:
                at = ids.index(image_id, at)
                numbers[image_id] = self._new_image(piece.items[at])
        found = np.fromiter(map(numbers.__getitem__, ids), np.int32, len(ids))
        for row in np.flatnonzero(found < 0).tolist():
            key = id_key(ids[row])
            first, boxes = self._unknown_images.get(key, (int(piece.index[row]), 0))
            self._unknown_images[key] = (first, boxes + 1)
        return found

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
        self.images.append(image)
        if len(self.images) > len(self._sizes):
            self._sizes = np.concatenate((self._sizes, np.zeros_like(self._sizes)))
        self._sizes[len(self.images) - 1] = image.width, image.height
        return len(self.images) - 1

    def _image(self, image_id: Id, item: Item) -> Image | None:
        images = self.context.images
        if self.found.images:
            own = self.found.images.get(image_id)
            if own is None:
                return None
            self._listed.add(own.key)
            return self._located(own)
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
        key = own.key if RELATIVE.fullmatch(own.key) else found.key
        return msgspec.structs.replace(own if own.sized else found, key=key, media=found.media)

    def _label_codes(self, piece: Piece) -> NDArray[np.int32]:
        """(N,) the label's code of each item, -1 where nobody knows its name."""
        codes, raw = self._codes, [item.category_id for item in piece.items]
        for category in set(raw) - codes.keys():
            codes[category] = self.vocabulary.code(self._category(category), boxes=0)
            self.watch.categories.add(id_key(category))
        found = np.fromiter(map(codes.__getitem__, raw), np.int32, len(raw))
        for row in np.flatnonzero(found < 0).tolist():
            self.vocabulary.code(self._category(raw[row]), Place(self.source.name, item=int(piece.index[row])))
        return found

    def _category(self, raw: Any) -> Id:  # noqa: ANN401 # as it stands in the file
        key = id_key(raw)
        return key + self.options.category_offset if isinstance(key, int) else key

    def detections(self, records: NDArray[np.void]) -> Detections:
        """A chunk of records, each image's standing together, as Detections; counted as read."""
        starts = np.flatnonzero(np.diff(records["image"], prepend=-1))
        chunk = Detections.from_counts(
            [self._sourced(self.images[number]) for number in records["image"][starts].tolist()],
            np.diff(np.append(starts, len(records))),
            np.ascontiguousarray(records["xyxy"]),
            np.ascontiguousarray(records["label"]),
            self.vocabulary.labels,
            score=np.ascontiguousarray(records["score"]),
            row=np.ascontiguousarray(records["row"]),
            row_unit="item",
            **(self.extras.columns(records["extra"].tolist()) if self.extras.wanted else {}),
        )
        self.context.tally.count(chunk)
        return chunk

    def _sourced(self, image: Image) -> Image:
        return msgspec.structs.replace(image, source=self.source.name)

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
        others = {image.key: image for image in (self.found.images or {}).values() if image.key not in self._listed}
        rest = [self._sourced(self._located(image)) for image in others.values()]
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
        scanner.end()
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
