"""The values of attributes as a server has them with a box: texts, numbers, choices, and several choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 2**63 - 1  #: of whole numbers that every format can hold
AttributeValue = str | float | bool | list[str]


def attribute_value(raw: Any, options: Mapping[int, str]) -> AttributeValue | None:  # noqa: ANN401 # JSON
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
    values = [attribute_value(each, options) for each in several]
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
