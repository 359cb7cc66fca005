"""`boxferry report --since`: what happened in directories, over runs, models, labels, days and reviewers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import options
from boxferry.cli.output import say, table, tell, write_json, write_text
from boxferry.cli.server import diffgram_of, directories_option
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.review.period import PeriodReport

period_options = options(
    click.option("--since", metavar="TIME", help="Report on all runs since 36h, 7d, 2w, or a day such as 2026-11-20."),
    directories_option("With --since: only this directory; repeatable."),
)
MOST = 30  #: lines of a table; --json and --html have all


def check_period(runs: Sequence[str], given: dict[str, Any]) -> bool:
    """Whether a report over a time is meant, rather than one of runs.

    Raises:
        UsageError: options of both, or neither runs nor a time are given.
    """
    if given["since"] is None:
        if not runs:
            raise UsageError("name a RUN, or a time with --since, such as --since 7d")
        if given["directories"]:
            raise UsageError("--directory needs --since: a RUN has its own directory")
        return False
    if runs:
        raise UsageError("--since cannot be combined with a RUN: it reports on all runs")
    if name := next((name for name in ("order", "suspicious", "log", "serve") if given.get(name)), None):
        raise UsageError(f"--{name} needs a RUN, and cannot be combined with --since")
    return True


def report_period(given: dict[str, Any]) -> None:
    """Print the report, and write its page."""
    from boxferry.cli.progress import counting
    from boxferry.review.period_page import period_page

    with diffgram_of(given) as diffgram, counting("report", "files") as on_file:
        report = diffgram.report(*given["directories"], since=given["since"], on_file=on_file)
    if given["html"]:
        write_text(given["html"], period_page(report))
        say(f"written: {given['html']}")
    if given["as_json"]:
        write_json(report.as_dict())
    else:
        _print(report)


def _print(report: PeriodReport) -> None:
    from boxferry.review.period_page import (
        COMPARED_HEAD,
        HEAD,
        TABLES,
        columns,
        compared_rows,
        compared_title,
        told,
    )

    say(told(report))
    for name in TABLES:
        lines = getattr(report, name)
        if lines:
            tell(table((name[:-1], *HEAD), [columns(line) for line in lines[-MOST:]]))
            tell("")
        if len(lines) > MOST:
            say(f"{name}: the last {MOST} of {len(lines)} are shown; --json has all")
    for each in report.compared:
        tell(compared_title(each))
        tell(table(COMPARED_HEAD, compared_rows(each)))
        tell("")
