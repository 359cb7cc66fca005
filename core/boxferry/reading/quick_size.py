"""Width and height of the commonest images by their first bytes alone; whatever is not plain is left to imagesize."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Size = tuple[int, int]  # width and height in pixels

HEAD_BYTES = 2048  #: a JPEG without EXIF has its tables and its frame within them
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
EXIF, SCAN = 0xE1, 0xDA  #: markers of a JPEG: what can turn it, and where its header ends
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  #: those that begin a frame, with its size
LONE = frozenset((0x01, 0xD9, 0xFF, *range(0xD0, 0xD9)))  #: without a length, or not expected here


def quick_size(path: str) -> Size | None:
    """The size of a PNG, or of a JPEG without EXIF; None for what is another file, or in any doubt.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        head = os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)
    return size_in(head)


def size_in(head: bytes) -> Size | None:
    """As `quick_size`, of a file's first bytes."""
    if head.startswith(PNG):
        return _sides(head[16:20], head[20:24]) if head[12:16] == b"IHDR" and len(head) >= 26 else None
    return _jpeg(head) if head.startswith(JPEG) else None


def _jpeg(head: bytes) -> Size | None:
    """The size in the one frame before the scan, none of the segments before it being EXIF."""
    size, place = None, 2
    while place + 4 <= len(head) and head[place] == 0xFF:
        marker, length = head[place + 1], int.from_bytes(head[place + 2 : place + 4])
        if marker == SCAN:
            return size
        if marker == EXIF or marker in LONE or length < 2 or (marker in FRAMES and (size or length < 8)):
            return None
        if marker in FRAMES:
            size = _sides(head[place + 7 : place + 9], head[place + 5 : place + 7])
        place += 2 + length
    return None


def _sides(width: bytes, height: bytes) -> Size | None:
    found = int.from_bytes(width), int.from_bytes(height)
    return found if min(found) >= 1 else None
