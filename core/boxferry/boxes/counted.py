"""A number with its noun: '1 box', '2 boxes'."""

from __future__ import annotations

from typing import Final

PLURALS: Final = {"box": "boxes", "class": "classes", "directory": "directories", "match": "matches"}


def counted(number: int, noun: str) -> str:
    """The number and the noun, in the singular for 1."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural; of a noun of several words the last one's."""
    *before, last = noun.split(" ")
    return " ".join([*before, PLURALS.get(last, f"{last}s")])
