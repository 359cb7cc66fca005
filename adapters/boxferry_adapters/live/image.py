"""One image's result in memory, in plain arrays: what every framework's results come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


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
    relative: bool = False


def numbers(value: Any) -> NDArray[np.float64]:  # noqa: ANN401 # a tensor on any device, an array, or a list
    """As float64, whatever holds it: tensors are taken off their device; no framework is imported."""
    for method in ("detach", "cpu"):
        if hasattr(value, method):
            value = getattr(value, method)()
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = value.float().numpy() if hasattr(value, "float") else value.numpy()
    return np.asarray(value, np.float64)


def boxes(value: Any) -> NDArray[np.float64]:  # noqa: ANN401 # as `numbers`
    """(N, 4) corners; an empty result of any shape is no boxes."""
    found = numbers(value)
    return found.reshape(-1, 4) if found.size == 0 else found


def whole(value: Any) -> NDArray[np.int64]:  # noqa: ANN401 # as `numbers`
    """(N,) whole numbers."""
    return np.asarray(numbers(value)).reshape(-1).astype(np.int64)


def has(value: object, *names: str) -> bool:
    """Whether an object has all these attributes."""
    return all(hasattr(value, name) for name in names)
