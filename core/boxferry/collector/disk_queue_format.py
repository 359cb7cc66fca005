"""What stands in the files of a queue, and where: its head, and lines of results.

<outbox>.spool/<run>/run.json          what the results are of, and how they are to be pushed
<outbox>.spool/<run>/<time>-….ndjson   lines in the format `boxferry`, an image each
<outbox>.spool/<run>/aside/….ndjson    the same with `set_aside`, the reason for which an image could not be sent
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping  # noqa: TC003 # msgspec looks types up
from hashlib import blake2b
from pathlib import Path  # noqa: TC003 # likewise
from typing import Any

import msgspec

from boxferry.remote.urls import is_url, remembered

SUFFIX = ".ndjson"
HEAD = "run.json"
ASIDE = "aside"


class DiskQueueHead(msgspec.Struct, frozen=True, kw_only=True):
    """What the results in one folder are of, and how they are to be pushed.

    Attributes:
        host, project: the server's; results go nowhere else.
        directory: the directory on the server, by name or id.
        model, run: on every box.
        images: the folder that holds the images, or its URL without a query and a password; empty where the results
            name their paths.
        options: the push options that are not the defaults; see `options_file`.
        classes: the class ids of the results with their names, as far as they told them.
    """

    host: str = ""
    project: str = ""
    directory: str | int = ""
    model: str = ""
    run: str = ""
    images: str = ""
    options: Mapping[str, Any] = msgspec.field(default_factory=dict, name="manner")
    classes: list[tuple[int | str, str]] = []


def folder_named(images: str | os.PathLike[str]) -> str:
    """A folder as a head names it: its whole path, or its URL without what may be secret, which this process keeps."""
    name = os.fspath(images)
    return remembered(name) if is_url(name) else os.path.abspath(name)  # noqa: PTH100 # links stay as they are named


class _Key(msgspec.Struct):
    key: str


class SpoolLine(msgspec.Struct):
    """As much of a line as is needed to count and sort it.

    Attributes:
        image: the image.
        xyxy: a value for each box.
        label: (N,) the boxes' labels.
        set_aside: why it could not be sent; empty where that was not tried.
    """

    image: _Key
    xyxy: list[msgspec.Raw] = []
    label: list[str] = []
    set_aside: str = ""


_head = msgspec.json.Decoder(DiskQueueHead)
_line = msgspec.json.Decoder(SpoolLine)
_any = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def disk_queue_root(outbox: Path) -> Path:
    """The folder of all queue files of an outbox, beside it."""
    return outbox.with_name(f"{outbox.name}.spool")


def disk_queue_folder(outbox: Path, *key: str) -> Path:
    """The folder of the queue files of one run; `key` names the run."""
    text = "".join(f"{len(part)}:{part}" for part in key)
    return disk_queue_root(outbox) / blake2b(text.encode(), digest_size=8).hexdigest()


def head_of(folder: Path) -> DiskQueueHead:
    """What the results in a folder are of; an empty one where that cannot be read."""
    try:
        return _head.decode((folder / HEAD).read_bytes())
    except (OSError, ValueError):
        return DiskQueueHead()


def write_head(folder: Path, head: DiskQueueHead) -> None:
    """Write down what the results in a folder are of.

    Raises:
        OSError: the disk does not take it.
    """
    data = msgspec.json.format(_encoder.encode(head))
    if not (folder / HEAD).exists() or (folder / HEAD).read_bytes() != data:
        write_whole(folder / HEAD, data)


def lines_of(path: Path) -> list[bytes]:
    """The lines of a file, each with its line break; the last one even where it was cut off."""
    with path.open("rb") as stream:
        return [line if line.endswith(b"\n") else line + b"\n" for line in stream if line.strip()]


def parsed(line: bytes) -> SpoolLine | None:
    """As much of a line as is needed; None where it was cut off."""
    try:
        return _line.decode(line)
    except ValueError:
        return None


def with_reason(line: bytes, reason: str) -> bytes:
    """The line with the reason for which its image could not be sent."""
    try:
        found = _any.decode(line)
    except ValueError:
        found = {"cut_off": line.decode("utf-8", "replace").rstrip("\n")}
    return _encoder.encode({**found, "set_aside": reason}) + b"\n"


def write_all(number: int, data: bytes) -> None:
    """Write all of the data to a file descriptor, and see it on the disk."""
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]
    os.fsync(number)


def write_whole(path: Path, data: bytes) -> None:
    """Write a whole file, for its owner alone: the new content is there after a crash, or the old."""
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}")
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(number, data)
    finally:
        os.close(number)
    beside.replace(path)
