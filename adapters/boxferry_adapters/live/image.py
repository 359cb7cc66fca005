"""One image's result in memory, in plain arrays: what every framework's results come to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ARRAYS = ("xyxy", "ids", "score", "track")
LARGEST = 2**53  #: beyond it a float need not be the number that was meant


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveImage:
    """The boxes of one image.

    Attributes:
        xyxy: (N, 4) float64, pixels of the source image, or shares of its size.
        ids: (N,) the class ids; None where the labels are given by name.
        labels: (N,) the labels' names; None where they are given by id.
        names: class id → label, where the result itself says so.
        score: (N,) float64, NaN for none.
        track: (N,) int64, -1 for none; None without tracks.
        polygons: (N,) a tuple of rings each, or None; None where no outlines were asked for.
        name: the image's name or path, where the result itself says so.
        size: width and height in pixels; 0 where unknown.
        there: whether its name is that of a file, if that was looked up.
        relative: whether xyxy is shares of the image's width and height, 0 to 1.
    """

    xyxy: NDArray[np.float64]
    ids: NDArray[np.int64] | None = None
    labels: Sequence[str] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    score: NDArray[np.float64] | None = None
    track: NDArray[np.int64] | None = None
    polygons: Sequence[Any] | None = None
    name: str = ""
    size: tuple[int, int] = (0, 0)
    there: bool | None = None
    relative: bool = False

    def copied(self, name: str) -> Self:
        """With arrays of its own, since a framework may use its buffers again, and what is known of its file now."""
        arrays = {each: array.copy() for each in ARRAYS if (array := getattr(self, each)) is not None}
        return replace(self, **arrays, there=os.path.isfile(name))  # noqa: PTH113 # no Path for each

    def check(self, image: str) -> None:
        """See that there are as many of everything as there are boxes.

        Raises:
            InputError: the columns have other lengths, or the boxes another shape; `image` is its name.
        """
        columns = {"labels": self.ids if self.labels is None else self.labels, "scores": self.score,
                   "tracks": self.track, "outlines": self.polygons}  # fmt: skip
        given = {name: len(column) for name, column in columns.items() if column is not None}
        found = ", ".join(f"{count} {name}" for name, count in given.items())
        if self.xyxy.ndim != 2 or self.xyxy.shape[1] != 4:
            raise InputError(f"{image}: boxes of shape {self.xyxy.shape}, expected (N, 4); {found}")
        if any(count != len(self.xyxy) for count in given.values()):
            raise InputError(f"{image}: {len(self.xyxy)} boxes, {found}: expected as many of each")


def numbers(value: Any) -> NDArray[np.float64]:  # noqa: ANN401 # a tensor on any device, an array, or a list
    """As float64, whatever holds it: tensors are taken off their device; no framework is imported.

    Raises:
        InputError: it holds something else than numbers.
    """
    for method in ("detach", "cpu"):
        if hasattr(value, method):
            value = getattr(value, method)()
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = value.float().numpy() if hasattr(value, "float") else value.numpy()
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"expected numbers, found {value!r}"[:200]) from None


def boxes(value: Any) -> NDArray[np.float64]:  # noqa: ANN401 # as `numbers`
    """(N, 4) corners; an empty result of any shape is no boxes. Other shapes are judged by `LiveImage.check`."""
    found = numbers(value)
    return found.reshape(-1, 4) if found.size == 0 else found


def classes(value: Any) -> NDArray[np.int64]:  # noqa: ANN401 # as `numbers`
    """(N,) class ids.

    Raises:
        InputError: one of them is no whole number.
    """
    found = numbers(value).reshape(-1)
    odd = ~(np.abs(found) <= LARGEST) | (found % 1 != 0)
    if odd.any():
        raise InputError(f"class {found[odd][0]:g}: expected a whole number; are the columns in another order?")
    return found.astype(np.int64)


def tracks(value: Any) -> NDArray[np.int64]:  # noqa: ANN401 # as `numbers`
    """(N,) track ids; -1 for None, NaN and the like."""
    found = numbers(value).reshape(-1)
    return np.where((found >= 0) & (found <= LARGEST), found, -1).astype(np.int64)


def has(value: object, *names: str) -> bool:
    """Whether an object has all these attributes."""
    return all(hasattr(value, name) for name in names)
