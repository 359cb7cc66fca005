"""What the options of the library are called on the command line."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from boxferry.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHERS = {
    "annotations": "--as annotations",
    "attribute_policy": "--attributes",
    "max_boxes": "--max-boxes",
    "video_split_s": "--video-split",
    "wait_s": "--timeout",
}  #: those that are not called the same
KEYWORD: Final = re.compile(r"(?<![^\s(])([a-z][a-z_]*)=(True\b)?")
MESSAGES: Final = {"error", "message", "remedy", "stopped"}  #: keys of a report's JSON that hold sentences


def flag(name: str) -> str:
    """The flag of an option of the library: '--media-url' of 'media_url'."""
    return OTHERS.get(name) or f"--{name.replace('_', '-')}"


def flagged(message: str) -> str:
    """A message of the library with its keyword arguments as flags.

    'on_existing=append' becomes '--on-existing append', 'resend_missing=True' becomes '--resend-missing'. Only options
    of a push are replaced: any other word before an equals sign is left as it is.
    """
    return KEYWORD.sub(_flagged, message)


def _flagged(found: re.Match[str]) -> str:
    from boxferry.plan.push_options import PushOptions

    name, switch = found.groups()
    if name not in {field.name for field in fields(PushOptions)}:
        return found[0]
    return flag(name) if switch else f"{flag(name)} "


def told(error: Exception) -> str:
    """What an error says, with the library's options as flags."""
    return error.told(flag) if isinstance(error, OptionError) else str(error)


def flagged_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a report with options as flags in the sentences among them."""
    return {name: _with_flags(name, value) for name, value in facts.items()}


def _with_flags(name: str, value: Any) -> Any:  # plain values, as in JSON
    match value:
        case str() if name in MESSAGES:
            return flagged(value)
        case dict():
            return flagged_facts(value)
        case list():
            return [_with_flags("", each) for each in value]
    return value
