"""Push options as plain values, so that what waits on disk is pushed later as it was meant."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.errors import InputError
from boxferry.plan.push_options import PushOptions

if TYPE_CHECKING:
    from collections.abc import Mapping


def plain(options: PushOptions) -> dict[str, Any]:
    """The options that are not the defaults, as values that JSON has."""
    default = PushOptions()
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    changed = {name: value for name, value in given.items() if value != getattr(default, name)}
    found: dict[str, Any] = msgspec.to_builtins(changed, enc_hook=str, str_keys=True)
    return found


def read_options(values: Mapping[str, Any], place: str) -> PushOptions:
    """The options out of plain values.

    Raises:
        InputError: they are not such values; the message begins with `place`.
    """
    default = PushOptions()
    try:
        return PushOptions(**{name: _typed(getattr(default, name), value) for name, value in values.items()})
    except (AttributeError, TypeError) as error:
        raise InputError(f"{place}: not push options of this version: {error}") from error


def _typed(default: object, value: Any) -> Any:  # noqa: ANN401 # one option's value
    """A value as the option's default is: of a group of options, the group."""
    if not (dataclasses.is_dataclass(default) and isinstance(value, dict)):
        return value
    group: Any = type(default)
    return group(**value)
