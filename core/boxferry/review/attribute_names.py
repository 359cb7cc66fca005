"""The attributes of stored boxes by their names, where the server has them by the ids of groups and options."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from boxferry.destination import attribute_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from boxferry.destination import AttributeGroup, AttributeValue

TRUTH: dict[str, bool] = {"true": True, "false": False}  #: as a push writes them


class AttributeNames:
    """Names what boxes have; a group or an option that the project does not have any more keeps its number."""

    def __init__(self, groups: Callable[[], Iterable[AttributeGroup]], fields: Mapping[str, str] | None = None) -> None:
        """Prepare; nothing is asked before a box has attributes.

        Args:
            groups: gives the project's attributes with their options.
            fields: an attribute's name on the server → what the source calls it, of those that the run sent: their
                options 'true' and 'false' are truth values again.
        """
        self._ask = groups
        self._fields = fields or {}

    @cached_property
    def _groups(self) -> dict[str, tuple[str, dict[int, str]]]:
        """Group id, as text → the attribute's name, and its options by id."""
        return {
            str(group.id): (
                group.name or group.prompt or f"attribute {group.id}",
                {option.id: option.name or str(option.id) for option in group.attribute_template_list or ()},
            )
            for group in self._ask()
        }

    def of(self, groups: Any) -> dict[str, AttributeValue]:  # noqa: ANN401 # whatever the server has there
        """Name → value of what a row has as its `attribute_groups`; what has no value is left out."""
        if not isinstance(groups, dict):
            return {}
        found: dict[str, AttributeValue] = {}
        for number, raw in groups.items():
            name, options = self._groups.get(str(number), (f"attribute {number}", {}))
            if (value := attribute_value(raw, options)) is not None:
                ours = name in self._fields and isinstance(value, str)
                found[self._fields.get(name, name)] = TRUTH.get(str(value), value) if ours else value
        return found
