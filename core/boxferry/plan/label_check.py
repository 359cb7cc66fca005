"""A model's classes beside the server's labels: what is missing, near, there twice, renamed or not used; pure."""

from __future__ import annotations

import dataclasses
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Nearness = Literal["case", "spaces", "plural", "spelling"]
ORDER = get_args(Nearness)
#: letters that two names of at least so many letters may differ in
FEW_LETTERS = ((7, 2), (5, 1))
SHOWN = 10  #: labels in a note


class Near(NamedTuple):
    """Two names that may stand for the same thing.

    Attributes:
        name: the class.
        label: a label of the server.
        by: in what they differ.
        missing: whether the server does not have the class's own name.
    """

    name: str
    label: str
    by: Nearness
    missing: bool


class Renamed(NamedTuple):
    """A label that boxes were sent with under another name.

    Attributes:
        label_file_id: the label's id.
        before: the name that it had.
        now: its name on the server now; empty where it is not there any more.
    """

    label_file_id: int
    before: str
    now: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelCheck:
    """What was found.

    Attributes:
        missing: classes whose names the server does not have.
        near: classes with labels of a near name.
        double: names that several labels have, with their ids; boxes get the smallest.
        renamed: labels that were called otherwise when boxes were sent with them.
        unused: labels of the server that are no classes.
        created: the labels that were made, or would be.
        dry_run: whether nothing was made.
    """

    missing: list[str] = field(default_factory=list)
    near: list[Near] = field(default_factory=list)
    double: dict[str, list[int]] = field(default_factory=dict)
    renamed: list[Renamed] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    dry_run: bool = True

    @property
    def exit_code(self) -> int:
        """1 where classes are missing (and were not made), labels are there twice, or were renamed; else 0."""
        made = set() if self.dry_run else set(self.created)
        return int(bool(set(self.missing) - made or self.double or self.renamed))

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        pairs = {name: [each._asdict() for each in getattr(self, name)] for name in ("near", "renamed")}
        return {**dataclasses.asdict(self), **pairs, "exit_code": self.exit_code}


def checked(names: Iterable[str], there: Mapping[int, str], sent: Mapping[int, Collection[str]]) -> LabelCheck:
    """Compare classes with labels.

    Args:
        names: the classes, in their order.
        there: label id → name, of the server.
        sent: label id → the names under which boxes were sent with it.
    """
    classes = list(dict.fromkeys(names))
    labels, wanted = set(there.values()), set(classes)
    numbers: dict[str, list[int]] = {}
    for number, name in sorted(there.items()):
        numbers.setdefault(name, []).append(number)
    return LabelCheck(
        missing=[name for name in classes if name not in labels],
        near=[
            Near(name, label, by, missing=name not in labels)
            for name in classes
            for label, by in near(name, labels - wanted).items()
        ],
        double={name: ids for name, ids in numbers.items() if len(ids) > 1},
        renamed=renamed(there, sent),
        unused=sorted(labels - wanted),
    )


def renamed(there: Mapping[int, str], sent: Mapping[int, Collection[str]]) -> list[Renamed]:
    """The labels that boxes were sent with under a name that they do not have now; see `checked`."""
    return [
        Renamed(number, before, there.get(number, ""))
        for number, names in sorted(sent.items())
        for before in sorted(names)
        if there.get(number, "") != before
    ]


def pushed_notes(
    used: Collection[str], classes: Collection[str], there: Mapping[int, str], sent: Mapping[int, Collection[str]]
) -> list[tuple[Code, str]]:
    """What is worth knowing of the labels of a push: code and message of each.

    Args:
        used: the labels of its boxes.
        classes: all classes of the source, where it has a table of them.
        there: label id → name, of the server.
        sent: label id → the names under which boxes were sent with it earlier.
    """
    own = {*used, *classes}
    others = set(there.values()) - own
    notes: list[tuple[Code, str]] = [
        (Code.NEAR_LABEL, f"label '{name}': the server has '{label}' too, which differs in {by}")
        for name in used
        for label, by in near(name, others).items()
    ]
    notes += [
        (
            Code.LABEL_RENAMED,
            f"label '{each.before}' was renamed to '{each.now}' on the server (id {each.label_file_id})",
        )
        for each in renamed(there, sent)
        if each.now and each.before in used
    ]
    if classes and others:
        some = ", ".join(sorted(others)[:SHOWN]) + (", …" if len(others) > SHOWN else "")
        notes.append(
            (Code.UNUSED_LABELS, f"{counted(len(others), 'label')} of the server without a class of the source: {some}")
        )
    return notes


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
