"""What a dataset says besides its annotations: images and categories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from boxferry.boxes.labels import id_key
from boxferry.errors import InputError
from boxferry.formats import Catalog
from boxferry_adapters.coco.items import Reference, shown
from boxferry_adapters.coco.lines import LinesAsList, is_lines
from boxferry_adapters.coco.lists import Lists
from boxferry_adapters.coco.options import CocoOptions
from boxferry_adapters.coco.scan import Scanner

if TYPE_CHECKING:
    from boxferry.boxes.detections import Image
    from boxferry.formats import Id, Source

LISTS = ("annotations", "predictions", "results")  #: the keys under which boxes stand
NO_OPTIONS = CocoOptions()

_references = msgspec.json.Decoder(list[Reference])


@dataclass(slots=True)
class Survey:
    """What a first pass over a source finds.

    Attributes:
        names: class id → label; None where the source is a list of results, or has no categories.
        images: image id → image; None likewise.
        grouped: whether the boxes of each image stand together.
        frames: image id → frame of its video; None where images are stills.
        key: the key under which the boxes stand; None for a list.
    """

    names: dict[Id, str] | None = None
    images: dict[Id, Image] | None = None
    grouped: bool = True
    frames: dict[Id, int] | None = None
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


def survey(source: Source, options: CocoOptions = NO_OPTIONS) -> Survey:
    """Read everything but the boxes, of which only the image ids are looked at.

    Args:
        source: the file.
        options: say where file ids stand, and whether images are frames of videos.

    Raises:
        InputError: it is no COCO file, or contradicts itself.
    """
    found, grouping, lists = Survey(), _Grouping(), Lists(source.name, options)
    with opened(source) as stream:
        scanner = Scanner(stream, source.name)
        first = scanner.peek()
        if first == b"{":
            for key in scanner.object_keys():
                _see_key(scanner, key, found, grouping, lists)
        elif first == b"[":
            _see_boxes(scanner, grouping)
        else:
            raise scanner.error("expected JSON in UTF-8, an object or a list,")
        scanner.end()
    found.grouped = grouping.grouped and options.video_origin is None
    if found.images is not None and options.video_origin is not None:
        found.images, found.frames = lists.videos_of(found.images)
    if first == b"{" and found.key is None and found.images is None:
        raise InputError(
            f"{source.name}: expected images and annotations, or a list of results, under {', '.join(LISTS)}"
        )
    return found


def opened(source: Source) -> BinaryIO:
    """The source's text as one JSON value: results that stand one a line are made a list."""
    return cast("BinaryIO", LinesAsList(source.open())) if is_lines(source.head) else source.open()


def _see_key(scanner: Scanner, key: str, found: Survey, grouping: _Grouping, lists: Lists) -> None:
    name = lists.name
    if key not in {"images", "categories", "videos", *LISTS}:
        scanner.value()
    elif scanner.peek() != b"[":
        if (value := scanner.value()) is not None:
            raise InputError(f"{name}: {key}: expected a list, found {shown(value)}")
    elif key == "images":
        _once(key, found.images, name)
        found.images = lists.images(scanner)
    elif key == "categories":
        _once(key, found.names, name)
        found.names = lists.categories(scanner)
    elif key == "videos":
        lists.videos(scanner)
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


def catalog(source: Source) -> Catalog:
    """Names and images of a dataset file, for `--categories`.

    Raises:
        InputError: it has no categories.
    """
    found = survey(source)
    if found.names is None and found.images is None:
        raise InputError(f"{source.name}: expected a COCO dataset with categories and images, found a list of results")
    return Catalog(names=found.names or {}, images=found.images or {})
