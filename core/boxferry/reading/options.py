"""The options of formats: those given, held against those that a format declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.errors import UsageError
from boxferry.option_checks import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.formats import Format


def option_values(fmt: Format, given: Mapping[str, str]) -> dict[str, str]:
    """The values of all options of a format: those given, and the defaults of the others.

    Raises:
        UsageError: an option that the format does not have, or a value that it does not allow.
    """
    declared = {option.name: option for option in fmt.options}
    for name, value in given.items():
        if name not in declared:
            raise UsageError(
                f"--{name}: not an option of format '{fmt.name}'{_listed(declared)}{did_you_mean(name, declared)}"
            )
        if declared[name].choices and value not in declared[name].choices:
            raise UsageError(f"--{name}: '{value}', expected one of {', '.join(declared[name].choices)}")
    return {name: given.get(name, option.default) for name, option in declared.items()}


def _listed(declared: Mapping[str, object]) -> str:
    return f", which has {', '.join(declared)}" if declared else ", which has none"
