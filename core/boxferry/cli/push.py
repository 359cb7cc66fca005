"""`boxferry push`: predictions into a Diffgram directory, to be corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.model import model_options, run_name
from boxferry.cli.output import say, table, tally_lines, write_json, write_record
from boxferry.cli.progress import progress
from boxferry.cli.reading import ReadingCommand, format_options, predictions_of, reading_options
from boxferry.cli.server import diffgram_of, outbox_option, server_options
from boxferry.errors import UsageError
from boxferry.sending.carry import Patience
from boxferry.sending.project import Manner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.cli.session import Session
    from boxferry.sending.report import PushReport

SHOWN_FAILURES = 20


@click.command("push", cls=ReadingCommand)
@reading_options
@server_options
@outbox_option
@click.option("--directory", required=True, metavar="NAME|ID", help="The directory on the server.")
@model_options
@click.option("--media-url", metavar="URL", help="The server fetches each image: 'https://host/{file_name}'.")
@click.option("--existing", is_flag=True, help="Append to the files that are in the directory, found by name.")
@click.option("--schema", metavar="NAME|ID", help="The labels schema. [default: the project's default one]")
@click.option(
    "--labels",
    type=click.Choice(["error", "skip", "create"]),
    default="error",
    show_default=True,
    help="What happens to labels that the server does not have.",
)
@click.option("--skip-empty", is_flag=True, help="Make no file for an image without boxes.")
@click.option("--connections", type=click.IntRange(1, 64), default=4, show_default=True, help="Packets in flight.")
@click.option(
    "--timeout", type=click.FloatRange(0), default=600.0, show_default=True, help="Seconds to wait for the end."
)
@click.option("--verify", is_flag=True, help="Read back what was applied: a success can have stored nothing.")
@click.option("--no-wait", is_flag=True, help="Return when the server has accepted everything.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent and dropped; send and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option(
    "--ndjson", is_flag=True, help="A record for each file (planned, or failed), and a last one with the counts."
)
@click.pass_obj
def push_command(session: Session, /, **given: Any) -> int:
    """Send SOURCE to Diffgram, one packet a file, to be corrected by people.

    Images are uploaded from the --images folder, fetched by the server from --media-url, or --existing there.
    Credentials: DIFFGRAM_CLIENT_ID and DIFFGRAM_CLIENT_SECRET, or the configuration file.
    """
    manner = _manner(given)
    predictions = predictions_of(session, given, format_options(given))
    with diffgram_of(given) as diffgram, progress() as listener:
        try:
            report = diffgram.push(
                predictions,
                directory=given["directory"],
                model=given["model"],
                run=run_name(given["run"], given["source"]),
                manner=manner,
                listener=listener,
            )
        except KeyboardInterrupt:
            say(f"interrupted; the same command again goes on, or boxferry resume {given['run'] or given['source']}")
            raise
    print_report(report, given)
    return report.exit_code


def _manner(given: Mapping[str, Any]) -> Manner:
    if not (given["images"] or given["media_url"] or given["existing"]):
        raise UsageError(
            "push: where are the images? --images DIR uploads them, --media-url has the server fetch them, "
            "--existing takes the files that are in the directory"
        )
    return Manner(
        media_url=given["media_url"],
        existing=given["existing"],
        schema=given["schema"],
        labels=given["labels"],
        skip_empty=given["skip_empty"],
        patience=Patience(wait_s=0.0 if given["no_wait"] else given["timeout"]),
        verify=given["verify"],
        dry_run=given["dry_run"],
        strict=given["strict"],
    )


def print_report(report: PushReport, given: Mapping[str, Any]) -> None:
    """What a push or a resumed run did, as the options ask for it."""
    if given["as_json"]:
        write_json(report.as_dict())
    elif given["ndjson"]:
        _print_records(report)
    else:
        _print_text(report)
    if report.stopped is not None:
        say(f"boxferry: {report.stopped}")
    if report.run is not None and set(report.states) & {"queued", "unsure", "accepted"} and not report.dry_run:
        say(f"go on with: boxferry resume {report.run.id}")


def _print_records(report: PushReport) -> None:
    facts = report.as_dict()
    for key, kind in (("planned", "planned"), ("failed", "failed"), ("examples", "issue")):
        for record in facts.pop(key) or ():
            write_record({**record, "record": kind})
    write_record({"record": "summary", **facts})


def _print_text(report: PushReport) -> None:
    for line in tally_lines(report.tally):
        say(line)
    if report.labels_created:
        say(f"labels {'to create' if report.dry_run else 'created'}: {', '.join(report.labels_created)}")
    if report.planned is not None:
        rows = [(f.file_name, f.route, f.boxes, _counted(f.labels)) for f in report.planned]
        click.echo(table(("file", "route", "boxes", "labels"), rows))
        return
    click.echo(table(("state", "packets", "boxes"), [(s, p, b) for s, (p, b) in report.states.items()]))
    for entry in report.failed[:SHOWN_FAILURES]:
        say(f"{entry.state} {entry.file_name}: {entry.reason}")
    if len(report.failed) > SHOWN_FAILURES:
        say(f"and {len(report.failed) - SHOWN_FAILURES} more; boxferry status lists them")


def _counted(labels: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(labels.items()))
