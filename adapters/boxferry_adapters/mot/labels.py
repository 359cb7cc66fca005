"""What the boxes are called: by their class, or all alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.labels import Vocabulary
from boxferry.boxes.tally import Place
from boxferry.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.formats import Context


@dataclass(slots=True)
class Labels:
    """Gives rows the codes of their labels: a class's, where classes have names, else that of `--mot-label`."""

    context: Context
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
            InputError: nobody says what a box is.
        """
        codes, classed = np.empty(len(rows), np.int32), self.classed(rows)
        lines, classes = rows["line"][classed].tolist(), rows["class_id"][classed].astype(np.int64)
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
        raise InputError(f"{place}: boxes need labels: --names FILE or LIST names the classes of column 8; {given}")

    def finish(self) -> None:
        """Report the classes without a name, and names that seem to be off by one."""
        tally, names = self.context.tally, self.context.names
        self.vocabulary.report(tally)
        if self._seen_class and not self._seen_class_0 and 0 in names and 1 in names:
            tally.note(
                "names-from-0",
                f"the names count from 0, and no box has class 0: class 1 is taken to be '{names[1]}', but MOT's own "
                "classes count from 1; where these do, number the names in a YAML file, names: {1: …, 2: …}",
            )
