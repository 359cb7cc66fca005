"""The disk queue: results that wait on disk for their push, in files that outlive the process that wrote them.

A file that is being written or pushed is locked (`….lock`). Lines may stand in two files after a crash; pushing them
twice adds nothing, since boxes are known by their references.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from boxferry.collector.disk_queue_format import ASIDE, SUFFIX, with_reason, write_all, write_head, write_whole

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from boxferry.collector.disk_queue_format import DiskQueueHead

PATIENCE_S = 0.2  #: how long closing a file waits for a line that is being written
LARGEST_FILE = 250  #: images in one file: what is pushed at once, and what is split where one of them cannot be sent


class Written(msgspec.Struct, frozen=True):
    """Lines that are written together.

    Attributes:
        data: whole lines, with their line breaks.
        keys: the images' keys.
        boxes: how many boxes they have.
    """

    data: bytes
    keys: tuple[str, ...]
    boxes: int


class DiskQueue:
    """Writes into the files of one folder; safe to use from several threads. Making it does no I/O."""

    def __init__(self, folder: Path, head: DiskQueueHead) -> None:
        """Say where, and what the results are of."""
        self.folder, self._head = folder, head
        self._lock = threading.Lock()
        self._file: _OpenFile | None = None
        self._written: DiskQueueHead | None = None
        self.own: set[Path] = set()  #: the files that this process has written or is pushing

    def add(self, group: Sequence[Written]) -> None:
        """Write lines, and see them on the disk.

        An image that stands in the file already begins another one: in one file it would be left out as a duplicate.

        Raises:
            OSError: the disk takes nothing; nothing of the group is left in the file.
        """
        keys = [key for each in group for key in each.keys]
        with self._lock:
            if self._file and (self._file.count >= LARGEST_FILE or not self._file.keys.isdisjoint(keys)):
                self._close()
            if self._file is None or self._written is not self._head:
                self._write_head()
            if self._file is None:
                self._file = _OpenFile(_new_path(self.folder))
                self.own.add(self._file.path)
            try:
                self._file.append(b"".join(each.data for each in group))
            except OSError:
                self._close()
                raise
            self._file.keys.update(keys)
            self._file.count += len(keys)

    def know(self, names: Mapping[int | str, str]) -> None:
        """Take the class ids that results told, without a wait; they are written down before the next line."""
        known = dict(self._head.classes)
        if not names.items() <= known.items():
            self._head = msgspec.structs.replace(self._head, classes=list({**names, **known}.items()))

    def rotate(self) -> None:
        """Close the file that is being written, so that it can be pushed; the next line begins another one.

        A disk that hangs is not waited for: the file stays open then.
        """
        if self._lock.acquire(timeout=PATIENCE_S):
            try:
                self._close()
            finally:
                self._lock.release()

    def _close(self) -> None:
        if self._file is not None:
            if not self._file.count:
                self.own.discard(self._file.path)
            self._file.close()
        self._file = None

    def _write_head(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        head = self._head
        write_head(self.folder, head)
        self._written = head


class _OpenFile:
    """One file that is being written: locked as long as it is open, for its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: set[str] = set()
        self.count = 0
        self._size = 0
        self._lock = FileLock(f"{path}.lock")
        self._lock.acquire()
        self._number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def append(self, data: bytes) -> None:
        try:
            write_all(self._number, data)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._number, self._size)  # a line cut in half would spoil the next one
            raise
        self._size += len(data)

    def close(self) -> None:
        """Close it; the file stays, or goes where nothing was written."""
        os.close(self._number)
        if not self.count:
            remove(self.path)
        self._lock.release()


def _new_path(folder: Path) -> Path:
    return folder / f"{time.time_ns():020d}-{uuid.uuid4().hex[:12]}{SUFFIX}"


def remove(path: Path) -> None:
    """Take a queue file away: all of it is in the outbox, or in other files."""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        Path(f"{path}.lock").unlink()


def keep(folder: Path, lines: Iterable[bytes]) -> Path | None:
    """Write lines into a file of their own, to be pushed later; gives its path, None where there are no lines."""
    if not (data := b"".join(lines)):
        return None
    path = _new_path(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, data)
    return path


def set_aside(folder: Path, lines: Iterable[bytes], reason: str) -> Path | None:
    """Keep lines that could not be sent, with the reason; they can be pushed like any file of the format."""
    return keep(folder / ASIDE, [with_reason(line, reason) for line in lines])


@contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Whether the file could be locked, and is there; locked as long as the context lasts."""
    try:
        with FileLock(f"{path}.lock").acquire(timeout=0):
            there = path.exists()
            if not there:  # another process has pushed it meanwhile, and this lock file is a new one
                remove(path)
            yield there
    except Timeout:
        yield False  # it is being written or pushed


def take_back(folder: Path) -> None:
    """Let what was set aside be pushed again."""
    for path in sorted((folder / ASIDE).glob(f"*{SUFFIX}")):
        path.replace(folder / path.name)


def claims(folder: Path, passed: set[Path]) -> Iterator[Path]:
    """The files of a folder that can be pushed, the oldest first, each locked while it is looked at.

    Files that appear meanwhile are among them; those in `passed` are not, and each file that could be locked is added.
    """
    busy: set[Path] = set()  # at which another thread or process is now: the next call may have them
    while paths := [path for path in sorted(folder.glob(f"*{SUFFIX}")) if path not in passed | busy]:
        for path in paths:
            with _claimed(path) as mine:
                (passed if mine else busy).add(path)
                if mine:
                    yield path


def left_over(folder: Path, own: Container[Path] = ()) -> list[Path]:
    """The files that wait: those that no other process is writing or pushing, and one's `own`."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if path in own:
            found.append(path)
            continue
        with _claimed(path) as mine:
            if mine:
                found.append(path)
    return found
