"""The spool: results that wait on disk for their push, in files that outlive the process that wrote them."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Self

from filelock import FileLock, Timeout

from boxferry.boxes.lines import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.boxes.detections import Detections

SUFFIX = ".ndjson"


def spool_folder(outbox: Path, *key: str) -> Path:
    """The folder of the spool files of one run, beside the outbox; `key` names the run."""
    text = "".join(f"{len(part)}:{part}" for part in key)
    return outbox.with_name(f"{outbox.name}.spool") / blake2b(text.encode(), digest_size=8).hexdigest()


class SpoolFile:
    """One file that is being written, in the format `boxferry`; nobody else touches it as long as it is open."""

    def __init__(self, folder: Path) -> None:
        """Make a file in the folder, for its owner alone."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
        self._lock = FileLock(f"{self.path}.lock")
        self._lock.acquire()
        self._stream = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "wb")
        self.images = 0

    def add(self, chunks: Iterable[Detections]) -> None:
        """Write the chunks, and see them on the disk.

        Raises:
            OSError: the disk takes nothing.
            ValueError: a chunk has a name that is no text in UTF-8; nothing of it is written.
        """
        for chunk in chunks:
            self._stream.writelines(list(encoded(chunk)))
            self.images += len(chunk.images)
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close it; the file stays, or goes where nothing was written."""
        self._stream.close()
        if not self.images:
            self.remove()
        self._lock.release()

    def remove(self) -> None:
        """Take the file away: all of it is in the outbox."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            Path(f"{self.path}.lock").unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def left_behind(folder: Path) -> Iterator[Path]:
    """The files of processes that have ended, each locked while it is looked at."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        lock = FileLock(f"{path}.lock")
        try:
            with lock.acquire(timeout=0):
                yield path
        except Timeout:
            continue  # its process is alive
        if not path.exists():
            with suppress(OSError):
                Path(f"{path}.lock").unlink()
