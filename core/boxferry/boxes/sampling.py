"""Which images are taken, by a hash of their keys: the same ones whatever else is in the source. Pure."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.join import only_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally


def place_of(key: str, seed: int = 0) -> float:
    """Where an image stands between 0 and 1, evenly spread: a hash of its key alone.

    Args:
        key: the image's key.
        seed: another number spreads the images anew.
    """
    salt = str(seed).encode() if seed else b""
    number = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, salt=salt[:16]).digest()
    return int.from_bytes(number, "big") / 2**64


def is_validation(key: str, share: float, seed: int = 0) -> bool:
    """Whether an image is for validation; one that is stays so where the share grows.

    Args:
        key: the image's key.
        share: of the images that are for validation, 0 to 1.
        seed: as in `place_of`.
    """
    return place_of(key, seed) < share


def keep_images(
    detections: Detections, keep: Callable[[int], bool], code: str, message: str, tally: Tally
) -> Detections:
    """Those images of a chunk that `keep` is true for, by their index, with their boxes.

    The boxes of the others are dropped for the reason `code`, and the images counted as a note "images-left-out".
    """
    gone = np.array([not keep(index) for index in range(len(detections.images))], np.bool_)
    if not gone.any():
        return detections
    tally.drop(code, message, detections, gone[detections.image_index])
    tally.noted[Code.IMAGES_LEFT_OUT] += int(gone.sum())
    return only_images(detections, {image.key for image, left in zip(detections.images, gone, strict=True) if not left})


@dataclass(frozen=True, slots=True)
class Part:
    """One side of a split into images for training and for validation.

    Attributes:
        share: of the images that are for validation, 0 to 1.
        seed: as in `place_of`.
        validation: whether this is the side for validation.
    """

    share: float
    seed: int
    validation: bool

    def __call__(self, chunk: Detections, tally: Tally) -> Detections:
        """The images of a chunk that are on this side; the boxes of the others are dropped as 'not-chosen'."""

        def here(index: int) -> bool:
            return is_validation(chunk.images[index].key, self.share, self.seed) == self.validation

        return keep_images(chunk, here, Code.NOT_CHOSEN, "its image is on the other side of the split", tally)


@dataclass(frozen=True, slots=True)
class Sample:
    """A choice of so many images, at random and the same each time.

    Of a source to which images are added most of the sample stays: only those that come before others in it go.

    Attributes:
        count: how many images are chosen.
        seed: as in `place_of`.
    """

    count: int
    seed: int

    def chosen(self, chunks: Iterable[Detections]) -> set[str]:
        """The keys of the images that are chosen."""
        keys = {image.key for chunk in chunks for image in chunk.images}
        return set(heapq.nsmallest(self.count, keys, key=lambda key: (place_of(key, self.seed), key)))

    def keep(self, chunk: Detections, chosen: set[str], tally: Tally) -> Detections:
        """The chosen images of a chunk; the boxes of the others are dropped as 'not-chosen'."""
        message = f"its image is not in the sample of {self.count}"
        return keep_images(chunk, lambda index: chunk.images[index].key in chosen, Code.NOT_CHOSEN, message, tally)
