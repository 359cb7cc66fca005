"""`boxferry demo`: see it work, with a server of its own."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boxferry.boxes.counted import counted
from boxferry.cli.command import Command
from boxferry.cli.output import table, tell, warn_of, write_text
from boxferry.cli.sandbox import sandbox_class
from boxferry.demo import corrections_of, run_demo
from boxferry.outbox.outcome import State
from boxferry.review.judged import FATES
from boxferry.review.page import report_page

if TYPE_CHECKING:
    from boxferry.cli.session import Session
    from boxferry.deliver.report import PushResult
    from boxferry.demo import Round
    from boxferry.review.review import Review

HEADER = ("format", "route", "images", "boxes read", "sent", "dropped", "applied", "refused")


@click.command("demo", cls=Command)
@click.option("--fixtures", type=click.Path(path_type=Path), default="fixtures", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The sandbox's port. [default: a free one]")
@click.option("--html", type=click.Path(path_type=Path), default="demo-report.html", show_default=True)
@click.option("--stay", is_flag=True, help="Keep the sandbox and its page up until Ctrl-C.")
@click.pass_obj
def demo_command(session: Session, /, fixtures: Path, port: int, html: Path, stay: bool) -> int:
    """Start a sandbox, push the fixtures in all three formats over HTTP, and show what arrived.

    Then a scripted reviewer corrects some of the boxes through the route of Diffgram's interface, and the corrections
    are brought home and told.
    """
    with tempfile.TemporaryDirectory(prefix="boxferry-demo-") as temporary:
        folder = Path(temporary)
        with sandbox_class()(folder / "sandbox", port=port) as sandbox:
            rounds = list(run_demo(sandbox, fixtures, folder / "outbox.sqlite", session.plugins))
            tell(table(HEADER, [_row(each, report) for each, report in rounds]))
            for _, report in rounds:
                for entry in report.failed:
                    warn_of(entry)
            _show_corrections(corrections_of(sandbox, rounds[0][1], folder / "outbox.sqlite"), html)
            tell(f"the page: {sandbox.host}/" + ("   (Ctrl-C ends it)" if stay else "   (--stay keeps it up)"))
            if stay:
                threading.Event().wait()
    return max(report.exit_code for _, report in rounds)


def _show_corrections(review: Review, html: Path) -> None:
    summary = review.summary()
    tell(f"\na reviewer corrected the first round; {summary.reviewed} of {counted(summary.files, 'file')} are back:")
    rows = [(label, *(fates[fate] for fate in FATES)) for label, fates in sorted(summary.labels.items())]
    tell(table(("label", *FATES), [*rows, ("all", *(summary.fates[fate] for fate in FATES))]))
    write_text(str(html), report_page([(review, summary)]))
    tell(f"the report: {html}")


def _row(each: Round, report: PushResult) -> tuple[object, ...]:
    dropped = ", ".join(f"{n} {code}" for code, n in sorted(report.tally.dropped.items())) or "none"
    applied, refused = (report.states.get(state, (0, 0))[1] for state in (State.APPLIED, State.REFUSED))
    route = "by URL" if each.by_url else "upload"
    return (each.format, route, report.tally.images, report.tally.read, report.tally.kept, dropped, applied, refused)
