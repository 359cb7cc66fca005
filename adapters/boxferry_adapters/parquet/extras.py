"""Outlines and further columns of boxes, where they are asked for: looked at value by value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.parsing.gather import BadBox
from boxferry.parsing.values import flat_ring, ring_of
from boxferry_adapters.parquet.table import values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from boxferry.formats import Context
    from boxferry.parsing.scatter import Scattered
    from boxferry_adapters.parquet.batch import Batch
    from boxferry_adapters.parquet.columns import Layout, Leaf

PACKED = "attributes"  #: a column of JSON objects, as `write` makes it


class Extras:
    """Which columns hold what is asked for.

    Attributes:
        paths: of those columns.
    """

    def __init__(self, context: Context, layout: Layout, leaves: Sequence[Leaf]) -> None:
        depth = int(layout.listed)
        wanted = {leaf.known_as: leaf.path for leaf in leaves if leaf.depth == depth and leaf.known_as == PACKED}
        own = {leaf.path.rpartition(".")[2]: leaf.path for leaf in reversed(leaves) if leaf.depth == depth}
        self._listed = layout.listed
        self._polygon = layout.paths.get("polygon") if context.polygons else None
        self._packed = wanted.get(PACKED) if context.attributes else None
        self._columns = {name: own[name] for name in context.attributes if name in own}
        self.unreadable = 0

    @property
    def paths(self) -> list[str]:
        """Of all columns that are looked at."""
        return [path for path in (self._polygon, self._packed, *self._columns.values()) if path]

    def kept(
        self,
        batch: Batch,
        keep: NDArray[np.bool_],
        sizes: NDArray[np.float64] | None,
        partitions: Mapping[str, str],
        boxes: Scattered,
    ) -> NDArray[np.int64]:
        """(K,) where the outline and the fields of each kept box are; -1 where it has none.

        Args:
            batch: its rows.
            keep: (N,) which boxes are kept.
            sizes: (N, 2) width and height of each box's image, where outlines are shares of it.
            partitions: the values in the folders' names.
            boxes: keeps them.
        """
        index = np.flatnonzero(keep)
        if not self.paths:
            return np.full(len(index), -1, np.int64)
        columns = {path: self._values(batch, path, partitions) for path in self.paths}
        return np.array([self._kept(row, columns, sizes, boxes) for row in index.tolist()], np.int64)

    def _values(self, batch: Batch, path: str, partitions: Mapping[str, str]) -> list[Any]:
        values = values_of(batch.table, path, partitions, listed=self._listed)
        if values.counts is not None and (values.counts != batch.counts).any():
            return [None] * len(batch.owner)
        found: list[Any] = values.array.to_pylist()
        return found

    def _kept(
        self, row: int, columns: Mapping[str, list[Any]], sizes: NDArray[np.float64] | None, boxes: Scattered
    ) -> int:
        fields = _object(columns[self._packed][row]) if self._packed else {}
        fields |= {name: columns[path][row] for name, path in self._columns.items()}
        rings: tuple[Any, ...] = ()
        if self._polygon and (value := columns[self._polygon][row]):
            width, height = (1.0, 1.0) if sizes is None else sizes[row].tolist()
            try:
                rings = _rings(value, (width, height))
            except BadBox:
                self.unreadable += 1
        return boxes.keep(rings, fields)


def _object(text: Any) -> dict[str, Any]:  # noqa: ANN401 # any value of a table
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return {}
    return dict(value) if isinstance(value, dict) else {}


def _rings(value: Any, scale: tuple[float, float]) -> tuple[Any, ...]:  # noqa: ANN401 # likewise
    """The rings of an outline: x1, y1, x2, …, or points, or a list of either."""
    if not isinstance(value, list):
        raise BadBox("polygon: expected a list")
    if not isinstance(value[0], list):
        return (flat_ring(value, "polygon", scale),)
    if all(isinstance(point, list) and len(point) == 2 and not isinstance(point[0], list) for point in value):
        return (ring_of(value, "polygon", scale),)
    return tuple(ring for each in value for ring in _rings(each, scale) if each)
