"""What tasks hand over, in files of one folder: the first whole result of each task counts."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock

from boxferry.collector.disk_queue_format import SUFFIX, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Parts:
    """A folder of parts, each the lines of one task; several processes may write to it. Making it does no I/O.

    A part stays after its lines were taken, without them, so that a task that is run again finds it.
    """

    def __init__(self, folder: Path) -> None:
        """Say where."""
        self.folder = folder

    def store(self, key: str, lines: bytes) -> bool:
        """Keep the lines of a task, unless it has handed over already; False where it has.

        Args:
            key: names the task, whichever attempt of it this is; a name that a file can have.
            lines: what it hands over; on the disk, whole, when this returns.

        Raises:
            OSError: the disk does not take it.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self.folder / f".{key}.{uuid.uuid4().hex[:12]}"
        write_whole(beside, lines)
        try:
            os.link(beside, self._path(key))  # fails where it is there, whoever is first
        except FileExistsError:
            return False
        finally:
            beside.unlink()
        return True

    def waiting(self) -> list[Path]:
        """The parts whose lines were not taken, in the order of their names."""
        return [path for path in sorted(self.folder.glob(f"*{SUFFIX}")) if path.stat().st_size]

    @contextmanager
    def taking(self) -> Iterator[list[Path]]:
        """The parts whose lines were not taken, for one thread and process at a time; afterwards they are taken.

        Within the context their lines have to be written elsewhere, to the disk.
        """
        if not self.waiting():
            yield []
            return
        with FileLock(f"{self.folder}.lock"):
            paths = self.waiting()
            yield paths
            for path in paths:
                os.truncate(path, 0)

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Those of the tasks that have handed over nothing."""
        return [key for key in keys if not self._path(key).exists()]

    def forget(self, keys: Iterable[str]) -> None:
        """Take the parts of these tasks away, none of which is run again; those with lines wait for the next write."""
        for key in keys:
            if (path := self._path(key)).exists() and not path.stat().st_size:
                path.unlink()

    def sweep(self, older_than_s: float) -> None:
        """Take away what writes that never ended have left: parts without lines, and files that were begun."""
        before = time.time() - older_than_s
        for path in self.folder.glob("*"):
            empty = path.name.startswith(".") or not path.stat().st_size
            if empty and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"
