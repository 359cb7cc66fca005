"""ImageIndex: what is known of the images that boxes are about, from a folder, a dataset file, and a fixed size."""

from __future__ import annotations

import os
import posixpath
import re
from functools import cached_property
from typing import TYPE_CHECKING, Self

import msgspec

from boxferry.boxes.detections import Image
from boxferry.errors import InputError, SizeDiffers, UsageError
from boxferry.formats import VIDEO_SUFFIXES, without_suffix
from boxferry.reading.headers import RemoteImages, header_size, images_url
from boxferry.reading.path_index import LISTED, PathIndex, clean_path, comparable
from boxferry.reading.video import VideoFacts, video_facts
from boxferry.reading.walk import walk
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from boxferry.formats import Catalog, Id

    Size = tuple[int, int]  # width and height in pixels; 0 where unknown

NO_FACTS = VideoFacts()
IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif",
    ".jp2", ".heic", ".heif", ".avif", ".ppm", ".pgm", ".pbm",
))  # fmt: skip


def parse_size(text: str) -> Size:
    """Width and height in pixels, from '640x480'.

    Raises:
        UsageError: it is not of that form, or not positive.
    """
    if not (found := re.fullmatch(r"\s*(\d{1,9})\s*[xX]\s*(\d{1,9})\s*", text)):
        raise UsageError(f"size: '{text}', expected WIDTHxHEIGHT in pixels, such as 640x480")
    return _checked_size((int(found[1]), int(found[2])))


class _Entry(msgspec.Struct, gc=False):
    """One image that is listed somewhere; there may be hundreds of thousands, so that each holds as little as it can.

    Attributes:
        key: its path in the dataset file; where only the folder has it, that in the folder.
        listed: the image as the dataset file has it; None where only the folder has it.
        local: its path relative to the images folder; empty where it is not in there.
        problem: why it cannot be told which file it is; empty where it can.
        facts: its size, its frames and their rate, once it was asked for; equal ones are one object.
        failed: whether a look-up has failed, so that whoever asked has been told.
        video: whether it is a video.
    """

    key: str
    listed: Image | None = None
    local: str = ""
    problem: str = ""
    facts: VideoFacts | None = None
    failed: bool = False
    video: bool = False


class ImageIndex:
    """Looks images up, by name, stem or id; satisfies `formats.Images`.

    The folder is listed at the first look-up; an image's header is read when that image is first asked for. No path
    is ever made from a name: only files that were found in the folder are opened.
    """

    def __init__(self, *, folder: str | None, catalog: Catalog | None, size: Size) -> None:
        """As `build`, with nothing left to check."""
        self._folder = folder
        self._catalog = catalog
        self._size = size
        self._still_facts: dict[Size, VideoFacts] = {}

    @classmethod
    def build(
        cls, *, folder: Path | str | None = None, catalog: Catalog | None = None, size: tuple[int, int] | None = None
    ) -> Self:
        """Join what is given.

        Args:
            folder: the images folder, or its URL; images below it have their path in it as their key.
            catalog: what a dataset file says; an image in here has its file name there as its key.
            size: width and height in pixels of every image whose size neither of them knows.

        Raises:
            InputError: there is no such folder.
            UsageError: the size is not positive, or a URL needs a package that is not installed.
        """
        return cls(
            folder=None if folder is None else _checked_folder(folder),
            catalog=catalog,
            size=(0, 0) if size is None else _checked_size(size),
        )

    def named(self, name: str, *likelier: str) -> Image:
        """The image called `name`: by its whole path, else by as much of its end as is unmistakable.

        The whole paths `likelier` are tried before that of `name`. Where it is unknown, its key is the name as a
        relative path, and its size the fixed one.

        Raises:
            InputError: several images answer to the name, another name in another folder has been answered with the
                same image, or the dataset file and the image disagree on its size.
        """
        return self._answer(self._names.claim(name, *likelier), name)

    def stem(self, stem: str, *likelier: str) -> Image:
        """The image whose relative path without its last suffix is `stem`; otherwise as `named`."""
        return self._answer(self._stems.claim(stem, *likelier), stem)

    def numbered(self, image_id: Id) -> Image | None:
        """The image with this id in the dataset file, or None.

        Raises:
            InputError: it cannot be told which file it is, or the file has another size than the dataset file says.
        """
        listed = self._catalog.images.get(image_id) if self._catalog else None
        if listed is None or (self._folder is None and listed.sized):
            return listed
        return self._measured(self._by_key[listed.key])

    def local(self, path: str, *, measured: bool = True, there: bool | None = None) -> Image | None:
        """The image or video file at a path of this machine, under its last part; None where it is missing.

        Without `measured` the header of an image is left unread, and its size is 0. `there` says whether the file was
        there when its result was taken; without it that is looked up now.
        """
        suffix = posixpath.splitext(path)[1].lower()
        if suffix not in IMAGE_SUFFIXES | VIDEO_SUFFIXES or there is False:
            return None
        if there is None and not os.path.isfile(path):  # noqa: PTH113 # no Path for each
            return None
        image = Image(key=os.path.basename(path), video=suffix in VIDEO_SUFFIXES)  # noqa: PTH119 # likewise
        media = os.path.abspath(path)  # noqa: PTH100 # links stay as they are named
        if not measured and not image.video:
            return msgspec.structs.replace(image, media=media)
        return self._image(_Entry(image.key, image, video=image.video), media)

    def id_of(self, image: Image) -> Id | None:
        """The id of an image in the dataset file, by its key, or None."""
        return self._ids.get(image.key)

    def ids(self) -> Iterable[Id]:
        """Every id of the dataset file."""
        return self._catalog.images if self._catalog else ()

    def known(self) -> Iterator[Image]:
        """Every image of the dataset file in its order, then those that only the images folder has."""
        return map(self._measured, self._entries)

    def folder_images(self, problem: Callable[[str, InputError], None] | None = None) -> Iterator[Image]:
        """Every image of the images folder, under the key by which look-ups give it.

        Args:
            problem: is told the key of an image that cannot be used and why, unless a look-up has said so; such images
                do not come. None raises.
        """
        for entry in self._entries:
            before = entry.failed
            try:
                found = self._measured(entry) if entry.local else None
            except InputError as error:
                if problem is None:
                    raise
                if not before:
                    problem(entry.key, error)
            else:
                if found is not None:
                    yield found

    @cached_property
    def _entries(self) -> list[_Entry]:
        files = [] if self._folder is None else _entries_of(self._files)
        if self._catalog is None:
            return files
        images = self._catalog.images.values()
        listed = list({image.key: _Entry(image.key, image, video=image.video) for image in images}.values())
        return [*listed, *_join(listed, files)] if files else listed

    @property
    def _files(self) -> Iterable[str]:
        if self._remote is not None:
            return (relative for relative, _ in self._remote.files)
        return () if self._folder is None else walk(self._folder)

    def _path(self, local: str) -> str:
        """Where a file of the images folder is, by its path in there; empty for none."""
        if not local:
            return ""
        return self._above + local if self._remote is None else self._urls[local]

    @cached_property
    def _above(self) -> str:
        return os.path.join(self._folder or "", "")  # noqa: PTH118 # as text

    @cached_property
    def _urls(self) -> dict[str, str]:
        return dict(self._remote.files) if self._remote is not None else {}

    @cached_property
    def _remote(self) -> RemoteImages | None:
        """The images folder, where it is at a URL."""
        return RemoteImages(self._folder) if is_url(self._folder) and self._folder else None

    @cached_property
    def _by_key(self) -> dict[str, _Entry]:
        return {entry.key: entry for entry in self._entries}

    @cached_property
    def _ids(self) -> dict[str, Id]:
        return {image.key: number for number, image in self._catalog.images.items()} if self._catalog else {}

    @cached_property
    def _names(self) -> PathIndex[_Entry]:
        return PathIndex(_paths(self._entries), shown=_key)

    @cached_property
    def _stems(self) -> PathIndex[_Entry]:
        return PathIndex(((without_suffix(path), entry) for path, entry in _paths(self._entries)), shown=_key)

    def _answer(self, entry: _Entry | None, name: str) -> Image:
        if entry is not None:
            return self._measured(entry)
        width, height = self._size
        return Image(key=clean_path(name), width=width, height=height)

    def _measured(self, entry: _Entry) -> Image:
        return self._image(entry, self._path(entry.local))

    def _image(self, entry: _Entry, path: str) -> Image:
        if (facts := entry.facts) is None:
            entry.failed = True
            if entry.problem:
                raise InputError(entry.problem)
            facts = entry.facts = self._facts(entry, path)
            entry.failed = False
        if (listed := entry.listed) is None:
            return Image(entry.key, facts.width, facts.height, path, "", entry.video, facts.frames, facts.rate)
        return msgspec.structs.replace(
            listed,
            width=facts.width,
            height=facts.height,
            frames=listed.frames or facts.frames,
            frame_rate=listed.frame_rate or facts.rate,
            media=path,
        )

    def _facts(self, entry: _Entry, path: str) -> VideoFacts:
        facts = video_facts(path) if entry.video and path else NO_FACTS
        size = self._size_of(entry, path, facts) or self._size
        if entry.video:
            return facts._replace(width=size[0], height=size[1])
        return self._still_facts.get(size) or self._still_facts.setdefault(size, VideoFacts(*size))

    def _size_of(self, entry: _Entry, path: str, facts: VideoFacts) -> Size | None:
        """The size that the header or the dataset file gives; None where neither does."""
        listed = entry.listed
        told = (listed.width, listed.height) if listed is not None and listed.sized else None
        seen: Size | None = facts[:2] if facts.width else None
        if path and not entry.video:
            seen = self._header_size(path)
        if told and seen and told != seen:
            raise _differs(entry, path, told, seen)
        return seen or told

    def _header_size(self, path: str) -> Size | None:
        return header_size(path) if self._remote is None else self._remote.size(path)


def _checked_size(size: Size) -> Size:
    if min(size) < 1:
        raise UsageError(f"size: {size[0]}x{size[1]}, expected 1x1 or more")
    return size


def _checked_folder(folder: Path | str) -> str:
    if isinstance(folder, str) and is_url(folder):
        return images_url(folder)
    if not os.path.isdir(folder):  # noqa: PTH112 # as text, as it came
        raise InputError(f"no such images folder: {folder}")
    return os.path.abspath(folder)  # noqa: PTH100 # links stay as they are named


def _entries_of(files: Iterable[str]) -> list[_Entry]:
    found = []
    for relative in files:
        suffix = "." + relative.rpartition(".")[2].lower()
        if (suffix in IMAGE_SUFFIXES or suffix in VIDEO_SUFFIXES) and without_suffix(relative) != relative:
            found.append(_Entry(relative, local=relative, video=suffix in VIDEO_SUFFIXES))
    return found


def _key(entry: _Entry) -> str:
    return entry.key


def _paths(entries: Iterable[_Entry]) -> Iterator[tuple[str, _Entry]]:
    """The paths by which each entry is known: its key, and its path in the folder."""
    for entry in entries:
        yield entry.key, entry
        if entry.local not in {"", entry.key}:
            yield entry.local, entry


def _join(listed: list[_Entry], files: list[_Entry]) -> list[_Entry]:
    """Give each listed image its file; the files that are left over, which only the folder knows."""
    index = PathIndex(((file.local, file) for file in files), shown=lambda file: file.local)
    claims: dict[int, list[_Entry]] = {}
    for entry in listed:
        try:
            if (file := index.find(entry.key)) is not None:
                claims.setdefault(id(file), []).append(entry)
        except InputError as error:
            entry.problem = str(error)
    for file in files:
        if id(file) in claims:
            _settle(file, claims[id(file)])
    return [file for file in files if id(file) not in claims]


def _settle(file: _Entry, claimants: list[_Entry]) -> None:
    """Give the file to the listed image of its whole path, else to the only one that can mean it."""
    exact = [entry for entry in claimants if comparable(entry.key) == comparable(file.local)]
    if len(winners := exact or claimants) == 1:
        winners[0].local = file.local
        return
    keys = ", ".join(entry.key for entry in winners[:LISTED])
    for entry in winners:
        entry.problem = (
            f"{keys}: {len(winners)} images of the dataset file, but of that name there is only {file.local}"
        )


def _differs(entry: _Entry, path: str, told: Size, seen: Size) -> SizeDiffers:
    turned = header_size(path, turned=False) == told
    why = "once it is turned by its EXIF orientation; the boxes must be made on the turned image" if turned else ""
    return SizeDiffers(
        f"{_key(entry)}: {_shown(told)} in the dataset file, but the image is {_shown(seen)} {why}".strip()
    )


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
