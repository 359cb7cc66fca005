"""What a dataset says besides its annotations: images and categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from boxferry.errors import InputError
from boxferry.formats import Catalog
from boxferry.parsing.encoding import utf8_head, utf8_stream
from boxferry.parsing.json_scan import Scanner
from boxferry_adapters.coco.items import Anything, shown
from boxferry_adapters.coco.lines import LinesAsList, is_lines
from boxferry_adapters.coco.lists import Lists
from boxferry_adapters.coco.memory import MemorySource
from boxferry_adapters.coco.options import CocoOptions

if TYPE_CHECKING:
    from boxferry.boxes.detections import Image
    from boxferry.formats import Id, Source

LISTS = ("annotations", "predictions", "results")  #: the keys under which boxes stand
NO_OPTIONS = CocoOptions()

_anything = msgspec.json.Decoder(list[Anything])


@dataclass(slots=True)
class Survey:
    """What a first pass over a source finds.

    Attributes:
        names: class id → label; None where the source is a list of results, or has no categories.
        images: image id → image; None likewise.
        frames: image id → frame of its video; None where images are stills.
        key: the key under which the boxes stand; None for a list.
    """

    names: dict[Id, str] | None = None
    images: dict[Id, Image] | None = None
    frames: dict[Id, int] | None = None
    key: str | None = None

    @property
    def is_dataset(self) -> bool:
        """Whether it is a dataset, rather than results."""
        return self.images is not None


def survey(source: Source, options: CocoOptions = NO_OPTIONS) -> Survey:
    """Read everything but the boxes; of a list of results that is nothing.

    Args:
        source: the file.
        options: say where file ids stand, and whether images are frames of videos.

    Raises:
        InputError: it is no COCO file, or contradicts itself.
    """
    found, lists = Survey(), Lists(source.name, options)
    with opened(source) as stream:
        scanner = Scanner(stream, source.name)
        first = scanner.peek()
        if first == b"{":
            for key in scanner.object_keys():
                _see_key(scanner, key, found, lists)
            scanner.end()
        elif first != b"[":
            raise scanner.error("expected JSON in UTF-8, an object or a list,")
    if found.images is not None and options.video_origin is not None:
        found.images, found.frames = lists.videos_of(found.images)
    if first == b"{" and found.key is None and found.images is None and found.names is None:
        raise InputError(
            f"{source.name}: expected images and annotations, or a list of results, under {', '.join(LISTS)}"
        )
    return found


def opened(source: Source) -> BinaryIO:
    """The source's text as one JSON value: results that stand one a line are made a list."""
    stream = utf8_stream(source)
    return cast("BinaryIO", LinesAsList(stream)) if is_lines(utf8_head(source.head)) else stream


def _see_key(scanner: Scanner, key: str, found: Survey, lists: Lists) -> None:
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
        _see_boxes(scanner, key, found, name)


def _see_boxes(scanner: Scanner, key: str, found: Survey, name: str) -> None:
    if found.key is not None:
        raise InputError(f"{name}: boxes stand under '{found.key}' and again under '{key}'; expected one list")
    found.key = key
    for _ in scanner.items(_anything):
        pass


def _once(key: str, before: object, name: str) -> None:
    if before is not None:
        raise InputError(f"{name}: '{key}' stands there twice; expected one list")


def catalog(source: Source) -> Catalog:
    """Names and images of a dataset file, for `--categories`.

    Raises:
        InputError: it has no categories.
    """
    found = survey(MemorySource(source) if source.value is not None else source)
    if found.names is None and found.images is None:
        raise InputError(f"{source.name}: expected a COCO dataset with categories and images, found a list of results")
    return Catalog(names=found.names or {}, images=found.images or {})
