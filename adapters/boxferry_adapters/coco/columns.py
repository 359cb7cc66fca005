"""A list of plain results as columns, without an object for each where the compiled functions are installed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from boxferry.parsing import compiled
from boxferry_adapters.coco.items import Item, PlainItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from boxferry_adapters.coco.items import RawId


@dataclass(frozen=True, slots=True)
class Columns:
    """N items in which nothing is rare: their ids are whole numbers, and no name or track stands beside them.

    Attributes:
        image_ids, category_ids: (N,) int64.
        bbox: (N, 4) float64, as they stand there.
        scores: (N,) float64, NaN for none.
        crowds: (N,) whether an item is a crowd region.
    """

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    bbox: NDArray[np.float64]
    scores: NDArray[np.float64]
    crowds: NDArray[np.bool_]

    def __len__(self) -> int:
        """The number of items, N."""
        return len(self.scores)

    @classmethod
    def of(cls, items: Sequence[PlainItem]) -> Self | None:
        """Those of plain items; None where an id is no whole number of 64 bits."""
        image_ids = _whole([item.image_id for item in items])
        category_ids = _whole([item.category_id for item in items])
        if image_ids is None or category_ids is None:
            return None
        return cls(image_ids, category_ids, bbox_of(items), scores_of(items), crowds_of(items))

    @classmethod
    def compiled(cls, text: bytes) -> Self | None:
        """Those of a JSON list, by the compiled function; None where it is not compiled or leaves the text alone."""
        found = None if compiled.speedups is None else compiled.speedups.coco_results(text)
        if found is None:
            return None
        image_ids, category_ids, bbox, scores, crowds = found
        return cls(
            np.frombuffer(image_ids, np.int64),
            np.frombuffer(category_ids, np.int64),
            np.frombuffer(bbox, np.float64).reshape(-1, 4),
            np.frombuffer(scores, np.float64),
            np.frombuffer(crowds, np.bool_),
        )


def _whole(ids: Sequence[RawId]) -> NDArray[np.int64] | None:
    if not ids or type(ids[0]) is not int:
        return None
    found = np.array(ids)
    return found if found.dtype == np.int64 else None


def bbox_of(items: Sequence[Item]) -> NDArray[np.float64]:
    """(N, 4) their four numbers."""
    numbers = chain.from_iterable([item.bbox for item in items])
    return np.fromiter(numbers, np.float64, 4 * len(items)).reshape(-1, 4)


def scores_of(items: Sequence[Item]) -> NDArray[np.float64]:
    """(N,) NaN for none."""
    return np.array([item.score for item in items], np.float64)


def crowds_of(items: Sequence[Item]) -> NDArray[np.bool_]:
    """(N,) whether an item is a crowd region."""
    return np.array([item.iscrowd for item in items], np.bool_)


class ItemDecoder:
    """Decodes a list of items as plain ones, else as `Item`: the look for rare fields costs nothing where none is."""

    _plain = msgspec.json.Decoder(list[PlainItem])  # of the class: made at import, not in a thread
    _any = msgspec.json.Decoder(list[Item])

    def decode(self, text: bytes, /) -> Columns | list[Any]:
        """The items of a JSON list: as columns where that can be.

        Raises:
            msgspec.DecodeError: it is no list of items.
        """
        if (found := Columns.compiled(text)) is not None:
            return found
        try:
            items = self._plain.decode(text)
        except msgspec.ValidationError:
            return self._any.decode(text)
        return Columns.of(items) or items
