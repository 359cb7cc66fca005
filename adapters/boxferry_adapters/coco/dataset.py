"""What a dataset says besides its annotations: images and categories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

import msgspec

from boxferry.boxes.detections import Image
from boxferry.boxes.labels import id_key
from boxferry.errors import InputError
from boxferry.formats import Catalog
from boxferry_adapters.coco.items import CategoryItem, ImageItem, Reference, is_text, shown
from boxferry_adapters.coco.lines import LinesAsList, is_lines
from boxferry_adapters.coco.scan import Scanner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Id, Source

LISTS = ("annotations", "predictions", "results")  #: the keys under which boxes stand
SPLIT_PARTS = 2  #: of a coco_url's path: the split's folder and the name

_references = msgspec.json.Decoder(list[Reference])


@dataclass(slots=True)
class Survey:
    """What a first pass over a source finds.

    Attributes:
        names: class id → label; None where the source is a list of results, or has no categories.
        images: image id → image; None likewise.
        grouped: whether the boxes of each image stand together.
        key: the key under which the boxes stand; None for a list.
    """

    names: dict[Id, str] | None = None
    images: dict[Id, Image] | None = None
    grouped: bool = True
    key: str | None = None

    @property
    def is_dataset(self) -> bool:
        """Whether it is a dataset, rather than results."""
        return self.images is not None


@dataclass(slots=True)
class _Grouping:
    """Sees whether an image comes back after another one."""

    grouped: bool = True
    current: object = None
    seen: set[object] = field(default_factory=set)

    def see(self, ids: list[object]) -> None:
        current, seen = self.current, self.seen
        for raw in ids:
            image_id = raw if type(raw) is int else id_key(raw)
            if image_id != current:
                if image_id in seen:
                    self.grouped = False
                    return
                seen.add(image_id)
                current = image_id
        self.current = current


def survey(source: Source) -> Survey:
    """Read everything but the boxes, of which only the image ids are looked at.

    Raises:
        InputError: it is no COCO file, or contradicts itself.
    """
    found, grouping = Survey(), _Grouping()
    with opened(source) as stream:
        scanner = Scanner(stream, source.name)
        first = scanner.peek()
        if first == b"{":
            for key in scanner.object_keys():
                _see_key(scanner, key, found, grouping, source.name)
        elif first == b"[":
            _see_boxes(scanner, grouping)
        else:
            raise scanner.error("expected JSON in UTF-8, an object or a list,")
        scanner.end()
    found.grouped = grouping.grouped
    if first == b"{" and found.key is None and found.images is None:
        raise InputError(
            f"{source.name}: expected images and annotations, or a list of results, under {', '.join(LISTS)}"
        )
    return found


def opened(source: Source) -> BinaryIO:
    """The source's text as one JSON value: results that stand one a line are made a list."""
    return cast("BinaryIO", LinesAsList(source.open())) if is_lines(source.head) else source.open()


def _see_key(scanner: Scanner, key: str, found: Survey, grouping: _Grouping, name: str) -> None:
    if key not in {"images", "categories", *LISTS}:
        scanner.value()
    elif scanner.peek() != b"[":
        if (value := scanner.value()) is not None:
            raise InputError(f"{name}: {key}: expected a list, found {shown(value)}")
    elif key == "images":
        _once(key, found.images, name)
        found.images = _images(scanner, name)
    elif key == "categories":
        _once(key, found.names, name)
        found.names = _categories(scanner, name)
    else:
        if found.key is not None:
            raise InputError(f"{name}: boxes stand under '{found.key}' and again under '{key}'; expected one list")
        found.key = key
        _see_boxes(scanner, grouping)


def _once(key: str, before: object, name: str) -> None:
    if before is not None:
        raise InputError(f"{name}: '{key}' stands there twice; expected one list")


def _see_boxes(scanner: Scanner, grouping: _Grouping) -> None:
    for piece, typed in scanner.items(_references):
        if not grouping.grouped:
            continue
        if typed:
            grouping.see([item.image_id for item in piece])
        else:
            ids = [item.get("image_id") for item in piece if isinstance(item, dict)]
            grouping.see([i for i in ids if isinstance(i, int | float | str)])


def _images(scanner: Scanner, name: str) -> dict[Id, Image]:
    found: dict[Id, Image] = {}
    for item in _typed_items(scanner, ImageItem, "images", name):
        image = Image(_key(item, name), _side(item, "width", name), _side(item, "height", name))
        before = found.setdefault(id_key(item.id), image)
        if before.key != image.key:
            raise InputError(f"{name}: image id {item.id} is both '{before.key}' and '{image.key}'")
        if before.sized and image.sized and before != image:
            sizes = f"{before.width}x{before.height} and {image.width}x{image.height}"
            raise InputError(f"{name}: image id {item.id}, '{image.key}', stands there twice, with the sizes {sizes}")
    return found


def _side(item: ImageItem, side: str, name: str) -> int:
    """Width or height in whole pixels; 0 where it is not told: left out, null, NaN, 0 or negative."""
    value = getattr(item, side)
    if value is None or not value > 0:
        return 0
    if not float(value).is_integer():
        raise InputError(f"{name}: image id {item.id}: {side}: expected whole pixels, found {value}")
    return int(value)


def _key(item: ImageItem, name: str) -> str:
    key = (item.file_name or "").replace("\\", "/")
    if not key and item.coco_url:
        key = "/".join(unquote(urlsplit(item.coco_url).path).split("/")[-SPLIT_PARTS:])
    if not key:
        raise InputError(f"{name}: image id {item.id} has neither file_name nor coco_url")
    return key


def _categories(scanner: Scanner, name: str) -> dict[Id, str]:
    found: dict[Id, str] = {}
    for item in _typed_items(scanner, CategoryItem, "categories", name):
        before = found.setdefault(id_key(item.id), item.name.strip())
        if before != item.name.strip():
            raise InputError(f"{name}: category id {item.id} is both '{before}' and '{item.name}'")
    return found


def _typed_items(scanner: Scanner, kind: type[Any], key: str, name: str) -> Iterator[Any]:
    """The items of a list that has to be right as a whole.

    Raises:
        InputError: one of them is not; the message has its place.
    """
    position = 0
    for piece, typed in scanner.items(msgspec.json.Decoder(list[kind])):  # type: ignore[valid-type] # known at run time
        if typed:
            yield from piece
        else:
            for index, value in enumerate(piece, start=position):
                try:
                    item = msgspec.convert(value, kind)
                except msgspec.ValidationError as error:
                    raise InputError(f"{name}: {key}[{index}]: {error}") from None
                for text in msgspec.structs.astuple(item):
                    if isinstance(text, str) and not is_text(text):
                        raise InputError(f"{name}: {key}[{index}]: {text!r} is not UTF-8")
                yield item
        position += len(piece)


def catalog(source: Source) -> Catalog:
    """Names and images of a dataset file, for `--categories`.

    Raises:
        InputError: it has no categories.
    """
    found = survey(source)
    if found.names is None and found.images is None:
        raise InputError(f"{source.name}: expected a COCO dataset with categories and images, found a list of results")
    return Catalog(names=found.names or {}, images=found.images or {})
