"""In what two label names differ, where they may stand for the same thing; pure."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

Nearness = Literal["case", "spaces", "plural", "spelling"]
ORDER = get_args(Nearness)
#: letters that two names of at least so many letters may differ in
FEW_LETTERS = ((7, 2), (5, 1))


def nearness(one: str, other: str) -> Nearness | None:
    """In what two names differ: case, blanks and dashes, singular and plural, or a few letters; None where in more.

    Equal names are not near. Of short names every letter counts: 'cat' and 'car' are two things.
    """
    if one == other:
        return None
    if _folded(one) == _folded(other):
        return "case"
    a, b = _bare(one), _bare(other)
    if a == b:
        return "spaces"
    if _singulars(a) & _singulars(b):
        return "plural"
    shorter = min(len(a), len(b))
    most = next((letters for length, letters in FEW_LETTERS if shorter >= length), 0)
    return "spelling" if most and _distance(a, b, most) <= most else None


def near(name: str, others: Iterable[str]) -> dict[str, Nearness]:
    """The names among others that are near one, with what they differ in; the most alike first."""
    found: dict[str, Nearness] = {other: how for other in others if (how := nearness(name, other))}
    return dict(sorted(found.items(), key=lambda item: (ORDER.index(item[1]), item[0])))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _bare(name: str) -> str:
    return "".join(letter for letter in _folded(name) if letter not in "_-." and not letter.isspace())


def _singulars(name: str) -> set[str]:
    """What a name may be the plural of, and itself."""
    found = {name}
    for ending, instead in (("ies", "y"), ("es", ""), ("s", ""), ("men", "man")):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            found.add(name[: -len(ending)] + instead)
    return found


def _distance(one: str, other: str, most: int) -> int:
    """Letters that are to be changed, left out, put in, or exchanged with the next; `most` + 1 for any more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
