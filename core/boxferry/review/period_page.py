"""The report over a time as one self-contained HTML page, and its tables as rows of text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from boxferry.review.drawing import bars, colour_key, html_table, whole_page
from boxferry.review.fates import PEOPLES
from boxferry.review.page import COLOURS
from boxferry.review.since import day_of
from boxferry.review.summary import percent

if TYPE_CHECKING:
    from boxferry.review.period import Line, PeriodReport
    from boxferry.review.side_by_side import Compared

HEAD = ("predicted", "pictures", "looked at", *PEOPLES, "corrected")
COMPARED_HEAD = ("label", "there", "older: precision", "recall", "F1", "newer: precision", "recall", "F1")
TABLES = {
    "runs": "By run",
    "models": "By model",
    "labels": "By label",
    "days": "By day",
    "reviewers": "By reviewer",
}  #: of a report → what its table is called


def columns(line: Line) -> tuple[object, ...]:
    """A line of a table, under its name and HEAD."""
    fates = (line.fates[fate] for fate in PEOPLES)
    return (line.name, line.predicted, line.pictures, line.looked_at, *fates, percent(line.corrected_share))


def compared_rows(compared: Compared) -> list[tuple[object, ...]]:
    """The labels of two models, and all of them, under COMPARED_HEAD."""
    listed = [*compared.labels.items(), ("all", (compared.before, compared.now))]
    return [
        (name, before.there, *(percent(share) for q in (before, now) for share in (q.precision, q.recall, q.f1)))
        for name, (before, now) in listed
    ]


def told(report: PeriodReport) -> str:
    """The whole in one sentence."""
    whole, share = report.whole, percent(report.whole.corrected_share)
    corrected = (
        f"; {share} of the {whole.looked_at} predictions that people looked at had to be corrected" if share else ""
    )
    span = f"{day_of(report.since)} to {day_of(report.until)}"
    return f"{span}: {whole.predicted} boxes predicted, {report.reviewed} pictures reviewed{corrected}"


def compared_title(compared: Compared) -> str:
    """Which two models, and on how many pictures."""
    what = f"{compared.pictures} picture{'' if compared.pictures == 1 else 's'}"
    return f"{compared.older} and {compared.newer} on the {what} that people looked at with the boxes of both"


def period_page(report: PeriodReport) -> str:
    """The page."""
    title = f"{', '.join(report.directories)}: {day_of(report.since)} to {day_of(report.until)}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(told(report))}.</p>",
        colour_key({f: COLOURS[f] for f in PEOPLES}),
    ]
    days = [(line.name[5:], line.fates) for line in report.days if line.fates]
    parts += (
        [bars("Decisions by day", days, COLOURS)] if days else ["<p>Nobody has reviewed anything in this time.</p>"]
    )
    for name, heading in TABLES.items():
        if lines := getattr(report, name):
            parts += [f"<h2>{heading}</h2>", html_table(["", *HEAD], [columns(line) for line in lines])]
    for each in report.compared:
        parts += [f"<h2>{escape(compared_title(each))}</h2>", html_table(COMPARED_HEAD, compared_rows(each))]
    return whole_page(title, parts)
