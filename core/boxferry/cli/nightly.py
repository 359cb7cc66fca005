"""`boxferry nightly`: the one command for cron and orchestrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.flags import flagged_facts, told
from boxferry.cli.metrics import metrics_option
from boxferry.cli.model import model_options, run_name
from boxferry.cli.output import say, write_json
from boxferry.cli.progress import progress
from boxferry.cli.push import directory_hint, predictions_given, print_report
from boxferry.cli.push_options import box_options, file_options, options_of, sending_options
from boxferry.cli.reading import ReadingCommand, reading_options, source_argument
from boxferry.cli.server import diffgram_of, server_options
from boxferry.upkeep.nightly import nothing_in

if TYPE_CHECKING:
    from boxferry.cli.session import Session
    from boxferry.upkeep.nightly import NightlyReport, Step


@click.command("nightly", cls=ReadingCommand)
@source_argument()
@reading_options
@server_options
@click.option("--directory", required=True, metavar="NAME|ID", help="The directory on the server.")
@model_options
@file_options
@box_options
@sending_options
@click.option("--most-uncertain", type=int, metavar="N", help="Only the N images that are most useful to correct.")
@click.option(
    "--dry-run", is_flag=True, help="List the runs to resume and what would be sent and dropped; change nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@metrics_option
@click.pass_obj
def nightly_command(session: Session, /, as_json: bool, **given: Any) -> int:
    """Resume earlier runs, push SOURCE as a new run, verify it, and report.

    Unfinished runs are resumed, and results that collectors left on disk are sent, before SOURCE is read. A failure
    there does not stop the push of SOURCE. The exit code is that of the new run, or, where that is 0, the highest of
    the earlier runs. A second nightly on the same outbox ends with 4. An empty folder is a success. The options are
    those of `push`; --timeout applies to each run.
    """
    given |= {"plan": None}
    source, run = given["source"], run_name(given["run"], given["source"])
    options = options_of(given)
    with diffgram_of(given) as diffgram, directory_hint(given), progress() as listener:
        report = diffgram.nightly(
            lambda: predictions_given(session, given, options),
            directory=given["directory"],
            model=given["model"] or run,
            run=run,
            options=options,
            listener=listener,
            plugins=session.plugins,
            quiet=nothing_in(source, recognised=given["format_name"] == "auto"),
        )
    if as_json:
        write_json(flagged_facts(report.as_dict()))
    else:
        _print(report)
    return report.exit_code


def _print(report: NightlyReport) -> None:
    for step in report.earlier:
        _print_step(f"earlier run {step.run}", step)
    if any(step.report is None and step.error is None for step in report.earlier):
        say("boxferry status RUN lists the packets of a run")
    if report.tonight is not None:
        _print_step(f"tonight's run {report.tonight.run}", report.tonight)
    if report.quiet:
        say(report.quiet)
    if report.exit_code:
        say(f"exit code {report.exit_code}")


def _print_step(what: str, step: Step) -> None:
    say(what if step.report is not None or step.error is not None else f"{what} would be resumed")
    if step.report is not None:
        print_report(step.report, {"as_json": False, "ndjson": False})
    if step.error is not None:
        for line in told(step.error).splitlines():
            say(f"boxferry: {line}")
