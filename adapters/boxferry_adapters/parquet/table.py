"""A table's columns as flat arrays: structs and lists are gone into, and folders' values are columns too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from boxferry_adapters.parquet.columns import Leaf
from boxferry_adapters.parquet.library import pyarrow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def leaves_of(schema: Any, partitions: Mapping[str, str]) -> list[Leaf]:  # noqa: ANN401 # pyarrow has no types
    """The columns of a file, and the values in its folders' names."""
    found = [leaf for field in schema for leaf in _leaves(field.name, field.type, 0)]
    known = {leaf.path for leaf in found}
    return found + [
        Leaf(path=name, kind="whole" if value.isdigit() else "text")
        for name, value in partitions.items()
        if name not in known
    ]


def _leaves(path: str, kind: Any, depth: int) -> Iterator[Leaf]:  # noqa: ANN401 # likewise
    types = pyarrow().types
    while is_list(kind) or types.is_dictionary(kind):
        depth += is_list(kind)
        kind = kind.value_type
    if types.is_struct(kind):
        for index in range(kind.num_fields):
            field = kind.field(index)
            yield from _leaves(f"{path}.{field.name}", field.type, depth)
    else:
        yield Leaf(path=path, kind=_kind(kind), depth=depth)


def is_list(kind: Any) -> bool:  # noqa: ANN401 # likewise
    """Whether a type is one of lists."""
    types = pyarrow().types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _kind(kind: Any) -> str:  # noqa: ANN401 # likewise
    types = pyarrow().types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    if types.is_integer(kind):
        return "whole"
    return "number" if types.is_floating(kind) or types.is_decimal(kind) else "other"


def partitions_of(relative: str) -> dict[str, str]:
    """The values in the names of a file's folders, 'label=cat/part-0.parquet'."""
    pairs = (folder.partition("=") for folder in relative.split("/")[:-1] if "=" in folder)
    return {name: unquote(value) for name, _, value in pairs if value != NO_VALUE}


@dataclass(frozen=True, slots=True)
class Values:
    """One column of a batch, flat: of the rows, or of the boxes in them.

    Attributes:
        array: the values; those of lists one after another.
        counts: how many each row has; None where each has one.
    """

    array: Any
    counts: NDArray[np.int64] | None = None

    def numbers(self) -> NDArray[np.float64]:
        """(N,) the values as numbers, NaN where there is none."""
        pa = pyarrow()
        array = self.array.dictionary_decode() if pa.types.is_dictionary(self.array.type) else self.array
        found: NDArray[np.float64] = pa.compute.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return found

    def coded(self) -> tuple[NDArray[np.int64], list[Any]]:
        """(N,) the number of each value in the list of all different ones, -1 where there is none; and that list."""
        pa = pyarrow()
        array = self.array.dictionary_decode() if pa.types.is_dictionary(self.array.type) else self.array
        encoded = array.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return codes, encoded.dictionary.to_pylist()

    def fours(self) -> NDArray[np.float64]:
        """(N, 4) of lists of four numbers; a row of NaN where a list is none or has another length."""
        pa = pyarrow()
        lengths = pa.compute.list_value_length(self.array).fill_null(0).to_numpy(zero_copy_only=False)
        found = np.full((len(lengths), 4), np.nan)
        whole = lengths == 4
        kept = Values(pa.compute.list_flatten(self.array.filter(pa.array(whole))))
        found[whole] = kept.numbers().reshape(-1, 4)
        return found


def values_of(batch: Any, path: str, partitions: Mapping[str, str], *, listed: bool) -> Values:  # noqa: ANN401 # likewise
    """A column of a batch, out of the structs and, where a row has many boxes, out of the list that it is in."""
    pa = pyarrow()
    first, *rest = path.split(".")
    if first not in batch.schema.names:
        value = partitions[first]
        return Values(pa.array([int(value) if value.isdigit() else value] * batch.num_rows))
    found = Values(batch.column(first))
    for name in rest:
        found = _flat(found) if is_list(found.array.type) else found
        found = Values(pa.compute.struct_field(found.array, name), found.counts)
    return _flat(found) if listed and found.counts is None else found


def _flat(found: Values) -> Values:
    pa = pyarrow()
    counts = pa.compute.list_value_length(found.array).fill_null(0).to_numpy(zero_copy_only=False)
    return Values(pa.compute.list_flatten(found.array), counts.astype(np.int64))
