"""Boxes as rows of numbers, put aside in a temporary file until every image's can stand together."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RECORD = np.dtype([
    ("xyxy", "<f8", 4), ("score", "<f8"), ("row", "<i8"), ("extra", "<i8"), ("image", "<i4"), ("label", "<i4"),
])  # fmt: skip
CHUNK_BOXES = 8192
BLOCK = 1 << 17  #: records that are held while they are brought into order


class Spill:
    """Takes records in any order; gives them image by image, in the order in which images were first met.

    They wait in files without a name, which are gone whatever happens. In memory there are a few bytes an image, and
    none a box.
    """

    def __init__(self, record: np.dtype[np.void] = RECORD) -> None:
        """Begin with nothing.

        Args:
            record: what a record holds; its field 'image' says which image it is of.
        """
        self._record = record
        self._open = ExitStack()
        self._file: Any = None
        self._counts = np.zeros(1024, np.int64)
        self._last = -1
        self._grouped = True

    def __enter__(self) -> Self:
        with said_of_disk():
            self._file = self._open.enter_context(tempfile.TemporaryFile(prefix="boxferry-"))
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what a full disk did not take has been said
            self._open.close()

    def add(self, records: NDArray[np.void]) -> None:
        """Put records aside; images are numbered from 0 as they are met.

        Raises:
            InputError: the disk takes no more.
        """
        if not len(records):
            return
        with said_of_disk():
            self._file.write(records.tobytes())
        image = records["image"]
        first, last = int(image.min()), int(image.max())
        self._grouped = self._grouped and self._last <= int(image[0]) and bool((np.diff(image) >= 0).all())
        self._last = int(image[-1])
        if last >= len(self._counts):
            self._counts = np.concatenate((self._counts, np.zeros(last + 1, np.int64)))
        self._counts[first : last + 1] += np.bincount(image - first)

    def chunks(self, chunk_boxes: int = CHUNK_BOXES) -> Iterator[NDArray[np.void]]:
        """All records, in chunks of about `chunk_boxes`; an image's are in one chunk, in the order they came in.

        Raises:
            InputError: the disk takes no more.
        """
        bounds = np.concatenate(([0], np.cumsum(self._counts)))
        cuts = _cuts(bounds, chunk_boxes)
        if not self._grouped:
            self._bring_into_order(bounds, np.array(cuts))
        with said_of_disk():
            self._file.seek(0)
        for start, stop in pairwise(cuts):
            records = np.frombuffer(self._file.read((stop - start) * self._record.itemsize), self._record)
            yield records if self._grouped else records[np.argsort(records["image"], kind="stable")]

    def _bring_into_order(self, bounds: NDArray[np.int64], cuts: NDArray[np.int64]) -> None:
        """Write each chunk's records to where the chunk stands in another file."""
        chunk_of = np.searchsorted(cuts, bounds[:-1], "right") - 1  # of each image
        free = cuts.copy()  # the next row of each chunk
        with said_of_disk():
            self._file.seek(0)
            ordered = self._open.enter_context(tempfile.TemporaryFile(prefix="boxferry-"))  # noqa: SIM115 # it is
            while block := self._file.read(BLOCK * self._record.itemsize):
                records = np.frombuffer(block, self._record)
                chunk = chunk_of[records["image"]]
                order = np.argsort(chunk, kind="stable")
                found, starts = np.unique(chunk[order], return_index=True)
                stops = np.append(starts[1:], len(records))
                for number, start, stop in zip(found.tolist(), starts.tolist(), stops.tolist(), strict=True):
                    ordered.seek(int(free[number]) * self._record.itemsize)
                    ordered.write(records[order[start:stop]].tobytes())
                    free[number] += stop - start
            ordered.flush()
        self._file.close()
        self._file = ordered


def _cuts(bounds: NDArray[np.int64], chunk_boxes: int) -> list[int]:
    """Where to cut rows whose images begin and end at `bounds`: at about every `chunk_boxes`-th, never in an image."""
    cuts = [0]
    while cuts[-1] < bounds[-1]:
        wanted = min(cuts[-1] + chunk_boxes, int(bounds[-1]))
        cuts.append(int(bounds[np.searchsorted(bounds, wanted)]))
    return cuts


@contextmanager
def said_of_disk() -> Iterator[None]:
    """Say in one clear line what a full disk says."""
    try:
        yield
    except OSError as error:
        place = tempfile.gettempdir()
        message = f"{place}: temporary files cannot be written: {error.strerror}; set TMPDIR to another folder"
        raise InputError(message) from None
