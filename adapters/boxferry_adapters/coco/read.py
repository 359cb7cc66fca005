"""Reads results and datasets into chunks: a first look at what is there, then the boxes."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.labels import Vocabulary, id_key
from boxferry.boxes.refine import without
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.parsing.gather import BadBox
from boxferry.parsing.json_scan import Scanner
from boxferry.parsing.spill import CHUNK_BOXES, RECORD, Spill
from boxferry_adapters.coco.columns import ItemDecoder
from boxferry_adapters.coco.dataset import opened, survey
from boxferry_adapters.coco.extras import Extras
from boxferry_adapters.coco.files import files_of
from boxferry_adapters.coco.images import FileImages, Gathered
from boxferry_adapters.coco.items import NoImage, checked, is_derived, track_of
from boxferry_adapters.coco.names import agreed
from boxferry_adapters.coco.options import CocoOptions
from boxferry_adapters.coco.piece import Piece
from boxferry_adapters.coco.segments import mask_scale, mask_size
from boxferry_adapters.coco.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from boxferry.formats import Context, Id, Source
    from boxferry.parsing.json_scan import ListDecoder
    from boxferry_adapters.coco.dataset import Survey
    from boxferry_adapters.coco.files import File

SMALL_IDS = 1 << 16  #: of classes
FILE_SHIFT = 40  #: bits of a record's row that say where it stands in its file; those above say in which file

_items = ItemDecoder()
_values = msgspec.json.Decoder(list[Any])


def read(source: Source, context: Context, *, chunk_boxes: int = CHUNK_BOXES) -> Iterator[Detections]:
    """Yield chunks of about `chunk_boxes` boxes, each image once; a dataset's images without boxes come last.

    Files of a folder or a glob are read one after the other: ids are each file's own, and an image that several of
    them have boxes of is one.

    Raises:
        InputError: before the first chunk: a file is no COCO file, contradicts itself or what else is known, or its
            images are unknown.
    """
    options, files = CocoOptions.of(context.options), files_of(source, context)
    with Spill() as spill, Extras(context) as extras:
        gathered, labels, readers = Gathered(), Vocabulary({}), list[_Reader]()
        for number, file in enumerate(files):
            with _naming_all(files):
                reader = _Reader(file, number, context, options, extras, gathered, labels)
                for records in reader.records():
                    spill.add(records)
                reader.finish()
            readers.append(reader)
        extras.note()
        chunks = _Chunks(source.name, [file.source.name for file in files], context, extras, gathered, labels)
        for records in spill.chunks(chunk_boxes):
            yield chunks.of(records)
        for reader in readers:
            for images in reader.images.without_boxes(chunk_boxes):
                yield chunks.empty(images)


@contextmanager
def _naming_all(files: list[File]) -> Iterator[None]:
    """Say that an error in one of several files ends the reading of all.

    An image may have boxes in several files, so that without one of them it would be sent with a part of its boxes.
    """
    try:
        yield
    except InputError as error:
        if len(files) == 1:
            raise
        raise InputError(f"{error}; none of the {len(files)} files is used: mend this one, or leave it out") from error


@dataclass(slots=True)
class _Reader:
    """One pass over the boxes of one file."""

    file: File
    number: int
    context: Context
    options: CocoOptions
    extras: Extras
    gathered: Gathered
    labels: Vocabulary
    source: Source = field(init=False)
    found: Survey = field(init=False)
    images: FileImages = field(init=False)
    vocabulary: Vocabulary = field(init=False)
    watch: Watch = field(init=False)
    _codes: dict[Any, int] = field(default_factory=dict)
    _nameless: int = 0
    _good: int = 0
    _crowds: int = 0
    _first_bad: str = ""

    def __post_init__(self) -> None:
        self.source = self.file.source
        self.found = survey(self.source, self.options)
        name, names = self.source.name, agreed(self.found.names, self.context.names, self.source.name)
        self.images = FileImages(name, self.context, self.found, self.options, self.gathered, self.file.folder)
        self.vocabulary = Vocabulary(names, beside=self.labels)
        self.context.classes.learn(self.found.names or {}, name)
        self.extras.framed |= self.found.frames is not None
        self.watch = Watch(name, names, watched=self.options.bbox_format is None and not self.options.scale_from)
        if twice := [name for name, count in Counter(names.values()).items() if count > 1]:
            self.context.tally.note(
                Code.MERGED_CATEGORIES, f"several categories are called {', '.join(twice)}: one label"
            )

    def records(self) -> Iterator[NDArray[np.void]]:
        """The boxes as records, piece by piece; what is no box is skipped with its index.

        Raises:
            InputError: it holds neither images nor boxes.
        """
        if self.found.key is None and self.found.names is not None and self.found.images is None:
            raise InputError(f"{self.source.name}: holds categories alone; give it as --categories")
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

    def _checked(self, values: Iterable[Any], index: NDArray[np.int64]) -> Piece:
        """The items among plain values."""
        items, good = [], []
        for value, place in zip(values, index.tolist(), strict=True):
            try:
                items.append(checked(value, self.extras.bounds))
                good.append(True)
            except BadBox as error:
                good.append(False)
                self._nameless += isinstance(error, NoImage)
                self._first_bad = self._first_bad or f"{Place(self.source.name, item=place)}: {error}"
                self._skip(Code.BAD_BOX, str(error), place)
        return Piece.of(items, index[np.array(good, np.bool_)], list(compress(values, good)))

    def _recorded(self, piece: Piece) -> NDArray[np.void]:
        """Records of items; boxes of unknown images and classes are left out, and remembered."""
        piece = self._boxes(piece)
        image = self.images.numbers(piece)
        piece, image = piece.take(image >= 0), image[image >= 0]
        scales, usable = self._mask_scales(piece, image)
        piece, image = piece.take(usable), image[usable]
        records = np.empty(len(image), RECORD)
        records["image"], records["score"] = image, piece.scores
        records["row"] = piece.index + (self.number << FILE_SHIFT) if self.number else piece.index
        records["xyxy"] = self._corners(piece, image)
        records["label"] = self._label_codes(piece)
        records["extra"] = self._extra(piece, scales)
        records = records[records["label"] >= 0]
        self.gathered.filled[records["image"]] = True
        return records

    def _boxes(self, piece: Piece) -> Piece:
        """Without items that are no single box."""
        self._good += len(piece)
        lowest = 0.0 if self.options.has_sides else -np.inf
        negative = np.minimum(piece.bbox[:, 2], piece.bbox[:, 3]) < lowest
        for row in np.flatnonzero(negative).tolist():
            found = f"bbox: width and height cannot be negative, found {piece.bbox[row].tolist()}"
            self._skip(Code.BAD_BOX, f"{found}; expected [x, y, width, height]", int(piece.index[row]))
        piece = piece.take(~negative)
        if not self.found.is_dataset or self.options.crowds:
            return piece
        crowds = piece.crowds
        self._crowds += int(crowds.sum())
        for place in piece.index[crowds].tolist():
            self._skip(Code.CROWD, "a crowd region (iscrowd 1), not one object; --crowd keep takes it as a box", place)
        return piece.take(~crowds)

    def _skip(self, code: str, message: str, index: int) -> None:
        self.context.tally.skip(code, message, Place(self.source.name, item=index))

    def _mask_scales(self, piece: Piece, image: NDArray[np.int32]) -> tuple[dict[int, Any], NDArray[np.bool_]]:
        """By index, the scale of each mask that has not its image's size, None where it has not its shape.

        The box of a mask that is scaled is scaled too; where it cannot be, the item fails: a mask (N,) of the others.
        """
        scales: dict[int, Any] = {}
        usable = np.ones(len(piece), np.bool_)
        for row, value in enumerate(piece.values if self.options.scale_from is None else ()):
            size, whole = mask_size(value.get("segmentation")), self.gathered.sizes[image[row]]
            derived = is_derived(value)
            if size is None or not whole[0] or size == tuple(whole) or not (derived or self.context.polygons):
                continue
            scales[int(piece.index[row])] = scale = mask_scale(size, tuple(whole.tolist()))
            if scale is None:
                sizes = f"segmentation: a mask of {size[0]}x{size[1]}, the image is {whole[0]:g}x{whole[1]:g}"
                place, boxes = Place(self.source.name, item=int(piece.index[row])), int(derived)
                ends = "it cannot be placed" if derived else "its bbox is kept, its outline not"
                self.context.tally.fail(Code.MASK_SIZE, f"{sizes}: {ends}", place, boxes=boxes, counted=False)
                usable[row] = not derived
            else:
                self.extras.scaled += 1
                piece.bbox[row] *= (*scale, *scale) if derived else 1
        return scales, usable

    def _corners(self, piece: Piece, image: NDArray[np.int32]) -> NDArray[np.float64]:
        """(N, 4) corners in pixels of the images; their sizes are looked at only where they count."""
        sizes = self.gathered.sizes[image]
        if self.options.needs_sizes and (missing := np.flatnonzero(sizes[:, 0] == 0)).size:
            key = self.gathered.images[image[missing[0]]].key
            place = Place(self.source.name, item=int(piece.index[missing[0]]))
            raise InputError(f"{place}: the size of image '{key}' is not known; give --images, --size or --categories")
        self.watch.see(piece.bbox, sizes)
        return self.options.corners(piece.bbox, np.where(sizes > 0, sizes, 1.0))

    def _extra(self, piece: Piece, scales: Mapping[int, Any]) -> list[int] | int:
        """(N,) where each item's outline and fields are kept, -1 for none."""
        keep, images = self.extras.keep, self.images
        if self.extras.wanted:
            each = zip(piece.values, piece.items, piece.index.tolist(), strict=True)
            return [
                keep(value, frame=images.frame_of(item), track=track_of(item), scale=scales.get(place, (1.0, 1.0)))
                for value, item, place in each
            ]
        if not piece.rare:
            return -1
        tracks = [track_of(item) for item in piece.items]
        return [keep({}, track=track) if track >= 0 else -1 for track in tracks]

    def _label_codes(self, piece: Piece) -> NDArray[np.int32]:
        """(N,) the label's code of each item, -1 where it has no name."""
        raw = piece.category_ids
        found = self._small_codes(raw) if isinstance(raw, np.ndarray) and _are_small(raw) else None
        if found is None:
            found = np.array([self._code(category) for category in raw], np.int32)
        for row in np.flatnonzero(found < 0).tolist():
            self.vocabulary.code(self._category(raw[row]), Place(self.source.name, item=int(piece.index[row])))
        return found

    def _small_codes(self, raw: NDArray[np.int64]) -> NDArray[np.int32]:
        """(N,) the same of ids that can be places in a table."""
        there = np.bincount(raw)
        table = np.full(len(there), -1, np.int32)
        for category in np.flatnonzero(there).tolist():
            table[category] = self._code(category)
        return table[raw]

    def _code(self, category: Any) -> int:  # noqa: ANN401 # as it stands in the file
        if category not in self._codes:
            self._codes[category] = self.vocabulary.code(self._category(category), boxes=0)
            self.watch.categories.add(id_key(category))
        return self._codes[category]

    def _category(self, raw: Any) -> Id:  # noqa: ANN401 # as it stands in the file
        key = id_key(raw)
        return key + self.options.category_offset if isinstance(key, int) else key

    def finish(self) -> None:
        """Report the unknown classes and images.

        Raises:
            InputError: no image at all is known, there are no class names, or nothing in the file is a detection.
        """
        name = self.source.name
        if self._nameless and not self._good:
            found = f"none of its {self._nameless} items says which image it is of: image_id is null, or not there"
            raise InputError(f"{name}: {found}; write the results with image ids, or file names as image_id")
        if self._first_bad and not self._good:
            raise InputError(f"{self._first_bad}; nothing in this file is a detection")
        if self.images.none_known:
            remedy = "name the dataset that they are from with --categories FILE, or give file_name and --images DIR"
            remedy = self.images.shift() or ("its list of images has other ids" if self.found.images else remedy)
            first = self.images.first_unknown()
            raise InputError(f"{name}: not one of its images is known, as of image_id {first}: {remedy}")
        if self.images.has_boxes and not self.vocabulary.size:
            raise InputError(f"{name}: category ids need names; add --categories FILE or --names FILE or LIST")
        self.images.report()
        self.watch.judge()
        if hint := self.watch.shifted(self.options.category_offset):
            self.context.tally.note(Code.SHIFTED_CATEGORIES, hint)
        if self._crowds and self._crowds == self._good:
            message = (
                f"all of its {self._crowds} annotations are crowd regions (iscrowd 1): --crowd keep takes them as boxes"
            )
            self.context.tally.note(Code.ALL_CROWDS, message, Place(name))
        self.vocabulary.report(self.context.tally)


@dataclass(slots=True)
class _Chunks:
    """Makes chunks of records."""

    name: str
    files: list[str]
    context: Context
    extras: Extras
    gathered: Gathered
    labels: Vocabulary

    def of(self, records: NDArray[np.void]) -> Detections:
        """A chunk of records, each image's standing together, as Detections; counted as read."""
        starts = np.flatnonzero(np.diff(records["image"], prepend=-1))
        several = len(self.files) > 1
        file = records["row"] >> FILE_SHIFT if several else records["row"]
        chunk = Detections.from_counts(
            [self._sourced(self.gathered.images[number]) for number in records["image"][starts].tolist()],
            np.diff(np.append(starts, len(records))),
            np.ascontiguousarray(records["xyxy"]),
            np.ascontiguousarray(records["label"]),
            self.labels.labels,
            score=np.ascontiguousarray(records["score"]),
            row=records["row"] & ((1 << FILE_SHIFT) - 1) if several else np.ascontiguousarray(records["row"]),
            row_unit="item",
            source=objects([self.files[number] for number in file.tolist()]) if several else None,
            **self.extras.columns(records["extra"]),
        )
        self.context.tally.count(chunk)
        if not several:
            return chunk
        message = "another file has the very same: is it a shard that was filled up?"
        return without(chunk, _repeated(records, file), Code.REPEATED, message, self.context.tally)

    def empty(self, images: list[Image]) -> Detections:
        """A chunk of images without boxes, counted as read."""
        chunk = Detections.from_counts([self._sourced(image) for image in images], [0] * len(images), [], [], ())
        self.context.tally.count(chunk)
        return chunk

    def _sourced(self, image: Image) -> Image:
        return msgspec.structs.replace(image, source=self.name)


def _are_small(ids: NDArray[np.int64]) -> bool:
    return bool(len(ids)) and ids.min() >= 0 and ids.max() < SMALL_IDS


def _repeated(records: NDArray[np.void], file: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N,) the records that stand in an earlier file too: image, label, corners and score are the same."""
    score = np.nan_to_num(records["score"], nan=-1.0)
    alike = np.column_stack((records["image"], records["label"], score, records["xyxy"]))
    _, first, which = np.unique(alike, axis=0, return_index=True, return_inverse=True)
    return np.asarray(file != file[first[which.reshape(-1)]])


def _box_lists(scanner: Scanner, key: str | None, decoder: ListDecoder) -> Iterator[tuple[Any, bool]]:
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
