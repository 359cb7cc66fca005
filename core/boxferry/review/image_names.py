"""Finds the images of predictions among those of a ground truth, whose names may have other folders or suffixes."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from boxferry.errors import InputError
from boxferry.formats import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from boxferry.boxes.detections import Image


class ImageNames:
    """The names of a truth's images: whole first, then without folders, then without the suffix, where one fits.

    Attributes:
        any_found: whether an image was found.
        first_missed: the first image that was not.
    """

    def __init__(self, images: Mapping[int | str, str], videos: frozenset[str]) -> None:
        """Know the names, by id."""
        self.any_found = False
        self.first_missed = ""
        self._videos = videos
        self._taken: dict[int | str, str] = {}
        self._whole = {name: number for number, name in images.items()}
        self._shorter = [_unique(images, shorten) for shorten in (posixpath.basename, _stem)]

    @property
    def example(self) -> str:
        """One of the names, for a message."""
        return next(iter(self._whole), "")

    def id_of(self, image: Image) -> int | str | None:
        """The id of an image, None where the truth does not have it; a video is found, and its frames have ids.

        Raises:
            InputError: another image was taken for the same one.
        """
        if image.key in self._videos:
            self.any_found = True
            return None
        found = self._found(image.key)
        if found is None:
            self.first_missed = self.first_missed or image.key
            return None
        self.any_found = True
        before = self._taken.setdefault(found, image.key)
        if before != image.key:
            raise InputError(f"'{before}' and '{image.key}' are both one image of the ground truth: rename one of them")
        return found

    def _found(self, key: str) -> int | str | None:
        if key in self._whole:
            return self._whole[key]
        by_name, by_stem = self._shorter
        found = by_name.get(posixpath.basename(key))
        return by_stem.get(_stem(key)) if found is None else found

    def frame(self, name: str) -> int | str | None:
        """The id of a video's frame by its name; a new one where the truth has the video and no box on the frame."""
        if name.rpartition(", frame ")[0] not in self._videos:
            return None
        return self._whole.get(name, name)


def _stem(path: str) -> str:
    stem, suffix = posixpath.splitext(posixpath.basename(path))
    return stem if suffix.lower() in IMAGE_SUFFIXES else posixpath.basename(path)


def _unique(images: Mapping[int | str, str], shorten: Callable[[str], str]) -> dict[str, int | str]:
    """Shortened name → id, of the names that only one image has."""
    found: dict[str, int | str | None] = {}
    for number, name in images.items():
        short = shorten(name)
        found[short] = None if short in found else number
    return {short: number for short, number in found.items() if number is not None}
