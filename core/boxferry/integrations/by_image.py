"""Lines of several files, put in order so that all boxes of an image stand on one line."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from boxferry.boxes.lines import Line, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BUCKETS = 64  #: temporary files; the images of one of them are in memory at a time


def by_image(paths: Iterable[Path]) -> Iterator[bytes]:
    """The lines of the files, each image once with the boxes of all its lines.

    Lines have the columns that `TableRows` gives: corners, labels and scores.

    Raises:
        OSError: the disk for temporary files takes no more.
    """
    with ExitStack() as stack:
        buckets = [stack.enter_context(tempfile.TemporaryFile(prefix="boxferry-")) for _ in range(BUCKETS)]
        for path in paths:
            with path.open("rb") as stream:
                for data in stream:
                    buckets[crc32(decoded(data).image.key.encode("utf-8", "surrogatepass")) % BUCKETS].write(data)
        for bucket in buckets:
            bucket.seek(0)
            yield from _joined(map(decoded, bucket))


def _joined(lines: Iterable[Line]) -> Iterator[bytes]:
    found: dict[str, Line] = {}
    for line in lines:
        if (first := found.setdefault(line.image.key, line)) is not line:
            first.xyxy += line.xyxy
            first.label += line.label
            first.score += line.score
    for line in found.values():
        yield msgspec.json.encode(line) + b"\n"
