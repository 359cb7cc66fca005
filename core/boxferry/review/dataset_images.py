"""The images of a dataset: found in a folder of this machine by their names on the server, copied or linked."""

from __future__ import annotations

import posixpath
import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.destination import server_name
from boxferry.errors import InputError, UsageError
from boxferry.reading.headers import header_size
from boxferry.reading.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class LocalImages:
    """A folder of images; listed when the first one is looked up."""

    def __init__(self, folder: str) -> None:
        """Say which.

        Raises:
            InputError: there is no such folder.
        """
        if not Path(folder).is_dir():
            raise InputError(f"no such images folder: {folder}")
        self._folder = folder

    def find(self, name: str, size: tuple[int, int]) -> Path:
        """The image that a file of the server shows.

        By its path below the folder, as it is or as an upload changes it; else by its last part, where only one has it.

        Args:
            name: the file's name on the server.
            size: its width and height there, in pixels.

        Raises:
            InputError: there is none, there are several, or it has another size.
        """
        for known in self._known:
            paths = known.get(name, ())
            if len(paths) > 1:
                raise InputError(f"several images in {self._folder} match it: {', '.join(paths[:3])}")
            if paths:
                return sized(Path(self._folder, paths[0]), size)
        raise InputError(f"not in {self._folder}")

    @cached_property
    def _known(self) -> list[dict[str, list[str]]]:
        """Name → paths below the folder, the surest way to find one first."""
        paths = list(walk(self._folder))
        ways: list[Callable[[str], str]] = [
            str,
            server_name,
            posixpath.basename,
            lambda path: server_name(posixpath.basename(path)),
        ]
        return [_by(way, paths) for way in ways]


class OwnImages:
    """Images whose places are known by their names on the server."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """Say where they are: name on the server → path, empty where it is not known."""
        self._places = places

    def find(self, name: str, size: tuple[int, int]) -> Path:
        """The image that a file of the server shows.

        Raises:
            InputError: it is not on this machine any more, or has another size.
        """
        path = self._places.get(name, "")
        if not path or not Path(path).is_file():
            raise InputError(f"its image is not on this machine{f': no file {path}' if path else ''}")
        return sized(Path(path), size)


def sized(path: Path, size: tuple[int, int]) -> Path:
    """The path of an image of that size.

    Raises:
        InputError: it has another size.
    """
    found = header_size(str(path))
    if found != size:
        shown = f"{found[0]}x{found[1]}" if found else "no image"
        raise InputError(f"{path}: {shown}, and on the server it is {size[0]}x{size[1]}")
    return path


def _by(way: Callable[[str], str], paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(way(path), []).append(path)
    return found


def place(source: Path, target: Path, *, link: bool) -> None:
    """Copy an image to its place, or link to it from there; one of the same size and time stays as it is.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        if link:
            _link(source.resolve(), target)
        elif not _same(source, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            shutil.copy2(source, part)
            part.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from error


def _link(source: Path, target: Path) -> None:
    if target.is_symlink() and target.readlink() == source:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(source)
    part.replace(target)


def _same(source: Path, target: Path) -> bool:
    if target.is_symlink() or not target.is_file():
        return False
    there, here = target.stat(), source.stat()
    return (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns)
