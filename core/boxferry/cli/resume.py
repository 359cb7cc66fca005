"""`boxferry resume`: resume a run of the outbox, or all unfinished ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import Command
from boxferry.cli.metrics import metrics_option
from boxferry.cli.output import say, write_json
from boxferry.cli.progress import progress
from boxferry.cli.push import print_report
from boxferry.cli.push_options import asking_options, patience_of, sending_options
from boxferry.cli.server import diffgram_of, server_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.cli.session import Session
    from boxferry.deliver.report import PushResult
    from boxferry.project import Diffgram


@click.command("resume", cls=Command)
@click.argument("run", required=False)
@server_options
@sending_options
@click.option("--resend-stuck", is_flag=True, help="Resend packets that the server will never apply.")
@click.option(
    "--resend-missing",
    is_flag=True,
    help="Resend applied boxes that are missing on the server, unless a person removed them.",
)
@asking_options
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.option("--ndjson", is_flag=True, help="Write a JSON line for each failed file, and a last one with the counts.")
@metrics_option
@click.pass_obj
def resume_command(session: Session, /, run: str | None, **given: Any) -> int:
    """Continue RUN, a number or name as `boxferry status` lists it; without RUN, all unfinished runs.

    Results that collectors left on disk are sent too, and those that were set aside are tried again. Packets whose
    outcome is unknown are looked up on the server before anything is sent again.
    """
    with diffgram_of(given) as diffgram:
        runs = diffgram.unfinished(missing=given["resend_missing"]) if run is None else [run]
        reports = [_resumed(diffgram, each, given, session) for each in runs]
    if run is None and given["as_json"]:
        write_json({"runs": [report.as_dict() for report in reports]})
        return max((report.exit_code for report in reports), default=0)
    for name, report in zip(runs, reports, strict=True):
        if run is None:
            say(f"run {name}")
        print_report(report, given)
    if not reports:
        say("nothing to do: all runs are finished")
    return max((report.exit_code for report in reports), default=0)


def _resumed(diffgram: Diffgram, run: str, given: Mapping[str, Any], session: Session) -> PushResult:
    with progress() as listener:
        try:
            how = {name: given[name] for name in ("verify", "resend_stuck", "resend_missing", "ask_again", "same_iou")}
            patience, plugins = patience_of(given), session.plugins
            return diffgram.resume(run, patience=patience, listener=listener, plugins=plugins, **how)
        except KeyboardInterrupt as ended:
            raise type(ended)(f"interrupted; continue with: boxferry resume {run}") from None
