"""`boxferry convert`: predictions in one format to packets, or to another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.tally import Tally
from boxferry.cli.model import model_options, run_name
from boxferry.cli.output import say, tally_lines, write_json
from boxferry.cli.progress import reading
from boxferry.cli.reading import ReadingCommand, format_options, predictions_of, reading_options, source_argument
from boxferry.errors import UnknownFormat, UsageError
from boxferry.formats import output_stream
from boxferry.packets.convert import named_packets
from boxferry.reading.read import option_values

if TYPE_CHECKING:
    from boxferry.cli.session import Session
    from boxferry.formats import Format
    from boxferry.reading.predictions import Predictions

PACKETS = "packets"


@click.command("convert", cls=ReadingCommand)
@source_argument()
@reading_options
@click.option("--to", "target_format", default=PACKETS, show_default=True, help="'packets', or a format's name.")
@click.option(
    "-o", "--output", default="-", show_default="standard output", help="A file, or a folder for yolo and voc."
)
@model_options
@click.option(
    "--json", "as_json", is_flag=True, help="The counts as one JSON object on standard output; needs -o FILE."
)
@click.pass_obj
def convert_command(
    session: Session, /, target_format: str, output: str, model: str, run: str | None, as_json: bool, **given: Any
) -> int:
    """Convert SOURCE (a file, a folder, a glob, or - for standard input).

    Packets are written as NDJSON, one image a line, whole pixels, label names: the form that Diffgram's SDK takes. To
    another format the boxes go as they are, not fitted to pixels.
    """
    if as_json and output == "-":
        raise UsageError("--json: standard output holds the data already; name a file with -o")
    options = format_options(given)
    target = None if target_format == PACKETS else _format(session, target_format)
    own = {name: value for name, value in options.items() if target and _has(target, name)}
    others = {name: value for name, value in options.items() if name not in own}
    predictions = predictions_of(session, given, others)
    tally = Tally(strict=given["strict"])
    with reading(predictions) as (predictions, _):
        if target is None:
            _write_packets(predictions, output, tally, model=model, run=run_name(run, given["source"]))
        else:
            predictions.write(target, Path(output), tally, option_values(target, own))
    if as_json:
        write_json({**tally.as_dict(), "examples": tally.example_dicts()})
    for line in tally_lines(tally):
        say(line)
    return 1 if tally.failed else 0


def _format(session: Session, /, name: str) -> Format:
    formats = session.plugins.formats()
    if name not in formats:
        raise UnknownFormat(f"--to {name}: expected {PACKETS} or one of {', '.join(formats)}")
    if formats[name].write is None:
        raise UsageError(f"--to {name}: that format can be read, not written")
    return formats[name]


def _has(fmt: Format, name: str) -> bool:
    return any(option.name == name for option in fmt.options)


def _write_packets(predictions: Predictions, output: str, tally: Tally, *, model: str, run: str) -> None:
    with output_stream(Path(output)) as stream:
        for chunk in predictions.fitted(tally):
            stream.write(b"\n".join([*named_packets(chunk, model=model, run=run), b""]))
