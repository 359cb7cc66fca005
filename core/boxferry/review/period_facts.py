"""What happened in directories over a time, counted: by run, model, label, day and reviewer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boxferry.review.judged import PEOPLES

if TYPE_CHECKING:
    from boxferry.review.side_by_side import Compared


@dataclass(kw_only=True, slots=True)
class Line:
    """One line of a table.

    Attributes:
        name: of a run, a model, a label, a day or a reviewer; of the whole, empty.
        predicted: boxes that were sent in the time.
        pictures: pictures on which people decided something in the time.
        fates: fate → boxes that people decided on in the time.
    """

    name: str
    predicted: int = 0
    pictures: int = 0
    fates: Counter[str] = field(default_factory=Counter)

    @property
    def looked_at(self) -> int:
        """The predictions that people decided on."""
        return self.fates.total() - self.fates["added"]

    @property
    def corrected_share(self) -> float | None:
        """The share of them that they had to correct; None where there are none."""
        return 1 - self.fates["kept"] / self.looked_at if self.looked_at else None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        fates = {fate: self.fates[fate] for fate in PEOPLES}
        counts = {"predicted": self.predicted, "pictures": self.pictures, "looked_at": self.looked_at}
        return {"name": self.name, **counts, "fates": fates, "corrected_share": self.corrected_share}


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodFacts:
    """What happened in directories since a moment.

    Attributes:
        since, until: seconds since the epoch, by the server's clock.
        directories: their names.
        whole: all of it; a box that people added counts once, whichever runs did not have it.
        reviewed: how many pictures people reviewed in the time: they have seen all that is there.
        runs, models, labels, days, reviewers: the same by these. Days are UTC; of kept and deleted boxes the reviewer
            is known only where all that people saved on the picture is of one.
        compared: models on the pictures that they have in common, of all time.
    """

    since: float
    until: float
    directories: list[str]
    whole: Line
    reviewed: int
    runs: list[Line]
    models: list[Line]
    labels: list[Line]
    days: list[Line]
    reviewers: list[Line]
    compared: list[Compared]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        tables = ("runs", "models", "labels", "days", "reviewers")
        return {
            "since": self.since,
            "until": self.until,
            "directories": self.directories,
            "reviewed": self.reviewed,
            **{name: value for name, value in self.whole.as_dict().items() if name != "name"},
            **{table: [line.as_dict() for line in getattr(self, table)] for table in tables},
            "compared": [each.as_dict() for each in self.compared],
        }
