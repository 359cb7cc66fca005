"""What was pulled of a run, so that a later pull reads only what has changed since."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from boxferry.destination import FileRecord, InputRecord
    from boxferry.outbox.entry import Run

VERSION = 3  #: of what is kept; files of others are not looked into
LONG = ("label_file",)  #: what a row repeats, and nothing here looks at
ADDRESS = re.compile(rb'://[^"\s]*\?')  #: of a URL with a query, which may be signed
OURS = {"creation_ref_id", "attribute_groups"}  #: texts of people, which may look like an address


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    file_id: int
    name: str
    changed: str


class Known(_Head, frozen=True, kw_only=True):
    """What the server said of a file.

    Attributes:
        file_id, name: the file's.
        changed: when it had been changed last, by the server's clock, before its boxes were read; empty where it is to
            be read again whatever the server says of that, as one with a row that is no box.
        width, height: pixels; 0 where the server does not tell.
        video: whether it is a video.
        frames: how many frames a video has; 0 where the server does not tell.
        frame_rate: its frames a second; 0 likewise.
        rows: its boxes, each as JSON.
        inputs: what other senders put onto it, each as JSON; None where that was not asked.
    """

    width: int = 0
    height: int = 0
    video: bool = False
    frames: int = 0
    frame_rate: float = 0.0
    rows: list[msgspec.Raw] = []
    inputs: list[msgspec.Raw] | None = None


_known = msgspec.json.Decoder(Known)


class Cache:
    """A file of lines, one for each time that a file was read; safe to use from several threads.

    What it holds of a file counts only as long as the file has not changed. Lines that do not count any more go when
    they are more than half, at the end of a pull that was not broken off.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, made for its owner alone; a line that is damaged is passed over: its file is read again."""
        self._path = path
        self._lock = threading.Lock()
        self._places: dict[int, tuple[str, str, int, int]] = {}
        self._lines = 0
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        for old in path.parent.glob("[0-9]*.ndjson"):  # of earlier versions, which kept boxes that had changed since
            old.unlink(missing_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        self._index()

    def _index(self) -> None:
        start, line = 0, b"\n"
        with os.fdopen(os.dup(self._file), "rb") as stream:
            for line in stream:
                with suppress(msgspec.DecodeError, UnicodeDecodeError):
                    head = _known.decode(line)
                    self._places[head.file_id] = (head.name, head.changed, start, len(line))
                start += len(line)
                self._lines += 1
        if not line.endswith(b"\n"):
            os.write(self._file, b"\n")

    def __len__(self) -> int:
        """The number of files of which something is known."""
        return len(self._places)

    def knows(self, file: FileRecord) -> bool:
        """Whether what is known of a file, as it is listed now, still counts."""
        name, changed, *_ = self._places.get(file.id, ("", ""))
        return bool(changed) and (name, changed) == (file.original_filename or "", file.time_last_updated)

    def get(self, file_id: int) -> Known | None:
        """What is known of a file, or None."""
        with self._lock:
            if file_id not in self._places:
                return None
            *_, start, length = self._places[file_id]
            os.lseek(self._file, start, os.SEEK_SET)
            line = os.read(self._file, length)
        return _known.decode(line)

    def put(self, known: Known) -> None:
        """Keep what the server said of a file."""
        line = msgspec.json.encode(known) + b"\n"
        with self._lock:
            os.write(self._file, line)
            end = os.lseek(self._file, 0, os.SEEK_CUR)  # another process may have written before
            self._places[known.file_id] = (known.name, known.changed, end - len(line), len(line))
            self._lines += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self._lines > 2 * len(self._places):
                self._shorten()
        finally:
            os.close(self._file)

    def _shorten(self) -> None:
        """Write the lines that count into a new file, and put it in this one's place."""
        beside = self._path.with_suffix(".new")
        with open(beside, "wb", opener=_private) as stream:
            for file_id in self._places:
                if (known := self.get(file_id)) is not None:
                    stream.write(msgspec.json.encode(known) + b"\n")
        beside.replace(self._path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def cache_name(run: Run, outbox_id: str) -> str:
    """The name of a run's file: another server, project, run or outbox has another."""
    key = (VERSION, run.host, run.project, run.directory_id, run.model, run.name, run.id, run.created, outbox_id)
    return f"run-{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.ndjson"


def packed(rows: Iterable[dict[str, Any]]) -> list[msgspec.Raw]:
    """Boxes as they are kept: without what has no value, what is only repeated, and URLs that may be signed."""
    return [msgspec.Raw(_packed(row)) for row in rows]


def packed_input(record: InputRecord) -> msgspec.Raw:
    """What another sender sent, as it is kept."""
    kept = {name: getattr(record, name) for name in ("id", "mode", "status", "created_time", "time_updated")}
    return msgspec.Raw(msgspec.json.encode({**kept, "instance_list": {"list": packed(record.boxes)}}))


def _packed(row: dict[str, Any]) -> bytes:
    left = {name: value for name, value in row.items() if value is not None and name not in LONG}
    data = msgspec.json.encode(left)
    if ADDRESS.search(data):
        left = {n: v for n, v in left.items() if n in OURS or not ADDRESS.search(msgspec.json.encode(v))}
        data = msgspec.json.encode(left)
    return data
