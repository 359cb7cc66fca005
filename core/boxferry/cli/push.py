"""`boxferry push`: predictions into a Diffgram directory, to be corrected."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import counted
from boxferry.cli.again import command_again
from boxferry.cli.flags import flagged_facts, told
from boxferry.cli.metrics import metrics_option
from boxferry.cli.model import model_options, run_name
from boxferry.cli.output import say, say_tally, table, tell, warn, warn_of, write_json, write_record
from boxferry.cli.progress import progress, reading
from boxferry.cli.push_options import box_options, file_options, options_of, sending_options
from boxferry.cli.reading import ReadingCommand, format_options, predictions_of, reading_options, source_argument
from boxferry.cli.server import diffgram_of, server_options
from boxferry.deliver.facts import run_facts
from boxferry.errors import NotFound, UnknownLabel, UsageError
from boxferry.observing.events import observed
from boxferry.observing.names import Fact
from boxferry.outbox.outcome import State
from boxferry.plan.plan_file import Plan, read_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from boxferry.cli.session import Session
    from boxferry.deliver.report import PlannedFile, PushResult
    from boxferry.plan.push_options import PushOptions
    from boxferry.reading.predictions import Predictions

SHOWN_FAILURES = 20
OF_A_PLAN = ("--images", "--profile", "--host", "--project", "--packet-path", "--insecure", "--outbox")


@click.command("push", cls=ReadingCommand)
@source_argument(required=False)
@reading_options
@server_options
@click.option("--directory", metavar="NAME|ID", help="The directory on the server. [required without --from]")
@model_options
@file_options
@box_options
@sending_options
@click.option("--most-uncertain", type=int, metavar="N", help="Only the N images that are most useful to correct.")
@click.option("--dry-run", is_flag=True, help="List what would be sent and dropped; change nothing.")
@click.option("--plan", metavar="FILE", help="As --dry-run, and write all packets to FILE, for --from.")
@click.option(
    "--from",
    "from_plan",
    metavar="FILE",
    help="Send the packets of a plan instead of a SOURCE; images are uploaded from --images. [default: its folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.option(
    "--ndjson", is_flag=True, help="Write a JSON line for each planned or failed file, and a last one with the counts."
)
@metrics_option
@click.pass_obj
def push_command(session: Session, /, **given: Any) -> int:
    """Send SOURCE to Diffgram, one packet for each file.

    SOURCE is a file or folder of predictions, or a folder of images. Images are uploaded from --images, fetched by the
    server (--media-url, --blob-path), or in the directory already (--existing). The server and the API key come from
    the configuration file (boxferry init) or the environment.
    """
    _check(given)
    options = options_of(given)
    run = "RUN, as boxferry status lists it" if given["from_plan"] else run_name(given["run"], given["source"])
    if given["from_plan"]:
        source: Plan | Predictions = read_plan(given["from_plan"], images=given["images"])
    else:
        source = predictions_given(session, given, options)
    with diffgram_of(given) as diffgram, directory_hint(given):
        try:
            if isinstance(source, Plan):
                with progress() as listener:
                    report = diffgram.carry_out(source, options=options, listener=listener, plugins=session.plugins)
            else:
                with reading(source) as (shown, end), progress(before=end) as listener:
                    names = {"model": given["model"] or run, "run": run, "directory": given["directory"]}
                    report = diffgram.push(shown, **names, options=options, listener=listener)
        except KeyboardInterrupt as ended:
            raise type(ended)(f"interrupted; continue with: boxferry resume {run}") from None
    print_report(report, given)
    return report.exit_code


@contextmanager
def directory_hint(given: Mapping[str, Any]) -> Iterator[None]:
    """Say of a directory that does not exist how it is created."""
    try:
        yield
    except NotFound as error:
        if given["create_directory"] or given["existing"] or not str(error).startswith("no directory"):
            raise
        raise NotFound(f"{error}; --create-directory creates it", status=error.status) from None


def _check(given: Mapping[str, Any]) -> None:
    if bool(given["source"]) == bool(given["from_plan"]):
        raise UsageError("name either a SOURCE or a plan with --from")
    if given["source"] and not given["directory"]:
        raise UsageError("--directory is missing: name the directory on the server")


def predictions_given(session: Session, /, given: Mapping[str, Any], options: PushOptions) -> Predictions:
    """What SOURCE and the options say is to be pushed.

    Raises:
        UsageError: the options do not say where the images are.
        InputError: the source cannot be read.
    """
    predictions = predictions_of(session, given, format_options(given), attributes=tuple(options.wish.fields))
    if not (predictions.has_folder or given["media_url"] or given["blob_path"] or given["existing"]):
        raise UsageError(
            "the images are missing: add --images DIR to upload them, --media-url or --blob-path to have the server "
            "fetch them, or --existing for files that are in the directory"
        )
    if given["most_uncertain"] is not None:
        threshold = 0.5 if given["min_score"] is None else given["min_score"]
        predictions = predictions.most_uncertain(given["most_uncertain"], threshold=threshold)
    return predictions


def print_report(report: PushResult, given: Mapping[str, Any]) -> None:
    """What a push or a resumed run did, as the options ask for it."""
    with observed(**run_facts(report.run) if report.run else {}):
        _print(report, given)


def _print(report: PushResult, given: Mapping[str, Any]) -> None:
    if given["as_json"]:
        write_json(flagged_facts(report.as_dict()))
    elif given["ndjson"]:
        _print_records(report)
    else:
        _print_text(report)
    if report.stopped is not None:
        warn(f"boxferry: {told(report.stopped)}", **{Fact.ERROR.value: type(report.stopped).__name__})
    if report.silence:
        warn(f"boxferry: {report.silence}")
    if report.dry_run:
        _say_next(report)
    elif report.run is not None:
        _say_how_to_go_on(report.run.id, report.states)


def _say_next(report: PushResult) -> None:
    """The command that sends what a dry run has shown, or that looks again with what is in its way resolved."""
    context = click.get_current_context()
    if not report.exit_code and (plan := context.params.get("plan")):
        say(f"next: {command_again(context, arguments=False, only=OF_A_PLAN, more=['--from', plan])}")
    elif not report.exit_code:
        output = {"--dry-run", "--json", "--ndjson"}
        say(f"next: {command_again(context, without=output)}" if report.planned else "next: nothing is left to send")
    elif solutions := _solutions(report):
        say(f"next: {command_again(context, without=set(solutions), more=solutions)}")
    else:
        say("next: correct what is listed above, then run the same command again")


def _solutions(report: PushResult) -> list[str]:
    """The options by which the findings of a dry run go away; none where one needs something else."""
    labels: list[str] = []
    if isinstance(report.stopped, UnknownLabel):
        near = report.stopped.near
        labels = [part for name, there in near.items() if there for part in ("--map", f"{name}={there}")]
        labels += [] if all(near.values()) else ["--labels", "create"]
    taken = report.tally.failed.keys() & {Code.FILE_EXISTS, Code.HAS_PREDICTIONS}
    others = report.tally.failed.keys() - taken
    return [] if others else [*labels, *(["--on-existing", "skip"] if taken else [])]


def _say_how_to_go_on(run_id: int, states: Mapping[str, object]) -> None:
    if set(states) & {State.QUEUED, State.UNSURE, State.ACCEPTED}:
        say(f"continue with: boxferry resume {run_id}")
    if State.STUCK in states:
        say(f"once the server works again, resend the stuck packets: boxferry resume {run_id} --resend-stuck")


def _print_records(report: PushResult) -> None:
    facts = flagged_facts(report.as_dict())
    for key, kind in (("planned", "planned"), ("failed", "failed"), ("examples", "issue")):
        for record in facts.pop(key) or ():
            write_record({**record, "record": kind})
    write_record({"record": "summary", **facts})


def _print_text(report: PushResult) -> None:
    say_tally(report.tally)
    if report.labels_created:
        say(f"labels {'to create' if report.dry_run else 'created'}: {', '.join(report.labels_created)}")
    if report.directory_created:
        say(f"directory '{report.directory_created}' {'would be ' if report.dry_run else ''}created")
    if report.directory_near:
        say(f"another directory is called '{report.directory_near}': name it with --directory if it is the same")
    if report.planned is not None:
        _print_planned(report.planned)
        return
    if report.attributes_created:
        say(f"attributes created: {', '.join(report.attributes_created)}")
    _print_states(report)


def _print_planned(planned: list[PlannedFile]) -> None:
    rows = [(f.file_name, f.route, f.mode, f.boxes, f.removes, _counted(f.labels)) for f in planned]
    tell(table(("file", "route", "mode", "boxes", "removes", "labels"), rows))
    if removes := sum(file.removes for file in planned):
        files = sum(bool(file.removes) for file in planned)
        say(f"{counted(removes, 'box')} on {counted(files, 'file')} would be removed or replaced")
    for file in planned:
        if file.completed and file.removes:
            say(f"{file.file_name}: completed by people; {counted(file.removes, 'of its box')} would be removed")
        if file.deletes:
            say(f"{file.file_name}: would delete {counted(file.deletes, 'box')} that people drew or changed")


def _print_states(report: PushResult) -> None:
    tell(table(("state", "packets", "boxes"), [(s, p, b) for s, (p, b) in report.states.items()]))
    for entry in report.doubtful[:SHOWN_FAILURES]:
        warn_of(entry)
    for entry in report.failed[:SHOWN_FAILURES]:
        warn_of(entry)
    if len(report.failed) > SHOWN_FAILURES:
        say(f"and {len(report.failed) - SHOWN_FAILURES} more; boxferry status lists them")


def _counted(labels: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(labels.items()))
