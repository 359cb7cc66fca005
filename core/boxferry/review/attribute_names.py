"""The attributes of stored boxes by their names, where the server has them by the ids of groups and options."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from boxferry.destination import AttributeGroup

LARGEST = 2**63 - 1  #: of whole numbers that every format can hold
TRUTH: dict[str, bool] = {"true": True, "false": False}  #: as a push writes them
Value = str | float | bool | list[str]


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

    def of(self, groups: Any) -> dict[str, Value]:  # noqa: ANN401 # whatever the server has there
        """Name → value of what a row has as its `attribute_groups`; what has no value is left out."""
        if not isinstance(groups, dict):
            return {}
        found: dict[str, Value] = {}
        for number, raw in groups.items():
            name, options = self._groups.get(str(number), (f"attribute {number}", {}))
            if (value := _value(raw, options)) is not None:
                ours = name in self._fields and isinstance(value, str)
                found[self._fields.get(name, name)] = TRUTH.get(str(value), value) if ours else value
        return found


def _value(raw: Any, options: Mapping[int, str]) -> Value | None:  # noqa: ANN401 # likewise
    """A value as formats write it: text, number, truth value, or the names of several options."""
    if raw is None or raw in ("", {}, []):
        return None
    if isinstance(raw, bool | str):
        return raw
    if isinstance(raw, int | float):
        return options.get(int(raw), raw) if abs(raw) <= LARGEST else str(raw)
    if isinstance(raw, dict) and _is_option(raw):
        return _option(raw, options)
    several = list(raw.values()) if isinstance(raw, dict) else raw
    if not isinstance(several, list):
        return str(raw)
    values = [_value(each, options) for each in several]
    return [str(value) for value in values if value is not None] or None


def _option(raw: Mapping[str, Any], options: Mapping[int, str]) -> str | None:
    """The name of a chosen option: the one that it has now, else the one that the box says."""
    if raw.get("selected") is False:
        return None
    number = raw.get("id")
    if isinstance(number, int) and number in options:
        return options[number]
    named = next((raw[key] for key in ("name", "display_name") if isinstance(raw.get(key), str)), None)
    return named or (None if number is None else str(number))


def _is_option(raw: Mapping[str, Any]) -> bool:
    return any(key in raw for key in ("name", "display_name", "selected")) or (
        "id" in raw and not isinstance(raw["id"], dict)
    )
