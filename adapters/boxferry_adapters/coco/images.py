"""Which image each item is of: by its id, by the name that stands in it, or unknown."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import id_key
from boxferry.boxes.tally import Place
from boxferry.errors import InputError, SizeDiffers
from boxferry.parsing.gather import BadImage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Image
    from boxferry.formats import Context, Id
    from boxferry_adapters.coco.dataset import Survey
    from boxferry_adapters.coco.items import Item, RawId
    from boxferry_adapters.coco.options import CocoOptions
    from boxferry_adapters.coco.piece import Piece

RELATIVE = re.compile(r"(?!\.{1,2}/)[^/:]+(/(?!\.{1,2}/)[^/]+)*")  #: a file name that can be an image's key as it is
UNKNOWN = Code.UNKNOWN_IMAGE


@dataclass(slots=True)
class Gathered:
    """The images of all files of a source, in the order in which they are met.

    Attributes:
        images: those that have a number, which is their place here.
        sizes: width and height of each; rows beyond the images are not used.
        filled: whether it has boxes, or has come without any; likewise.
    """

    images: list[Image] = field(default_factory=list)
    sizes: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1024, 2)))
    filled: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1024, np.bool_))
    _numbers: dict[str, int] = field(default_factory=dict)

    def number(self, image: Image) -> int:
        """The number of an image, by its key."""
        number = self._numbers.setdefault(image.key, len(self.images))
        if number == len(self.images):
            self.images.append(image)
            if len(self.images) > len(self.sizes):
                self.sizes = np.concatenate((self.sizes, np.zeros_like(self.sizes)))
                self.filled = np.concatenate((self.filled, np.zeros_like(self.filled)))
            self.sizes[number] = image.width, image.height
        return number

    def is_new(self, image: Image) -> bool:
        """Whether an image has not come yet; from now on it has."""
        number = self.number(image)
        before, self.filled[number] = bool(self.filled[number]), True
        return not before


@dataclass(slots=True)
class _LostImage:
    """An image whose boxes cannot be used, and how many there are, from the first one's index on."""

    why: BadImage
    item: int
    boxes: int = 0


@dataclass(slots=True)
class FileImages:
    """Gives the items of one file the numbers of their images; ids are the file's own.

    Attributes:
        name: the file, for messages.
        context: looks images up.
        found: what else stands in the file.
        options: say by what an image is known.
        gathered: the images of all files.
        folder: the file's own folder below the source, where several files lie in different ones; else empty.
    """

    name: str
    context: Context
    found: Survey
    options: CocoOptions
    gathered: Gathered
    folder: str = ""
    _numbers: dict[Any, int] = field(default_factory=dict)
    _known_by: dict[int, tuple[str, Id]] = field(default_factory=dict)
    _lost: dict[Any, _LostImage] = field(default_factory=dict)
    _met: dict[str, Image | None] = field(default_factory=dict)  # a dataset's own name → the image, None if it fails

    def numbers(self, piece: Piece) -> NDArray[np.int32]:
        """(N,) the number of each item's image, -1 where its boxes cannot be used, which is remembered."""
        keys, starts = self._keys(piece)
        numbers, lengths = self._numbers, np.diff(np.append(starts, len(piece)))
        for key, start in zip(keys, starts.tolist(), strict=True):
            if key not in numbers:
                numbers[key] = self._new(key, int(piece.index[start]))
        found = np.fromiter(map(numbers.__getitem__, keys), np.int32, len(keys))
        for run in np.flatnonzero(found < 0).tolist():
            self._lost[keys[run]].boxes += int(lengths[run])
        return np.repeat(found, lengths)

    def _keys(self, piece: Piece) -> tuple[list[Any], NDArray[np.int64]]:
        """By what the image of each run of items is known, its id with the name beside it, and where the runs begin."""
        ids, starts = piece.runs()
        if not piece.rare or self.options.image_by == "id":
            return ids, starts
        names = [item.file_name for item in piece.items]
        keys = [(i, name) if name and name.strip("/\\. ") else i for i, name in zip(ids, names, strict=True)]
        return keys, starts

    def _new(self, key: Any, index: int) -> int:  # noqa: ANN401 # an id, perhaps with a name
        raw, name = (key[0], key[1].replace("\\", "/")) if isinstance(key, tuple) else (key, "")
        image_id = self._shifted(raw)
        try:
            image, by = self._image(raw, image_id, name, index)
        except BadImage as error:
            self._lost[key] = _LostImage(error, index)
            return -1
        number = self.gathered.number(image)
        before = self._known_by.setdefault(number, (by, image_id))
        free = self.found.frames is not None or self.options.image_by == "file_name"
        if not free and before[0] == by and before[1] != image_id:
            raise InputError(f"{self.name}: image ids {before[1]} and {raw} are both '{image.key}'")
        return number

    def _shifted(self, raw: object) -> Id:
        key = id_key(raw)
        return key + self.options.image_offset if isinstance(key, int) else key

    def _image(self, raw: RawId, image_id: Id, name: str, index: int) -> tuple[Image, str]:
        """The image of an id, as it stands there and shifted, and whether it is known by its 'id' or its 'name'.

        Raises:
            BadImage: it is unknown, or its boxes cannot be used.
            InputError: its id and its name contradict each other, and it is not said which counts.
        """
        images = self.context.images
        if name and self.options.image_by == "file_name":
            return _looked(images.named, name), "name"
        if self.found.images:
            if (own := self.found.images.get(image_id)) is not None:
                self._agree(name, own.key, raw, index)
                return self.located(own), "id"
        elif (known := _looked(images.numbered, image_id)) is not None:
            self._agree(name, known.key, raw, index)
            return known, "id"
        elif name:
            return _looked(images.named, name), "name"
        elif isinstance(raw, str) and ((stem := _looked(images.stem, raw)).media or stem.sized):
            return stem, "id"
        raise BadImage(f"image_id {image_id} is not in the dataset", UNKNOWN)

    def _agree(self, name: str, key: str, raw: RawId, index: int) -> None:
        if name and not _same_image(name, key):
            says = f"file_name is '{name}', but image_id {raw} is '{key}'"
            which = "--image-by file_name or --image-by id says which of them counts"
            raise InputError(f"{Place(self.name, item=index)}: {says}: {which}")

    def located(self, own: Image) -> Image:
        """A dataset's image with its local file, and one size.

        Raises:
            BadImage: the dataset and the image disagree on its size, or several files have its name.
        """
        self._met[own.key] = None
        beside = f"{self.folder}/{own.key}" if self.folder and RELATIVE.fullmatch(own.key) else ""
        if beside and "/" not in own.key:  # another split has an image of the same name
            found = _looked(self.context.images.named, beside)
        else:
            found = _looked(self.context.images.named, own.key, *([beside] if beside else ()))
        if self.options.scale_from is not None and found.media and found.sized:
            own = msgspec.structs.replace(own, width=found.width, height=found.height)
        if own.sized and found.sized and (own.width, own.height) != (found.width, found.height):
            sizes = f"{own.width}x{own.height}, the image itself is {found.width}x{found.height}"
            raise BadImage(f"'{own.key}' is said to be {sizes}: {SCALE_FROM}", Code.SIZE_MISMATCH)
        if beside:
            key = found.key if found.media else beside
        else:
            key = own.key if RELATIVE.fullmatch(own.key) else found.key
        image = self._met[own.key] = msgspec.structs.replace(
            own if own.sized else found, key=key, media=found.media, id=own.id
        )
        return image

    def frame_of(self, item: Item) -> int:
        """The frame of an item's video, 0 where images are stills."""
        return (self.found.frames or {}).get(self._shifted(item.image_id), 0)

    @property
    def none_known(self) -> bool:
        """Whether items were met, and not one of them is of a known image."""
        return bool(self._lost) and not self._known_by and all(lost.why.code == UNKNOWN for lost in self._lost.values())

    @property
    def has_boxes(self) -> bool:
        """Whether an item of a known image was met."""
        return bool(self._known_by)

    def first_unknown(self) -> Id:
        """The id of the first item whose image is unknown."""
        return _raw_id(next(iter(self._lost)))

    def report(self) -> None:
        """Count the boxes that cannot be used, one record for each image; and name a shift of ids."""
        tally = self.context.tally
        for lost in self._lost.values():
            place, message = Place(self.name, item=lost.item), str(lost.why)
            if lost.why.code == UNKNOWN:
                tally.skip(UNKNOWN, f"{message} ({lost.boxes} boxes)", place, boxes=lost.boxes)
            else:
                tally.fail(lost.why.code, message, place, boxes=lost.boxes, counted=False)
        if hint := self.shift():
            tally.note(Code.SHIFTED_IMAGES, hint)

    def shift(self) -> str:
        """A hint where all ids that are used are known once they are shifted by one number; else empty."""
        if not any(lost.why.code == UNKNOWN for lost in self._lost.values()):
            return ""
        used = {self._shifted(_raw_id(key)) for key in self._numbers}
        known = {i for i in self.found.images or self.context.images.ids() if isinstance(i, int)}
        numbers = {i for i in used if isinstance(i, int)}
        if not known or not numbers or numbers != used:
            return ""
        ends = (min(known) - min(numbers), max(known) - max(numbers)) if len(numbers) > 1 else ()
        for by in dict.fromkeys((1, -1, *ends)):
            if by and all(number + by in known for number in numbers):
                option = f"--image-id-offset {self.options.image_offset + by}"
                ids = f"image ids {min(numbers)} to {max(numbers)}, those of the dataset {min(known)} to {max(known)}"
                return f"{ids}: with {by:+d} every one of them is in it, and now most are of another image: {option}"
        return ""

    def without_boxes(self, most: int) -> Iterator[list[Image]]:
        """A dataset's images that have no box, at most so many at a time."""
        own = {image.key: image for image in (self.found.images or {}).values()}
        found = (self._met[key] if key in self._met else self._unless_lost(image) for key, image in own.items())
        images = (image for image in found if image is not None and self.gathered.is_new(image))
        while part := list(islice(images, most)):
            yield part

    def _unless_lost(self, own: Image) -> Image | None:
        try:
            return self.located(own)
        except BadImage as error:
            self.context.tally.fail(error.code, str(error), Place(self.name))
            return None


SCALE_FROM = "its boxes may be wrong; if they are in a model's input, --scale-from WxH says so"


def _raw_id(key: Any) -> Id:  # noqa: ANN401 # an id, perhaps with a name
    return id_key(key[0] if isinstance(key, tuple) else key)


def _looked(look: Any, *names: Any) -> Any:  # noqa: ANN401 # one of the look-ups of images
    """What a look-up of an image gives; only that image fails where it fails."""
    try:
        return look(*names)
    except SizeDiffers as error:
        raise BadImage(f"{error}; {SCALE_FROM}", Code.SIZE_MISMATCH) from None
    except InputError as error:
        raise BadImage(str(error), Code.AMBIGUOUS_IMAGE) from None


def _same_image(name: str, key: str) -> bool:
    """Whether two paths can mean one image: as far as both have folders, these are the same; the suffix may differ."""
    one, other = (unicodedata.normalize("NFC", posixpath.splitext(path)[0]).split("/")[::-1] for path in (name, key))
    return all(a == b for a, b in zip(one, other, strict=False) if a not in {"", "."} and b not in {"", "."})
