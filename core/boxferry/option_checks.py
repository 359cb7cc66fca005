"""Checks options when they are made: words against their list, and every value against its type."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import fields
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = (bool, int, float, str, NoneType)


def check_words(options: Any, **words: Any) -> None:  # noqa: ANN401 # a dataclass; Literal types
    """See that an options object has values of its fields' types, and words that their Literal types list.

    Args:
        options: a dataclass.
        words: field → the Literal type of its words.

    Raises:
        UsageError: a value is of another type, or a word is none of the list, which the message gives.
    """
    for name, kind in words.items():
        check_word(name, getattr(options, name), get_args(kind))
    for field in fields(options):
        if field.name not in words and isinstance(field.type, str) and (wanted := _plain(field.type)):
            check_type(field.name, getattr(options, field.name), *wanted)


def check_word(name: str, value: object, known: tuple[str, ...]) -> None:
    """See that an option's word is one of a list.

    Raises:
        UsageError: it is not; the message has the list, and the nearest word.
    """
    if value not in known:
        raise UsageError(f"{name}: {value!r} is not one of {', '.join(known)}{did_you_mean(value, known)}")


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """The nearest of some words, as the end of a message; empty where none is near."""
    near = difflib.get_close_matches(str(value), list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _plain(annotation: str) -> tuple[type, ...]:
    """The types of an annotation that has plain ones only, 'int | None'; empty for any other."""
    known: Mapping[str, type] = {kind.__name__: kind for kind in PLAIN} | {"None": NoneType}
    parts = [part.strip() for part in annotation.split("|")]
    return tuple(known[part] for part in parts) if all(part in known for part in parts) else ()


def check_type(name: str, value: object, *wanted: type) -> None:
    """See that an option's value is of one of these types; a whole number may stand for a float, a bool for no number.

    Raises:
        UsageError: it is not.
    """
    fits = isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))
    if not fits and not (float in wanted and type(value) is int):
        listed = " or ".join("None" if kind is NoneType else kind.__name__ for kind in wanted)
        raise UsageError(f"{name}: {value!r} is {type(value).__name__}, expected {listed}")


def check_range(name: str, value: object, low: float, high: float = math.inf) -> None:
    """See that an option's value is a number within a range, its ends included.

    Raises:
        UsageError: it is not.
    """
    check_type(name, value, float)
    if not low <= float(value) <= high:  # type: ignore[arg-type] # as was seen
        raise UsageError(
            f"{name}: {value}, expected {f'{low:g} to {high:g}' if high < math.inf else f'{low:g} or more'}"
        )


def check_count(name: str, value: object) -> None:
    """See that an option's value is a whole number of 1 or more.

    Raises:
        UsageError: it is not.
    """
    check_type(name, value, int)
    if value < 1:  # type: ignore[operator] # as was seen
        raise UsageError(f"{name}: {value}, expected 1 or more")


def words(name: str, value: object) -> tuple[str, ...]:
    """One text or several as a tuple.

    Raises:
        UsageError: something else is among them.
    """
    found: tuple[Any, ...] = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    for each in found:
        check_type(name, each, str)
    return found
