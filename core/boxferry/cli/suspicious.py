"""Boxes to look at again, as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.boxes.counted import counted
from boxferry.cli.output import say, table, tell

if TYPE_CHECKING:
    from boxferry.review.suspicious import Suspicions

MOST = 20  #: rows; --json and --html have more


def print_suspicious(run: str, found: Suspicions) -> None:
    """Write the most suspicious boxes on standard output, and how they are ranked on standard error."""
    from boxferry.review.suspicious import RANKED
    from boxferry.review.suspicious_page import HEADS, columns

    if not found.boxes:
        say(f"run {run}: no model contradicts what people left on the reviewed files")
        return
    tell("")
    tell(table(HEADS, [columns(each) for each in found.boxes[:MOST]]))
    more = f"; the first {MOST} are shown, --json has all" if len(found.boxes) > MOST else ""
    say(f"run {run}: {counted(len(found.boxes), 'box')} to look at again, {RANKED[found.by]}{more}")
