"""A part of a source, one of several that together are the whole: which images it has, their names decide."""

from __future__ import annotations

import posixpath
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from boxferry.boxes.join import only_images
from boxferry.option_checks import check_count, check_range, check_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.errors import InputError


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of `count`.

    An image is in the part that the last part of its name says, without suffix, whatever machine asks: so a file that
    has the name of its image need not be opened by the others.

    Attributes:
        index: which one, from 0.
        count: how many there are.

    Raises:
        UsageError: there is no such part.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        check_count("shards", self.count)
        check_type("shard", self.index, int)
        check_range("shard", self.index, 0, self.count - 1)

    def takes(self, name: str) -> bool:
        """Whether an image of this name, or a file that has its name, is in this part."""
        if self.count == 1:
            return True
        stem = posixpath.splitext(name.replace("\\", "/").rpartition("/")[2])[0]
        stem = stem if stem.isascii() else unicodedata.normalize("NFC", stem)  # as names are compared
        return crc32(stem.encode("utf-8", "surrogatepass")) % self.count == self.index

    def of(self, chunks: Iterator[Detections], tally: Tally) -> Iterator[Detections]:
        """The images of this part; the others are not counted as read."""
        return chunks if self.count == 1 else self._of(chunks, tally)

    def _of(self, chunks: Iterator[Detections], tally: Tally) -> Iterator[Detections]:
        for chunk in chunks:
            own = only_images(chunk, {image.key for image in chunk.images if self.takes(image.key)})
            tally.uncount(images=len(chunk.images) - len(own.images), boxes=len(chunk) - len(own))
            yield own

    def of_folder(self, folder: Callable[..., Iterable[Image]]) -> Callable[..., Iterator[Image]]:
        """The same of what gives the images of a folder, and is handed what is called with those that fail."""

        def own(failed: Callable[[str, InputError], None]) -> Iterator[Image]:
            def failed_here(key: str, error: InputError) -> None:
                if self.takes(key):
                    failed(key, error)

            return (image for image in folder(failed_here) if self.takes(image.key))

        return own


WHOLE = Shard()
