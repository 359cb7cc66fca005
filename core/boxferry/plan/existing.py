"""The files that a directory holds already: found by id or by name, and their sizes."""

from __future__ import annotations

import difflib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import some_of
from boxferry.destination import server_name
from boxferry.plan.target import SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from boxferry.boxes.detections import Image
    from boxferry.destination import FileRecord, ViewedFile
    from boxferry.formats import Id, Images

SHOWN = 5


class FileIndex:
    """The files of one directory, by id and by name; a removed file is never found, though a look-up could hit it."""

    def __init__(
        self,
        files: Iterable[FileRecord],
        directory: str,
        ids: Callable[[str], int | SkipReason | None] = lambda _: None,
    ) -> None:
        """Index the files.

        Args:
            files: as the server lists them.
            directory: names the directory in messages.
            ids: the id that a mapping gives for an image's name; a problem where it should and does not; None without
                a mapping.
        """
        self._directory = directory
        self._ids = ids
        self._by_id: dict[int, FileRecord] = {}
        self._by_name: dict[str, list[FileRecord]] = {}
        self._by_last: dict[str, list[FileRecord]] = {}
        self._by_stem: dict[str, list[FileRecord]] = {}
        self._removed: dict[str, list[FileRecord]] = {}
        for file in files:
            if file.state == "removed":
                self._removed.setdefault(PurePosixPath(file.original_filename or "").name, []).append(file)
            elif file.type in {"image", "video"}:
                self._add(file)

    def _add(self, file: FileRecord) -> None:
        self._by_id[file.id] = file
        if name := file.original_filename:
            path = PurePosixPath(name)
            self._by_name.setdefault(name, []).append(file)
            self._by_last.setdefault(path.name, []).append(file)
            self._by_stem.setdefault(str(path.with_suffix("")), []).append(file)

    def exact(self, *names: str) -> FileRecord | SkipReason | None:
        """The one file of exactly the first of these names that any has; None without one, a SkipReason for several."""
        found = next((files for name in names if (files := self._by_name.get(name))), [])
        if len(found) > 1:
            return SkipReason(
                Code.AMBIGUOUS_FILE, f"{len(found)} files have its name: {_listed(found)}; remove all but one"
            )
        return found[0] if found else None

    def find(self, image: Image) -> FileRecord | SkipReason:
        """The one file for an image, or why there is none: by its id where one is given, else by its name."""
        told = image.file_id or self._ids(image.key)
        if isinstance(told, SkipReason):
            return told
        if told:
            return self._numbered(image, told)
        return self._named(image)

    def _numbered(self, image: Image, file_id: int) -> FileRecord | SkipReason:
        if file_id not in self._by_id:
            where = f"directory '{self._directory}' has no such file, or it was removed"
            return SkipReason(Code.NO_SUCH_FILE, f"file id {file_id} is given for it, but {where}")
        return self._of_its_kind(image, [self._by_id[file_id]])

    def _named(self, image: Image) -> FileRecord | SkipReason:
        """By the whole name, then as an upload would have renamed it, then by the last part, then without suffix.

        The first of these that any file answers to decides.
        """
        key, last = image.key, PurePosixPath(image.key).name
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
                return self._of_its_kind(image, found)
        return self._missing(last)

    def _of_its_kind(self, image: Image, found: list[FileRecord]) -> FileRecord | SkipReason:
        wanted = "video" if image.video else "image"
        kind = [file for file in found if file.type == wanted]
        if len(kind) == 1:
            return kind[0]
        if not kind:
            return SkipReason(Code.WRONG_KIND, f"expected a file that is {_a(wanted)}, but {_listed(found)} is not one")
        listed = f"{len(kind)} files match '{image.key}': {_listed(kind)}"
        return SkipReason(Code.AMBIGUOUS_FILE, f"{listed}; say which with --file-ids")

    def _missing(self, last: str) -> SkipReason:
        if gone := self._removed.get(last):
            return SkipReason(Code.REMOVED_FILE, f"{_listed(gone)} was removed from directory '{self._directory}'")
        near = difflib.get_close_matches(last, self._by_last, n=3) if len(self._by_last) < MOST_COMPARED else []
        hint = f"; near: {', '.join(near)}" if near else ""
        return SkipReason(Code.NO_SUCH_FILE, f"no file of this name in directory '{self._directory}'{hint}")


MOST_COMPARED = 5000  #: names among which near ones are looked for


def _a(kind: str) -> str:
    return "an image" if kind == "image" else "a video"


def _listed(files: list[FileRecord]) -> str:
    return some_of((f"{file.original_filename} (id {file.id})" for file in files), SHOWN)


def ids_of(mapping: Mapping[str, int], option: str = "--file-ids") -> Callable[[str], int | SkipReason | None]:
    """A look-up in a mapping of image names to file ids: by the whole name, else by a last part that is unique."""
    by_last: dict[str, set[int]] = {}
    for name, file_id in mapping.items():
        by_last.setdefault(PurePosixPath(name).name, set()).add(file_id)

    def look_up(key: str) -> int | SkipReason:
        found = {mapping[key]} if key in mapping else by_last.get(PurePosixPath(key).name, set())
        if len(found) == 1:
            return next(iter(found))
        if not found:
            return SkipReason(Code.NO_SUCH_FILE, f"{option} has no line for it")
        return SkipReason(Code.AMBIGUOUS_FILE, f"{option} has several ids for it: {', '.join(map(str, sorted(found)))}")

    return look_up


class ServerSizes:
    """Images of unknown size take it from the server's record of the file; satisfies `formats.Images`."""

    def __init__(self, images: Images, files: FileIndex, view: Callable[[int], ViewedFile]) -> None:
        """Stand before `images`; `view` asks the server for a file."""
        self._images = images
        self._files = files
        self._view = view

    def named(self, name: str, *likelier: str) -> Image:
        """As `Images.named`."""
        return self._sized(self._images.named(name, *likelier))

    def stem(self, stem: str, *likelier: str) -> Image:
        """As `Images.stem`."""
        return self._sized(self._images.stem(stem, *likelier))

    def numbered(self, image_id: Id) -> Image | None:
        """As `Images.numbered`."""
        found = self._images.numbered(image_id)
        return None if found is None else self._sized(found)

    def local(self, path: str, *, measured: bool = True, there: bool | None = None) -> Image | None:
        """As `Images.local`."""
        return self._images.local(path, measured=measured, there=there)

    def id_of(self, image: Image) -> Id | None:
        """As `Images.id_of`."""
        return self._images.id_of(image)

    def ids(self) -> Iterable[Id]:
        """As `Images.ids`."""
        return self._images.ids()

    def known(self) -> Iterable[Image]:
        """As `Images.known`; sizes are not asked for."""
        return self._images.known()

    def _sized(self, image: Image) -> Image:
        if image.sized:
            return image
        for each in (image, msgspec.structs.replace(image, video=True)):  # a stem does not tell what it is of
            if not isinstance(found := self._files.find(each), SkipReason):
                viewed = self._view(found.id)
                width, height = viewed.size
                return msgspec.structs.replace(each, width=width, height=height, frames=each.frames or viewed.frames)
        return image
