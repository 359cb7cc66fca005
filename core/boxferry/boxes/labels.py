"""Class id or name → label: what a source's classes are called, and which of them have no name."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import counted
from boxferry.boxes.tally import NOWHERE, Place
from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from boxferry.boxes.tally import Tally

NAMED = 10  #: labels in a message
ID_DIGITS = 39  # of a 128-bit id; int() refuses texts of thousands of digits


def id_key(value: object) -> int | str:
    """An id in its comparable form: an int where it is exactly integral (7, 7.0, '7'), else the text as it is.

    A text with leading zeros ('000123') is a name, and stays one.
    """
    if type(value) is int:
        return value
    if isinstance(value, (float, np.floating)) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        number = len(value) <= ID_DIGITS and value.isascii() and value.isdigit()
        return int(value) if number and str(int(value)) == value else value
    return int(value) if isinstance(value, (int, np.integer)) else str(value)


class Vocabulary:
    """Turns the classes of one source into label codes, and remembers the classes that have no name.

    Two classes with one name share one code. A class without a name gets the code -1: its boxes are left out by the
    reader, and `report` counts them on the tally, one record for each class.
    """

    def __init__(self, names: Mapping[int | str, str], *, beside: Vocabulary | None = None) -> None:
        """Know `names`; labels have the codes of those of another vocabulary, where this stands `beside` it."""
        self._codes: dict[int | str, int] = {}
        self._index: dict[str, int] = {} if beside is None else beside._index  # noqa: SLF001 # of the same class
        self._unknown: dict[int | str, Place] = {}
        self._unknown_boxes: dict[int | str, int] = {}
        for class_id, name in names.items():
            self._codes[class_id] = self.add(name)

    @property
    def size(self) -> int:
        """The number of classes that have a name."""
        return len(self._codes)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label names, in the order of their codes; grows as names are added."""
        return tuple(self._index)

    def add(self, name: str) -> int:
        """The code of a label given by name; a new name gets the next code."""
        return self._index.setdefault(name, len(self._index))

    def define(self, class_id: int | str, name: str) -> None:
        """Give a class a name that the source itself says."""
        self._codes[class_id] = self.add(name)

    def code(self, class_id: int | str, place: Place = NOWHERE, *, boxes: int = 1) -> int:
        """The code of a class, or -1 where it has no name: then `boxes` boxes of it are remembered for `report`."""
        found = self._codes.get(class_id, -1)
        if found < 0 and boxes:
            self._unknown.setdefault(class_id, place)
            self._unknown_boxes[class_id] = self._unknown_boxes.get(class_id, 0) + boxes
        return found

    def codes(self, class_ids: NDArray[np.int64], place_of: Callable[[int], Place]) -> NDArray[np.int32]:
        """(N,) int32: the code of each of N class ids, -1 where a class has no name; `place_of` says where a row is."""
        ids, first, inverse, counts = np.unique(class_ids, return_index=True, return_inverse=True, return_counts=True)
        found = [
            self.code(class_id, place_of(row), boxes=count)
            for class_id, row, count in zip(ids.tolist(), first.tolist(), counts.tolist(), strict=True)
        ]
        return np.array(found, np.int32)[inverse.reshape(-1)]

    def report(self, tally: Tally) -> None:
        """Count the boxes of the classes without a name as read and dropped, one record a class."""
        known = ", ".join(str(i) for i in list(self._codes)[:8]) + (", …" if len(self._codes) > 8 else "")
        for class_id, boxes in self._unknown_boxes.items():
            message = (
                f"class {class_id} has no name ({counted(boxes, 'box')}); the names given are for: {known or 'none'}"
            )
            tally.skip(Code.UNKNOWN_LABEL, message, self._unknown[class_id], boxes=boxes)
        self._unknown_boxes.clear()


class ClassTable:
    """The class ids of what is read, with their names, in their order.

    Several files may tell theirs; that they contradict each other matters only to what numbers classes.

    Attributes:
        asked: whether a writer has asked for the ids: a format that has names alone does not.
    """

    def __init__(self, rename: Callable[[str], str] = str) -> None:
        """Know nothing yet; names are kept as `rename` gives them."""
        self._rename = rename
        self._names: dict[int | str, str] = {}
        self._where: dict[int | str, str] = {}
        self._clash = ""
        self.asked = False

    def learn(self, names: Mapping[int | str, str], where: str) -> None:
        """Take the classes of a file, or of what else `where` is in a message."""
        for class_id, name in names.items():
            known = self._names.setdefault(class_id, self._rename(name))
            first = self._where.setdefault(class_id, where)
            if known != self._rename(name) and not self._clash:
                self._clash = f"class {class_id} is '{known}' in {first} and '{self._rename(name)}' in {where}"

    @property
    def clash(self) -> str:
        """What two files contradict each other in; empty where they agree."""
        return self._clash

    def names(self) -> dict[int | str, str]:
        """Class id → name.

        Raises:
            InputError: two files have one id for two names.
        """
        self.asked = True
        if self._clash:
            raise InputError(f"{self._clash}: one table cannot hold both; convert these files one by one")
        return self._names


def class_text(names: Mapping[int | str, str]) -> str:
    """A table of classes as JSON, which keeps the order and whether an id is a number; empty where there is none."""
    return json.dumps(list(names.items()), ensure_ascii=False) if names else ""


def classes_in(text: str) -> dict[int | str, str]:
    """Class id → name, of what `class_text` gave; empty for an empty text."""
    return dict(json.loads(text)) if text else {}


class LabelIds:
    """Gives each label a class id: the one it was read with, or one after all of them.

    Attributes:
        names: class id → label, those that came with the names first.
        added: the labels among them that the names did not have.
    """

    def __init__(self, names: Mapping[int | str, str], *, first: int) -> None:
        """Know `names`; further labels are numbered after their ids, from `first` where there are none."""
        self.names: dict[int | str, str] = dict(names)
        self.added: dict[int | str, str] = {}
        self._ids = {name: class_id for class_id, name in reversed(self.names.items())}
        self._free = count(max((i + 1 for i in self.names if isinstance(i, int)), default=first))

    def of(self, name: str) -> int | str:
        """The id of a label."""
        if name not in self._ids:
            self._ids[name] = free = next(self._free)
            self.names[free] = self.added[free] = name
        return self._ids[name]

    def note_added(self, tally: Tally) -> None:
        """Name the labels that a table of classes did not have, with their ids; nothing where there was no table."""
        if self.added and len(self.added) < len(self.names):
            some = ", ".join(f"{class_id} {name}" for class_id, name in list(self.added.items())[:NAMED])
            more = f" and {len(self.added) - NAMED} more" if len(self.added) > NAMED else ""
            tally.note(Code.NEW_LABELS, f"labels that the table of classes does not have come after it: {some}{more}")
