"""`boxferry convert`: predictions in one format to packets, or to another format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.tally import Tally
from boxferry.cli.format_name import to_option
from boxferry.cli.model import model_options, run_name
from boxferry.cli.output import say_tally, write_json
from boxferry.cli.progress import reading
from boxferry.cli.reading import ReadingCommand, format_options, predictions_of, reading_options, source_argument
from boxferry.cli.shard import shard_options, sharded
from boxferry.errors import UsageError
from boxferry.plan.named import write_packets
from boxferry.reading.writing import PACKETS, option_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.cli.session import Session
    from boxferry.formats import Format
    from boxferry.reading.predictions import Predictions


@click.command("convert", cls=ReadingCommand)
@source_argument()
@reading_options
@shard_options
@to_option(PACKETS, default=PACKETS, text="'packets', or a format's name; boxferry formats lists them.")
@click.option(
    "-o",
    "--output",
    default="-",
    show_default="standard output",
    help="A file, or a folder for yolo, voc, mot and labelme.",
)
@model_options
@click.option("--media-url", metavar="URL", help="Packets: the URL of each image: 'https://host/{file_name}'.")
@click.option("--directory-id", type=click.IntRange(1), metavar="ID", help="Packets: the directory for the new files.")
@click.option("--json", "as_json", is_flag=True, help="Write the counts as one JSON object; needs -o FILE.")
@click.pass_obj
def convert_command(session: Session, /, target_format: str, output: str, as_json: bool, **given: Any) -> int:
    """Convert SOURCE (a file, a folder, a glob, a URL of one such as s3://…, or - for standard input).

    Packets are written as NDJSON, one image or video a line, whole pixels, label names. With --media-url and
    --directory-id Diffgram's SDK takes each line: project.file.from_packet(json.loads(line)). For a video the SDK wants
    frame numbers as integers, and JSON has them as text: convert those keys first. Send the first line of a new run
    alone, and wait until it is applied: several at once that bring a new run get in each other's way on the server.
    Without the two options media.url is the image's own path, which no server can fetch.

    To another format the boxes go as they are, not fitted to pixels.
    """
    if as_json and output == "-":
        raise UsageError("--json needs -o FILE: standard output already holds the data")
    options = format_options(given)
    target = None if target_format == PACKETS else session.plugins.formats()[target_format]
    places = {name: given[name] for name in ("media_url", "directory_id")}
    _only_packets(target_format, places)
    own = {name: value for name, value in options.items() if target and _has(target, name)}
    others = {name: value for name, value in options.items() if name not in own}
    predictions = sharded(_with_shared(predictions_of(session, given, others), others, own), given)
    tally = Tally(strict=given["strict"])
    with reading(predictions) as (predictions, _):
        if target is None:
            run = run_name(given["run"], given["source"])
            write_packets(predictions, output, model=given["model"] or run, run=run, tally=tally, **places)
        else:
            predictions.write_as(target, Path(output), tally, option_values(target, own))
    if as_json:
        write_json({**tally.as_dict(), "examples": tally.example_dicts()})
    say_tally(tally)
    return tally.exit_code


def _with_shared(predictions: Predictions, others: Mapping[str, str], own: Mapping[str, str]) -> Predictions:
    """With the target's options that the source's format has too."""
    shared = {name: value for name, value in own.items() if _has(predictions.format, name)}
    return replace(predictions, options=option_values(predictions.format, {**others, **shared}))


def _has(fmt: Format, name: str) -> bool:
    return any(option.name == name for option in fmt.options)


def _only_packets(target_format: str, places: dict[str, Any]) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in places.items() if value is not None]
    if given and target_format != PACKETS:
        raise UsageError(f"{' and '.join(given)}: cannot be combined with --to {target_format}: only packets have it")
