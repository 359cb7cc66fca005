"""Some items of a source that stand next to each other, and their columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, compress
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from boxferry_adapters.coco.items import PlainItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from boxferry_adapters.coco.items import Item


@dataclass(frozen=True, slots=True)
class Piece:
    """N items.

    Attributes:
        items: (N,) what is read of them.
        index: (N,) where they stand in the source's list.
        bbox: (N, 4) their four numbers, as they are.
        values: (N,) the items as they stand in the source; empty where nothing else is read of them.
    """

    items: Sequence[Item]
    index: NDArray[np.int64]
    bbox: NDArray[np.float64]
    values: Sequence[dict[str, Any]] = ()

    @classmethod
    def of(cls, items: Sequence[Item], index: NDArray[np.int64], values: Sequence[dict[str, Any]] = ()) -> Self:
        """Take the numbers out of items."""
        numbers = chain.from_iterable([item.bbox for item in items])
        return cls(items, index, np.fromiter(numbers, np.float64, 4 * len(items)).reshape(-1, 4), values)

    def take(self, kept: NDArray[np.bool_]) -> Self:
        """Those under a mask (N,)."""
        if kept.all():
            return self
        chosen = kept.tolist()
        items, values = list(compress(self.items, chosen)), list(compress(self.values, chosen))
        return type(self)(items, self.index[kept], self.bbox[kept], values)

    @property
    def scores(self) -> NDArray[np.float64]:
        """(N,) NaN for none."""
        return np.array([item.score for item in self.items], np.float64)

    @property
    def crowds(self) -> NDArray[np.bool_]:
        """(N,) whether an item is a crowd region."""
        return np.array([item.iscrowd for item in self.items], np.bool_)

    @property
    def rare(self) -> bool:
        """Whether an item may have one of the fields that few sources have: its image's name, or a track."""
        return bool(self.items) and not isinstance(self.items[0], PlainItem)
