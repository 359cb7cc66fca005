"""Class names in the first column, where numbers are expected: as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.formats import Id


class Classes:
    """Gives class names their numbers: those that the names given have, else numbers of its own.

    Attributes:
        own: number → name, where no names were given.
    """

    def __init__(self, names: Mapping[Id, str]) -> None:
        """Know the names that were given; none at all means that rows say theirs."""
        self._given = {name: class_id for class_id, name in names.items() if isinstance(class_id, int)}
        self._own: dict[str, int] = {}

    @property
    def own(self) -> dict[int, str]:
        """Number → name, where no names were given."""
        return {number: name for name, number in self._own.items()}

    def number(self, name: str) -> int:
        """The number of a class name.

        Raises:
            InputError: names were given, and it is not among them.
        """
        if not self._given:
            return self._own.setdefault(name, len(self._own))
        if name not in self._given:
            listed = ", ".join(list(self._given)[:8]) + (", …" if len(self._given) > 8 else "")
            raise InputError(f"class '{name}' is a name that --names does not list; it lists {listed}")
        return self._given[name]
