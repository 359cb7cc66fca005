"""The lists of a dataset besides its annotations: images, categories and videos; each has to be right as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec.json import Decoder

from boxferry.boxes.detections import Image
from boxferry.boxes.labels import id_key
from boxferry.errors import InputError
from boxferry_adapters.coco.items import CategoryItem, ImageItem, VideoItem, is_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Id
    from boxferry.parsing.json_scan import Scanner
    from boxferry_adapters.coco.options import CocoOptions

SPLIT_PARTS = 2  #: of a coco_url's path: the split's folder and the name
LARGEST_FILE_ID = 2**31
LARGEST_ID = 2**63  #: of image ids that are kept
LARGEST_SIDE = 2**62  #: no image is as large, and a larger number is kept nowhere
#: made at import: msgspec crashes where two threads meet a type for the first time at the same moment
_decoders: dict[Any, Decoder[list[Any]]] = {
    kind: Decoder(list[kind])  # type: ignore[valid-type] # one of the three
    for kind in (CategoryItem, ImageItem, VideoItem)
}


@dataclass(slots=True)
class Lists:
    """Reads the lists of one file.

    Attributes:
        name: the file's, for messages.
        options: say where file ids stand, and whether images are frames of videos.
    """

    name: str
    options: CocoOptions
    _videos: dict[Id, Image] = field(default_factory=dict)
    _frames: dict[Id, tuple[Id, int]] = field(default_factory=dict)

    def images(self, scanner: Scanner) -> dict[Id, Image]:
        """Image id → image."""
        found: dict[Id, Image] = {}
        for item in _typed_items(scanner, self._kind(), "images", self.name):
            image = self._image(item)
            before = found.setdefault(id_key(item.id), image)
            if before is image:
                continue
            if before.key != image.key:
                raise InputError(f"{self.name}: image id {item.id} is both '{before.key}' and '{image.key}'")
            if before.sized and image.sized and before != image:
                sizes = f"{before.width}x{before.height} and {image.width}x{image.height}"
                raise InputError(
                    f"{self.name}: image id {item.id}, '{image.key}', stands there twice, with the sizes {sizes}"
                )
        return found

    def _kind(self) -> type[ImageItem]:
        if not self.options.file_id_field:
            return ImageItem
        server_id = msgspec.field(name=self.options.file_id_field, default=None)
        return msgspec.defstruct("ImageOnServer", [("server_id", Any, server_id)], bases=(ImageItem,))  # type: ignore[return-value] # a subclass

    def _image(self, item: ImageItem) -> Image:
        image = Image(
            _key(item, self.name), _side(item, "width", self.name), _side(item, "height", self.name),
            file_id=self._file_id(item), id=_kept(id_key(item.id)),
        )  # fmt: skip
        if self.options.video_origin is not None and item.video_id is not None:
            number = item.frame_id if item.frame_id is not None else item.frame_index
            if number is None or number < self.options.video_origin:
                expected = f"expected frame_id from {self.options.video_origin}"
                raise InputError(f"{self.name}: image id {item.id}: frame {number}; {expected}; see --coco-video")
            self._frames[id_key(item.id)] = id_key(item.video_id), number - self.options.video_origin
        return image

    def _file_id(self, item: ImageItem) -> int:
        value = getattr(item, "server_id", None)
        if value is None:
            return 0
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < LARGEST_FILE_ID:
            place = f"{self.name}: image id {item.id}: {self.options.file_id_field}"
            raise InputError(f"{place}: expected a file id, a whole number from 1, found {value!r}"[:300])
        return value

    def videos(self, scanner: Scanner) -> None:
        """Take the videos that frames belong to."""
        if self.options.video_origin is None:
            scanner.value()
            return
        for item in _typed_items(scanner, VideoItem, "videos", self.name):
            key = (item.file_name or item.name or "").replace("\\", "/")
            if not key:
                raise InputError(f"{self.name}: video id {item.id} has neither file_name nor name")
            self._videos[id_key(item.id)] = Image(key, item.width or 0, item.height or 0, video=True)

    def videos_of(self, images: dict[Id, Image]) -> tuple[dict[Id, Image], dict[Id, int]]:
        """Image id → its video, and → its frame.

        Raises:
            InputError: an image names a video that is not there, or none.
        """
        found, frames = {}, {}
        for image_id, image in images.items():
            video_id, frame = self._frames.get(image_id, (None, 0))
            if video_id is None or video_id not in self._videos:
                raise InputError(f"{self.name}: image id {image_id}: its video_id is not among the videos")
            video = self._videos[video_id]
            if not video.sized and image.sized:
                video = self._videos[video_id] = msgspec.structs.replace(video, width=image.width, height=image.height)
            found[image_id], frames[image_id] = video, frame
        return {image_id: self._videos[self._frames[image_id][0]] for image_id in found}, frames

    def categories(self, scanner: Scanner) -> dict[Id, str]:
        """Category id → name."""
        found: dict[Id, str] = {}
        for item in _typed_items(scanner, CategoryItem, "categories", self.name):
            before = found.setdefault(id_key(item.id), item.name.strip())
            if before != item.name.strip():
                raise InputError(f"{self.name}: category id {item.id} is both '{before}' and '{item.name}'")
        return found


def _kept(image_id: Id) -> Id | None:
    """An id that can be written again; None for a number that no file of lines can hold."""
    return image_id if isinstance(image_id, str) or abs(image_id) < LARGEST_ID else None


def _side(item: ImageItem, side: str, name: str) -> int:
    """Width or height in whole pixels; 0 where it is not told: left out, null, NaN, 0 or negative."""
    value = getattr(item, side)
    if value is None or not value > 0:
        return 0
    if type(value) is int and value <= LARGEST_SIDE:
        return value
    if isinstance(value, float) and not value.is_integer():
        raise InputError(f"{name}: image id {item.id}: {side}: expected whole pixels, found {value}")
    return min(int(value), LARGEST_SIDE)


def _key(item: ImageItem, name: str) -> str:
    key = (item.file_name or "").replace("\\", "/")
    if not key and item.coco_url:
        key = "/".join(unquote(urlsplit(item.coco_url).path).split("/")[-SPLIT_PARTS:])
    if not key:
        raise InputError(f"{name}: image id {item.id} has neither file_name nor coco_url")
    return key


def _typed_items(scanner: Scanner, kind: type[Any], key: str, name: str) -> Iterator[Any]:
    """The items of a list that has to be right as a whole.

    Raises:
        InputError: one of them is not; the message has its place.
    """
    position = 0
    decoder = _decoders.get(kind) or Decoder(list[kind])  # type: ignore[valid-type] # made by this thread: `Lists._kind`
    for piece, typed in scanner.items(decoder):
        if typed:
            yield from piece
        else:
            for index, value in enumerate(piece, start=position):
                try:
                    item = msgspec.convert(value, kind)
                except (msgspec.ValidationError, UnicodeEncodeError) as error:
                    raise InputError(f"{name}: {key}[{index}]: {error}") from None
                for text in msgspec.structs.astuple(item):
                    if isinstance(text, str) and not is_text(text):
                        raise InputError(f"{name}: {key}[{index}]: {text!r} is not UTF-8")
                yield item
        position += len(piece)
