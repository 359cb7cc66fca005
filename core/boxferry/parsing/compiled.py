"""The compiled twins of a few functions, where the distribution boxferry-speedups is installed.

Each has a pure twin beside the place that calls it, which defines what is right. A compiled one gives the same, or None
where it leaves an input to its twin. There is no other difference: the same readers and builders call one or the other.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import ReadableBuffer

VARIABLE = "BOXFERRY_PURE"  #: any value but 0 leaves the compiled functions out
MODULE = "boxferry_speedups"
INTERFACE = 2  #: the signatures below; a distribution of others is not used


class Speedups(Protocol):
    """What the module boxferry_speedups gives; numbers are arrays of the machine's own byte order, as bytes."""

    __version__: str

    def coco_results(self, text: bytes, /) -> tuple[bytes, bytes, bytes, bytes, bytes] | None:
        """Image ids, category ids (int64), bbox, scores (float64) and crowds (bool) of a JSON list of results."""
        ...

    def yolo_rows(self, text: bytes, /) -> tuple[bytes, int, float, float] | None:
        """Rows of five or six numbers: six float64 each, how many stand there, the largest coordinate and score."""
        ...

    def voc_objects(self, data: bytes, /) -> tuple[str, str, int, int, list[str], bytes, bytes] | None:
        """File name, path, width, height, and labels, corners and scores (float64) of an annotation file's objects."""
        ...

    def voc_rows(self, block: bytes, /) -> tuple[list[str], bytes] | None:
        """The images of some lines of results, and five float64 a line: score and corners."""
        ...

    def whole_edges(self, bounds: ReadableBuffer, corners: ReadableBuffer, sizes: ReadableBuffer, /) -> bytes | None:
        """The corners (float64) of boxes in whole pixels, where the fit has nothing to say; see `parsing.quick_fit`."""
        ...

    def instance_lists(
        self,
        bounds: ReadableBuffer,
        corners: ReadableBuffer,
        labels: ReadableBuffer,
        scores: bytes,
        heads: Sequence[bytes | None],
        tails: Sequence[bytes | None],
        middles: Sequence[bytes | None],
        /,
    ) -> list[bytes | None]:
        """The JSON of each image's boxes; see `packets.lists`."""
        ...


def _load() -> tuple[Speedups | None, str]:
    """The compiled functions, and what `boxferry plugins` says of them."""
    if os.environ.get(VARIABLE, "0") not in {"", "0"}:
        return None, f"not used: {VARIABLE} is set"
    try:
        found: Any = import_module(MODULE)
    except ModuleNotFoundError:
        return None, "not installed"
    except ImportError as error:
        return None, f"not used: it cannot be loaded: {error}"
    if getattr(found, "INTERFACE", None) != INTERFACE:
        return None, f"not used: boxferry-speedups {found.__version__} is of another version of boxferry"
    return found, f"used: boxferry-speedups {found.__version__}"


speedups, state = _load()
