"""What the boxes are called: by their class, or all alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import Vocabulary
from boxferry.boxes.tally import Place
from boxferry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.formats import Context

LABELS = "labels.txt"  #: what CVAT and Datumaro call the list of names beside gt.txt


@dataclass(slots=True)
class Labels:
    """Gives rows the codes of their labels: a class's, where classes have names, else that of `--mot-label`."""

    context: Context
    shift: int = 0  #: what is taken from a class to give its id among the names
    vocabulary: Vocabulary = field(init=False)
    _seen_class: bool = False
    _seen_class_0: bool = False

    def __post_init__(self) -> None:
        self.vocabulary = Vocabulary(self.context.names)

    def classed(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """(N,) the rows whose class tells their label: they have one, and classes have names."""
        return np.asarray((rows["class_id"] != -1) & bool(self.context.names))

    def codes(self, rows: NDArray[np.void], shown: str) -> NDArray[np.int32]:
        """(N,) int32: the code of each row's label; -1 where a class has no name, which is remembered.

        Raises:
            InputError: the class of a box is unknown.
        """
        codes, classed = np.empty(len(rows), np.int32), self.classed(rows)
        lines, classes = rows["line"][classed].tolist(), rows["class_id"][classed].astype(np.int64) - self.shift
        codes[classed] = self.vocabulary.codes(classes, lambda row: Place(shown, line=int(lines[row])))
        if not classed.all():
            codes[~classed] = self._constant(rows[~classed][0], shown)
        self._seen_class |= bool(classed.any())
        self._seen_class_0 |= bool((classes == 0).any())
        return codes

    def _constant(self, first: np.void, shown: str) -> int:
        """The code of the one label; `first` is the first row that needs it."""
        if label := self.context.options["mot-label"]:
            return self.vocabulary.add(label)
        place, given = Place(shown, line=int(first["line"])), "--mot-label NAME gives all boxes without one a label"
        if first["class_id"] == -1 and self.context.names:
            raise InputError(f"{place}: no class in column 8, so that --names does not tell its label; {given}")
        beside = Path(shown).with_name(LABELS)
        there = f" ({beside} is there)" if first["class_id"] != -1 and beside.is_file() else ""
        raise InputError(
            f"{place}: boxes need labels: --names FILE or LIST names the classes of column 8{there}; {given}"
        )

    def finish(self) -> None:
        """Report the classes without a name, and names that seem to be off by one."""
        tally, names = self.context.tally, self.context.names
        self.vocabulary.report(tally)
        listed = self.context.names_counted or self.context.options["mot-first-class"]
        if self._seen_class and not self._seen_class_0 and 0 in names and 1 in names and not listed:
            tally.note(
                Code.NAMES_FROM_0,
                f"the names count from 0, and no box has class 0: class 1 is taken to be '{names[1]}', but MOT's own "
                "classes count from 1: --mot-first-class 1 if these do",
            )


def shift_of(classes: set[float], context: Context, shown: str) -> int:
    """What is taken from a class to give its id among the names; what is not sure is noted.

    Args:
        classes: all that occur in the run.
        context: its names, and what the option says.
        shown: the source, for messages.

    Raises:
        InputError: classes count from 0 and from 1, by a list of names that says neither.
    """
    ids = [class_id for class_id in context.names if isinstance(class_id, int)]
    said = context.options["mot-first-class"]
    if not ids or not (said or context.names_counted):
        return 0
    if said:
        return int(said) - min(ids)
    first, last = context.names[0], context.names[len(ids) - 1]
    if 0 in classes and len(ids) in classes:
        found = f"classes 0 and {len(ids)} occur, and there are {len(ids)} names"
        raise InputError(f"{shown}: {found}: --mot-first-class 0 or --mot-first-class 1 says what '{first}' is")
    if 0 in classes:
        return 0
    if classes and len(ids) not in classes:
        message = f"classes are taken to count from 1, so that 1 is '{first}' and {len(ids)} is '{last}'"
        context.tally.note(Code.CLASSES_FROM_1, f"{message}; --mot-first-class 0 if they count from 0")
    return 1
