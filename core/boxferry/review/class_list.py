"""The class list of a dataset: fixed, so that a number means the same label every week; new labels come after. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from boxferry.formats import Id


@dataclass(frozen=True, slots=True)
class ClassList:
    """The classes.

    Attributes:
        names: class id → label.
        added: the labels among them that were not there before, with their ids.
        moved: labels that had another id in the earlier dataset: label → (before, now).
    """

    names: dict[Id, str]
    added: dict[Id, str] = field(default_factory=dict)
    moved: dict[str, tuple[Id, Id]] = field(default_factory=dict)


def class_list(
    given: Mapping[Id, str], earlier: Mapping[Id, str], known: Iterable[str], used: Collection[str], *, first: int
) -> ClassList:
    """The classes of a dataset.

    Args:
        given: the table that the user names; empty where none is named.
        earlier: the table of the dataset that is written anew; its labels keep their ids where `given` leaves them.
        known: the labels of the project in their order, which number the classes where there is no table.
        used: the labels that boxes have.
        first: the number of the first class where there is no table.
    """
    names = dict(given)
    for class_id, name in earlier.items():
        if class_id not in names and name not in names.values():
            names[class_id] = name
    listed = list(dict.fromkeys(known))
    begun = bool(names)
    new = [name for name in listed if name not in names.values() and (name in used or not begun)]
    new += sorted(set(used) - set(listed) - set(names.values()))
    free = max((i + 1 for i in names if isinstance(i, int)), default=first)
    added: dict[Id, str] = dict(enumerate(new, start=free))
    names |= added
    ids = {name: class_id for class_id, name in reversed(names.items())}
    moved = {n: (i, ids[n]) for i, n in earlier.items() if n in ids and names.get(i) != n}
    return ClassList(names, added if begun else {}, moved)


def check_counted(names: Mapping[Id, str]) -> None:
    """See that classes count 0, 1, 2, …, as YOLO's own tools take them.

    Raises:
        InputError: they do not.
    """
    missing = next((number for number in range(len(names)) if number not in names), None)
    if missing is not None:
        raise InputError(f"class {missing} has no name, and YOLO's classes count 0, 1, 2, …: name it in --names")
