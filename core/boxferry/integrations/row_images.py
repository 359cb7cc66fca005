"""The images that rows of a table name: files of this machine or of the writer's, URLs, or files on the server."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.detections import Image
from boxferry.errors import InputError
from boxferry.formats import VIDEO_SUFFIXES
from boxferry.reading.headers import header_size
from boxferry.reading.images import ImageIndex
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    Sizes = Mapping[str, tuple[int, int]]


class RowImages(ImageIndex):
    """Looks an image up by what its row says; satisfies `formats.Images`."""

    def __init__(self, sizes: Sizes, *, paths: bool) -> None:
        """Say what is known.

        Args:
            sizes: what a row calls its image → its width and height in pixels, where the row says so.
            paths: whether what is no file here is one on the writer's machine, or a URL.
        """
        super().__init__(folder=None, catalog=None, size=(0, 0))
        self._sizes, self._paths = sizes, paths

    def named(self, name: str, *likelier: str) -> Image:
        """As `Images.named`, with the size that the row says."""
        return self._sized(super().named(name, *likelier), name)

    def local(self, path: str, *, measured: bool = True, there: bool | None = None) -> Image | None:
        """As `Images.local`; a file of another machine has its path alone, and its size is unknown."""
        found = super().local(path, measured=measured, there=there)
        if found is None and self._paths:
            key = posixpath.basename(path.replace("\\", "/"))
            found = Image(key=key, media=path, video=key.lower().endswith(tuple(VIDEO_SUFFIXES)))
        return found and self._sized(found, path)

    def _sized(self, image: Image, name: str) -> Image:
        size = (image.width, image.height) if image.sized else self._sizes.get(name) or _remote_size(image.media)
        return msgspec.structs.replace(image, width=size[0], height=size[1])


def _remote_size(media: str) -> tuple[int, int]:
    """The size of an image at a URL; (0, 0) where it cannot be told from here."""
    try:
        return (is_url(media) and header_size(media)) or (0, 0)
    except InputError:
        return 0, 0
