"""A number with its noun, '1 box', '2 boxes'; and the first of some names with the number of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PLURALS: Final = {"box": "boxes", "class": "classes", "directory": "directories", "match": "matches"}


def counted(number: int, noun: str) -> str:
    """The number and the noun, in the singular for 1."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural; of a noun of several words the last one's."""
    *before, last = noun.split(" ")
    return " ".join([*before, PLURALS.get(last, f"{last}s")])


def some_of(names: Iterable[str], most: int, noun: str = "") -> str:
    """'a, b and 3 more': no more names than `most`; 'none' for none. The noun is what the others are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return (", ".join(listed[:most]) or "none") + more + (f" {noun}" if more and noun else "")
