"""The report over a time as one self-contained HTML page, and its tables as rows of text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from boxferry.boxes.notebook import plain_table
from boxferry.pages.colours import FATES, look_of
from boxferry.pages.elements import bars, cards, colour_key, heading, html_table, section, whole_page
from boxferry.review.judged import PEOPLES
from boxferry.review.since import day_of
from boxferry.review.summary import percent

if TYPE_CHECKING:
    from boxferry.pages.colours import Look
    from boxferry.review.period_facts import Line, PeriodFacts
    from boxferry.review.side_by_side import Compared

HEAD = ("predicted", "pictures", "looked at", *PEOPLES, "corrected")
COMPARED_HEAD = ("label", "there", "older: precision", "recall", "F1", "newer: precision", "recall", "F1")
NOTHING = "Nothing was reviewed in this time."
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


def told(report: PeriodFacts) -> str:
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


def period_page(report: PeriodFacts) -> str:
    """The page."""
    title = f"{', '.join(report.directories)}: {day_of(report.since)} to {day_of(report.until)}"
    looks: dict[str, Look] = {fate: FATES[fate] for fate in PEOPLES}
    whole, lead = report.whole, f"{told(report)}."
    counts = {"boxes predicted": whole.predicted, "pictures reviewed": report.reviewed}
    counts |= {fate: whole.fates[fate] for fate in PEOPLES}
    days = [(line.name[5:], line.fates) for line in report.days if line.fates]
    plot = [colour_key(looks), bars("Decisions by day", days, looks)] if days else [f"<p>{NOTHING}</p>"]
    parts = [section("days-plot", "Decisions by day", plot, wide=True)]
    tables = {name: text for name, text in TABLES.items() if getattr(report, name)}
    parts += [section(name, text, [_table(report, name)], wide=True) for name, text in tables.items()]
    for number, each in enumerate(report.compared):
        rows = compared_rows(each)
        table = html_table(COMPARED_HEAD, rows, {name: look_of(str(name)) for name in each.labels})
        parts.append(section(f"compared-{number}", compared_title(each), [table], wide=True))
    head = heading(title, [lead], tables)
    return whole_page(title, [head, "<main>", cards(counts, looks), '<div class="panels">', *parts, "</div></main>"])


def _table(report: PeriodFacts, name: str) -> str:
    lines = getattr(report, name)
    looks = {line.name: look_of(line.name) for line in lines} if name == "labels" else {}
    return html_table(["", *HEAD], [columns(line) for line in lines], looks)


def period_html(report: PeriodFacts) -> str:
    """A time: the whole in one sentence, and a table for each of its views."""
    tables = "".join(
        f"<h4>{escape(text)}</h4>{plain_table(('', *HEAD), [columns(line) for line in getattr(report, name)])}"
        for name, text in TABLES.items()
        if getattr(report, name)
    )
    return f"<p>{escape(told(report))}.</p>{tables}"
