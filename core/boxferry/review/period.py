"""A report over a time: what was predicted and what people decided, by run, model, label, day and reviewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.review.decisions import decisions, reviewed_at
from boxferry.review.period_facts import Line, PeriodFacts
from boxferry.review.period_page import period_html
from boxferry.review.side_by_side import side_by_side
from boxferry.review.since import day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from boxferry.review.decisions import Decision
    from boxferry.review.pictures import Picture

UNKNOWN = "unknown"  #: a reviewer of whom the server tells nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodReport(PeriodFacts):
    """What happened in directories since a moment, as `Diffgram.report` gives it."""

    def _repr_html_(self) -> str:
        """Its sentence and its tables, for a notebook."""
        return period_html(self)


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
