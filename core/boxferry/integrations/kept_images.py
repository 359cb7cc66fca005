"""Copies of the images that a service answers, for as long as they are needed: beside the outbox, named by content."""

from __future__ import annotations

import math
import os
import threading
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.collector.disk_queue_format import ASIDE, SUFFIX, lines_of
from boxferry.collector.waiting import waiting_beside
from boxferry.errors import BoxferryError, InputError
from boxferry.outbox.outcome import OPEN, State
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.deliver.workspace import Workspace

NEEDED = (*sorted(OPEN), State.STUCK)  #: the states of packets that may still go out
SWEEP_S = 600.0  #: seconds between two looks for copies that are not needed any more
YOUNG_S = 3600.0  #: seconds for which a copy stays in any case: its result may not be on the disk yet
#: how images begin, with the ending of their names
BEGINNINGS = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"RIFF": ".webp",
}


class _Media(msgspec.Struct):
    media: str = ""


class _Line(msgspec.Struct):
    image: _Media


_line = msgspec.json.Decoder(_Line)


def images_folder(outbox: Path) -> Path:
    """The folder of the copies, beside the outbox."""
    return outbox.with_name(f"{outbox.name}.images")


class KeptImages:
    """The copies of one outbox; several threads and processes may use them. Making it does no I/O."""

    def __init__(self, workspace: Workspace) -> None:
        """Say of which project, and beside which outbox."""
        self._workspace, self.folder = workspace, images_folder(workspace.outbox_path)
        self._swept = -math.inf

    def paths(self, images: Any) -> Any:  # noqa: ANN401 # one image, or a list of them
        """The path of an image's copy, which is made where it is new; for a list of images a list.

        Args:
            images: a path, or bytes; a URL stays what it is.

        Raises:
            InputError: it is neither.
            OSError: the file cannot be read, or the disk takes no copy.
        """
        if isinstance(images, list | tuple):
            return [self._path(image) for image in images]
        return self._path(images)

    def _path(self, image: Any) -> str:  # noqa: ANN401 # what a service is given
        if isinstance(image, str) and is_url(image):
            return image
        if isinstance(image, bytes | bytearray | memoryview):
            return self._kept(bytes(image), "")
        if not isinstance(image, str | os.PathLike):
            raise InputError(f"{type(image).__name__} is no path and no bytes of an image: say with `image=` what is")
        return self._kept(Path(image).read_bytes(), Path(image).suffix.lower())

    def _kept(self, data: bytes, ending: str) -> str:
        """The path of the copy of these bytes."""
        self._sweep_at_times()
        name = blake2b(data, digest_size=16).hexdigest()
        path = self.folder / f"{name}{_ending(data) or ending}"
        try:
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))  # it was needed last now; not written
        except FileNotFoundError:
            self._write(path, data)
        return str(path)

    def _write(self, path: Path, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
        beside.write_bytes(data)  # the disk is not waited for: a result is on it later than its image
        beside.replace(path)

    def _sweep_at_times(self) -> None:
        if time.monotonic() - self._swept >= SWEEP_S:
            self._swept = time.monotonic()
            threading.Thread(target=self.sweep, name="boxferry-images", daemon=True).start()

    def sweep(self, young_s: float = YOUNG_S) -> None:
        """Take away the copies that nothing needs any more, and that were not asked for lately.

        Args:
            young_s: seconds for which a copy stays in any case.
        """
        before = time.time() - young_s
        with suppress(OSError, BoxferryError):  # the next time
            old = [path for path in self.folder.iterdir() if _asked_s(path) < before]
            needed = set(self._needed()) if old else set()
            for path in old:
                if str(path) not in needed and _asked_s(path) < before:
                    path.unlink(missing_ok=True)

    def _needed(self) -> Iterator[str]:
        """The paths of images in results that wait on disk, or were set aside, and in packets that may still go out."""
        for waiting in waiting_beside(self._workspace.outbox_path):
            folder = Path(waiting.folder)
            yield from _media([*folder.glob(f"*{SUFFIX}"), *(folder / ASIDE).glob(f"*{SUFFIX}")])
        outbox = self._workspace.known_outbox
        for run in outbox.runs() if outbox else ():
            yield from (entry.media for entry in self._workspace.outbox.entries(run.id, NEEDED))


def _asked_s(path: Path) -> float:
    """When a copy was made or asked for last."""
    found = path.stat()
    return max(found.st_atime, found.st_mtime)


def _ending(data: bytes) -> str:
    """The ending of an image's name, by its first bytes; empty where they are not known."""
    return next((ending for beginning, ending in BEGINNINGS.items() if data.startswith(beginning)), "")


def _media(files: Iterable[Path]) -> Iterator[str]:
    """The paths of the images of lines.

    Raises:
        FileNotFoundError: a file was pushed or divided meanwhile, so that its lines may be in a new one.
    """
    for path in files:
        for line in lines_of(path):
            with suppress(ValueError):  # cut off
                yield _line.decode(line).image.media
