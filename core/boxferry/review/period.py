"""A report over a time: what was predicted and what people decided, by run, model, label, day and reviewer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boxferry.review.decisions import decisions, reviewed_at
from boxferry.review.judged import PEOPLES
from boxferry.review.side_by_side import side_by_side
from boxferry.review.since import day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from boxferry.review.decisions import Decision
    from boxferry.review.pictures import Picture
    from boxferry.review.side_by_side import Compared

UNKNOWN = "unknown"  #: a reviewer of whom the server tells nothing


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
class PeriodReport:
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

    def _repr_html_(self) -> str:
        """Its sentence and its tables, for a notebook."""
        from boxferry.review.notebook import period_html

        return period_html(self)

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


@dataclass(frozen=True, slots=True)
class _Sent:
    """A box that was predicted in the time."""

    run: str
    model: str
    label: str
    at: float


def period_report(
    pictures: Sequence[Picture], directories: list[str], members: Mapping[int, str], *, since: float, until: float
) -> PeriodReport:
    """Count.

    Args:
        pictures: those of the directories.
        directories: their names.
        members: member number → name, of those whose name is known.
        since: the beginning, seconds since the epoch by the server's clock.
        until: now, likewise; the server tells it in whole seconds, so that what was done just now may seem later.
    """
    sent = [
        _Sent(str(each.name), each.name.model or "annotations", box.label, each.at)
        for picture in pictures
        for each in picture.sent
        if since <= each.at
        for box in each.predicted
    ]
    decided = [each for each in decisions(pictures) if since <= each.at]
    once = _added_once(decided)

    def named(decision: Decision) -> str:
        number = decision.reviewer
        return UNKNOWN if number is None else members.get(number) or f"member {number}"

    lines = _lines(sent, lambda each: each.run, decided, lambda each: str(each.run))
    return PeriodReport(
        since=since,
        until=until,
        directories=directories,
        whole=(_lines(sent, lambda _: "", once, lambda _: "") or [Line(name="")])[0],
        reviewed=sum(picture.settled and since <= reviewed_at(picture) for picture in pictures),
        runs=lines,
        models=_lines(sent, lambda each: each.model, decided, lambda each: each.run.model or "annotations"),
        labels=_lines(sent, lambda each: each.label, once, lambda each: each.label),
        days=_lines(sent, lambda each: day_of(each.at), once, lambda each: day_of(each.at)),
        reviewers=_lines((), lambda each: each.run, once, named),
        compared=side_by_side(pictures),
    )


def _added_once(decided: Iterable[Decision]) -> list[Decision]:
    """The decisions, a box that people added only once, though each run that lacks it has one."""
    seen: set[int | None] = set()
    found = []
    for each in decided:
        if each.fate != "added" or each.row_id not in seen:
            found.append(each)
        if each.fate == "added":
            seen.add(each.row_id)
    return found


def _lines(
    sent: Iterable[_Sent],
    sent_by: Callable[[_Sent], str],
    decided: Iterable[Decision],
    decided_by: Callable[[Decision], str],
) -> list[Line]:
    """The boxes counted by a name, in the order of the names."""
    found: dict[str, Line] = {}
    pictures: dict[str, set[int]] = {}
    for box in sent:
        name = sent_by(box)
        found.setdefault(name, Line(name=name)).predicted += 1
    for each in decided:
        name = decided_by(each)
        found.setdefault(name, Line(name=name)).fates[each.fate] += 1
        pictures.setdefault(name, set()).add(each.file_id)
    for name, files in pictures.items():
        found[name].pictures = len(files)
    return [found[name] for name in sorted(found)]
