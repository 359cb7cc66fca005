"""Boxes as rows of numbers: grouped as they come, or put aside in a temporary file and gathered by image."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RECORD = np.dtype([("image", "<i4"), ("xyxy", "<f8", 4), ("label", "<i4"), ("score", "<f8"), ("row", "<i8")])
CHUNK_BOXES = 8192


def grouped_chunks(pieces: Iterator[NDArray[np.void]], chunk_boxes: int = CHUNK_BOXES) -> Iterator[NDArray[np.void]]:
    """Records whose images stand together, cut into chunks of about `chunk_boxes`, never within an image."""
    held: list[NDArray[np.void]] = []
    count, enough = 0, chunk_boxes
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count >= enough:
            records = np.concatenate(held)
            cut = int(_starts(records["image"])[-1])
            if cut:
                yield from _cut(records[:cut], chunk_boxes)
            held, count = [records[cut:]], len(records) - cut
            enough = max(chunk_boxes, 2 * count)  # one image can be larger than many pieces
    if count:
        yield from _cut(np.concatenate(held), chunk_boxes)


def gathered_chunks(pieces: Iterator[NDArray[np.void]], chunk_boxes: int = CHUNK_BOXES) -> Iterator[NDArray[np.void]]:
    """Records in any order, as chunks in which each image's stand together, in the order of the source.

    They wait in a temporary file without a name, which is gone whatever happens; in memory there are 12 bytes a box.
    """
    with tempfile.TemporaryFile(prefix="boxferry-") as spill:
        images = []
        for piece in pieces:
            spill.write(piece.tobytes())
            images.append(piece["image"].copy())
        if not images or not sum(map(len, images)):
            return
        spill.flush()
        order = np.argsort(np.concatenate(images), kind="stable")
        del images
        records = np.memmap(spill, RECORD, mode="r")
        for start, stop in pairwise(_cuts(np.asarray(records["image"][order]), chunk_boxes)):
            yield np.asarray(records[order[start:stop]])
        del records


def _starts(image: NDArray[np.int32]) -> NDArray[np.int64]:
    """The first row of each run of one image."""
    return np.concatenate(([0], np.flatnonzero(np.diff(image)) + 1))


def _cuts(image: NDArray[np.int32], chunk_boxes: int) -> list[int]:
    """Where to cut rows that are grouped by image, so that no image is cut: at about every `chunk_boxes`-th."""
    bounds = np.append(_starts(image), len(image))
    cuts = [0]
    while cuts[-1] < len(image):
        wanted = min(cuts[-1] + chunk_boxes, len(image))
        cuts.append(int(bounds[np.searchsorted(bounds, wanted)]))
    return cuts


def _cut(records: NDArray[np.void], chunk_boxes: int) -> Iterator[NDArray[np.void]]:
    for start, stop in pairwise(_cuts(records["image"], chunk_boxes)):
        yield records[start:stop]
