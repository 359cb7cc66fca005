"""`boxferry validate`: everything that reading and fitting a source meets, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.tally import Issue, Tally
from boxferry.cli.output import say, table, write_json, write_record
from boxferry.cli.progress import reading
from boxferry.cli.reading import ReadingCommand, format_options, predictions_of, reading_options, source_argument
from boxferry.errors import InputError

if TYPE_CHECKING:
    from boxferry.cli.session import Session
    from boxferry.reading.predictions import Predictions


@click.command("validate", cls=ReadingCommand)
@source_argument()
@reading_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the counts and the first examples.")
@click.option("--ndjson", is_flag=True, help="A JSON record for each issue, and a last one with the counts.")
@click.pass_obj
def validate_command(session: Session, /, as_json: bool, ndjson: bool, **given: Any) -> int:
    """Check SOURCE: what would be dropped or changed, and why. Needs no server."""
    predictions = predictions_of(session, given, format_options(given))
    tally = Tally(strict=given["strict"], listener=_record if ndjson else None)
    with reading(predictions) as (predictions, _):
        error = _read_through(predictions, tally)
    summary = _summary(predictions, tally, error)
    if ndjson:
        write_record({"kind": "summary", **summary})
    elif as_json:
        write_json({**summary, "examples": tally.example_dicts()})
    else:
        _print(predictions, tally)
    if error:
        raise error
    return int(summary["exit_code"])


def _record(issue: Issue) -> None:
    write_record(issue)


def _read_through(predictions: Predictions, tally: Tally) -> InputError | None:
    try:
        for _ in predictions.fitted(tally):
            pass
    except InputError as error:
        return error
    return None


def _summary(predictions: Predictions, tally: Tally, error: InputError | None) -> dict[str, Any]:
    return {
        "source": predictions.source.name,
        "format": predictions.format.name,
        "why": predictions.why,
        **tally.as_dict(),
        "stopped": str(error) if error else None,
        "exit_code": error.exit_code if error else tally.exit_code,
    }


def _print(predictions: Predictions, tally: Tally) -> None:
    click.echo(f"{predictions.source.name}: {predictions.format.name} ({predictions.why})")
    click.echo(f"{tally.images} images, {tally.read} boxes read, {tally.kept} kept")
    if tally.nothing_left:
        click.echo(f"nothing is left: all {tally.read} boxes were dropped")
    counters = (("drop", tally.dropped), ("change", tally.changed), ("note", tally.noted), ("error", tally.failed))
    rows = [(kind, code, n) for kind, counter in counters for code, n in sorted(counter.items())]
    if rows:
        click.echo(table(("kind", "code", "count"), rows))
    for code, issues in sorted(tally.examples.items()):
        for issue in issues[:5]:
            say(f"{code}: {issue}")
