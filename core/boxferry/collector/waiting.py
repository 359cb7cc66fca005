"""What waits on disk: of each run, how much, since when, and which images could not be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from boxferry.collector.disk_queue_format import (
    ASIDE,
    SUFFIX,
    DiskQueueHead,
    disk_queue_root,
    head_of,
    lines_of,
    parsed,
)

if TYPE_CHECKING:
    from pathlib import Path


class Aside(msgspec.Struct, frozen=True):
    """An image that could not be sent.

    Attributes:
        image: its key.
        boxes: how many boxes it has.
        reason: why.
    """

    image: str
    boxes: int
    reason: str


class _Reason(msgspec.Struct):
    set_aside: str = ""


_reason = msgspec.json.Decoder(_Reason)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What waits on disk of one run.

    Attributes:
        head: what it is of.
        folder: where it is.
        images, boxes: how many wait.
        since: when the oldest of them was written, seconds since the epoch by this machine's clock; 0 where none waits.
        aside: the images that could not be sent; `resume` tries them again.
    """

    head: DiskQueueHead
    folder: str
    images: int = 0
    boxes: int = 0
    since: float = 0.0
    aside: list[Aside] = []


def asides(folder: Path) -> list[Aside]:
    """The images of a run that were set aside."""
    found = []
    for path in sorted((folder / ASIDE).glob(f"*{SUFFIX}")):
        for line in _lines_if_there(path):
            read = parsed(line)
            image, boxes = (read.image.key, len(read.xyxy)) if read else ("a line that was cut off", 0)
            found.append(Aside(image, boxes, _reason.decode(line).set_aside))
    return found


def waiting_beside(outbox: Path) -> list[Waiting]:
    """What waits on disk of every run, the runs in the order of their names."""
    heads = [waiting_in(folder) for folder in disk_queue_root(outbox).glob("*/")]
    found = [each for each in heads if each.images or each.aside]
    return sorted(found, key=lambda each: (each.head.host, each.head.project, each.head.run, each.head.model))


def waiting_in(folder: Path) -> Waiting:
    """What waits in the folder of one run."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    lines = [read for path in files for line in _lines_if_there(path) if (read := parsed(line))]
    return Waiting(
        head=head_of(folder),
        folder=str(folder),
        images=len(lines),
        boxes=sum(len(line.xyxy) for line in lines),
        since=int(files[0].name.partition("-")[0]) / 1e9 if lines else 0.0,
        aside=asides(folder),
    )


def _lines_if_there(path: Path) -> list[bytes]:
    try:
        return lines_of(path)
    except FileNotFoundError:
        return []  # pushed meanwhile
