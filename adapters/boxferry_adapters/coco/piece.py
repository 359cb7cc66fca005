"""Some items of a source that stand next to each other, and their columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from boxferry_adapters.coco.columns import Columns, bbox_of, crowds_of, scores_of
from boxferry_adapters.coco.items import PlainItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from boxferry_adapters.coco.items import Item, RawId


@dataclass(frozen=True, slots=True)
class Piece:
    """N items.

    Attributes:
        index: (N,) where they stand in the source's list.
        image_ids, category_ids: (N,) as they stand there; an array where all are whole numbers.
        bbox: (N, 4) their four numbers, as they are.
        scores: (N,) NaN for none.
        crowds: (N,) whether an item is a crowd region.
        items: (N,) the items themselves; empty where the columns are all that is known of them.
        values: (N,) the items as they stand in the source; empty where nothing else is read of them.
    """

    index: NDArray[np.int64]
    image_ids: NDArray[np.int64] | Sequence[RawId]
    category_ids: NDArray[np.int64] | Sequence[RawId]
    bbox: NDArray[np.float64]
    scores: NDArray[np.float64]
    crowds: NDArray[np.bool_]
    items: Sequence[Item] = ()
    values: Sequence[dict[str, Any]] = ()

    @classmethod
    def of(
        cls, found: Columns | Sequence[Item], index: NDArray[np.int64], values: Sequence[dict[str, Any]] = ()
    ) -> Self:
        """Take columns, or the numbers out of items."""
        if isinstance(found, Columns):
            return cls(index, found.image_ids, found.category_ids, found.bbox, found.scores, found.crowds)
        ids = [item.image_id for item in found], [item.category_id for item in found]
        return cls(index, *ids, bbox_of(found), scores_of(found), crowds_of(found), found, values)

    def __len__(self) -> int:
        """The number of items, N."""
        return len(self.index)

    def take(self, kept: NDArray[np.bool_]) -> Self:
        """Those under a mask (N,)."""
        if kept.all():
            return self
        ids = _taken(self.image_ids, kept), _taken(self.category_ids, kept)
        bbox, scores, crowds = self.bbox[kept], self.scores[kept], self.crowds[kept]
        more = _taken(self.items, kept), _taken(self.values, kept)
        return type(self)(self.index[kept], *ids, bbox, scores, crowds, *more)

    def runs(self) -> tuple[list[RawId], NDArray[np.int64]]:
        """The id of each run of items of one image, and where it begins, (R,)."""
        if not isinstance(self.image_ids, np.ndarray):
            return list(self.image_ids), np.arange(len(self))
        starts = np.flatnonzero(np.diff(self.image_ids, prepend=self.image_ids[:1] - 1))
        return self.image_ids[starts].tolist(), starts

    @property
    def rare(self) -> bool:
        """Whether an item may have one of the fields that few sources have: its image's name, or a track."""
        return bool(self.items) and not isinstance(self.items[0], PlainItem)


def _taken(column: Any, kept: NDArray[np.bool_]) -> Any:  # noqa: ANN401 # an array, or a list of the same
    return column[kept] if isinstance(column, np.ndarray) else list(compress(column, kept.tolist()))
