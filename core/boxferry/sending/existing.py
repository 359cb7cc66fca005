"""The files that a directory holds already: found by name, and their sizes."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from boxferry.diffgram.names import server_name
from boxferry.sending.target import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.boxes.detections import Image
    from boxferry.diffgram.answers import FileRecord, ImageRecord
    from boxferry.formats import Id, Images


class FileIndex:
    """The files of one directory, by name; removed files are left out, since a look-up by name could hit them."""

    def __init__(self, files: Iterable[FileRecord], directory: str) -> None:
        """Index the files that are listed; `directory` names it in messages."""
        self._directory = directory
        self._by_name: dict[str, list[FileRecord]] = {}
        self._by_last: dict[str, list[FileRecord]] = {}
        self._by_stem: dict[str, list[FileRecord]] = {}
        for file in files:
            name = file.original_filename
            if file.type == "image" and file.state != "removed" and name:
                path = PurePosixPath(name)
                self._by_name.setdefault(name, []).append(file)
                self._by_last.setdefault(path.name, []).append(file)
                self._by_stem.setdefault(str(path.with_suffix("")), []).append(file)

    def find(self, key: str) -> FileRecord | Problem:
        """The one file for an image, or why there is none.

        It is looked for by its whole name, then as an upload would have renamed it, then by the name's last part, then
        by the name without suffix; the first of these that any file answers to decides.
        """
        last = PurePosixPath(key).name
        searches = (
            (self._by_name, key),
            (self._by_name, server_name(key)),
            (self._by_last, last),
            (self._by_name, server_name(last)),
            (self._by_stem, key),
            (self._by_stem, last),
        )
        for index, name in searches:
            if found := index.get(name):
                return found[0] if len(found) == 1 else self._ambiguous(key, found)
        return Problem("no-such-file", f"no file of this name in directory '{self._directory}'")

    def _ambiguous(self, key: str, found: list[FileRecord]) -> Problem:
        listed = ", ".join(f"{file.original_filename} (id {file.id})" for file in found[:5])
        return Problem("ambiguous-file", f"{len(found)} files answer to '{key}': {listed}")


class ServerSizes:
    """Images whose size nobody here knows take it from the server's record of the file; satisfies `formats.Images`."""

    def __init__(self, images: Images, files: FileIndex, image_of: Callable[[int], ImageRecord]) -> None:
        """Stand before `images`; `image_of` asks the server for a file's image."""
        self._images = images
        self._files = files
        self._image_of = image_of
        self._sizes: dict[int, tuple[int, int]] = {}

    def named(self, name: str) -> Image:
        """As `Images.named`."""
        return self._sized(self._images.named(name))

    def stem(self, stem: str) -> Image:
        """As `Images.stem`."""
        return self._sized(self._images.stem(stem))

    def numbered(self, image_id: Id) -> Image | None:
        """As `Images.numbered`."""
        found = self._images.numbered(image_id)
        return None if found is None else self._sized(found)

    def id_of(self, image: Image) -> Id | None:
        """As `Images.id_of`."""
        return self._images.id_of(image)

    def known(self) -> Iterable[Image]:
        """As `Images.known`; sizes are not asked for."""
        return self._images.known()

    def _sized(self, image: Image) -> Image:
        if image.sized or isinstance(found := self._files.find(image.key), Problem):
            return image
        if found.id not in self._sizes:
            record = self._image_of(found.id)
            self._sizes[found.id] = (record.width or 0, record.height or 0)
        width, height = self._sizes[found.id]
        return msgspec.structs.replace(image, width=width, height=height)
