"""`boxferry validate`: what a source is, and everything that reading and fitting it meets, without a server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.counted import counted
from boxferry.boxes.tally import Tally
from boxferry.cli.again import command_again
from boxferry.cli.output import say, table, tell, write_json, write_record, write_text
from boxferry.cli.progress import reading
from boxferry.cli.reading import ReadingCommand, format_options, predictions_of, reading_options, source_argument
from boxferry.cli.shard import shard_options, sharded
from boxferry.review.checkup import checkup

if TYPE_CHECKING:
    from boxferry.cli.session import Session
    from boxferry.review.checkup import Checkup

SHOWN_CLASSES = 30
OWN = {"--shards", "--shard", "--json", "--ndjson", "--html", "--drawn"}
REMEDY = re.compile(r"--[a-z][a-z0-9-]*(?: [\w.,=]+)?")


@click.command("validate", cls=ReadingCommand)
@source_argument()
@reading_options
@shard_options
@click.option("--html", metavar="FILE", help="Write a page with the suspicious images; - is standard output.")
@click.option("--drawn", type=click.IntRange(0), default=24, show_default=True, help="How many images are drawn.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object with counts and examples.")
@click.option("--ndjson", is_flag=True, help="Write a JSON line for each issue, and a last one with the counts.")
@click.pass_obj
def validate_command(
    session: Session, /, as_json: bool, ndjson: bool, html: str | None, drawn: int, **given: Any
) -> int:
    """Check SOURCE without a server: its format, what would be dropped or changed and why, and what to run next.

    Lists the recognised format with the reason, the classes with their boxes, images with and without a known size, the
    share of clipped boxes, and suspicious findings.
    """
    predictions = sharded(predictions_of(session, given, format_options(given)), given)
    tally = Tally(strict=given["strict"], listener=write_record if ndjson else None)
    with reading(predictions) as (predictions, _):
        found = checkup(predictions, tally, pictures=drawn if html else 0)
    following = _next(click.get_current_context(), found)
    summary = {**found.as_dict(), "next": following}
    if html:
        _write_page(html, found, following)
    if ndjson:
        write_record({"kind": "summary", **summary})
    elif as_json:
        write_json({**summary, "examples": tally.example_dicts()})
    elif html != "-":
        _print(found, following)
    if found.stopped:
        raise found.stopped
    return found.exit_code


def _write_page(target: str, found: Checkup, following: str) -> None:
    from boxferry.review.checkup_page import checkup_page

    write_text(target, checkup_page(found, following))


def _next(context: click.Context, found: Checkup) -> str:
    """The command to run next: the same with the option that an error names, else a push that sends nothing yet."""
    problem = str(found.stopped) if found.stopped else ""
    if not problem and found.tally.exit_code:
        problem = next((line for line in found.suspicious() if REMEDY.search(line)), "")
    if remedy := REMEDY.search(problem):
        return f"{command_again(context, without=OWN)} {remedy[0]}"
    if found.exit_code:
        return command_again(context, without=OWN, more=["--ndjson"])
    images = [] if found.predictions.has_folder else ["--images", "DIR"]
    return command_again(
        context, name="push", without=OWN, more=[*images, "--directory", "NAME", "--create-directory", "--dry-run"]
    )


def _print(found: Checkup, following: str) -> None:
    predictions, tally = found.predictions, found.tally
    tell(f"{predictions.source.name}: {predictions.format.name} ({predictions.why})")
    tell(f"{counted(tally.images, 'image')}, {counted(tally.read, 'box')} read, {tally.kept} kept")
    tell(_images(found))
    tell(_scores(found))
    if found.labels:
        tell(table(("class", "boxes", "kept"), found.labels[:SHOWN_CLASSES]))
        if len(found.labels) > SHOWN_CLASSES:
            tell(f"and {len(found.labels) - SHOWN_CLASSES} more classes; --json lists them")
    counters = (("drop", tally.dropped), ("change", tally.changed), ("note", tally.noted), ("error", tally.failed))
    rows = [(kind, code, n, tally.share(code).strip(" ()")) for kind, c in counters for code, n in sorted(c.items())]
    if rows:
        tell(table(("kind", "code", "count", "share"), rows))
    for line in found.suspicious():
        tell(f"suspicious: {line}")
    tell(f"next: {following}")
    for code, issues in sorted(tally.examples.items()):
        for issue in issues[:5]:
            say(f"{code}: {issue}")


def _images(found: Checkup) -> str:
    counts = found.images
    parts = [
        f"{counts['with_boxes']} with boxes",
        f"{counts['without_boxes']} without",
        f"{counts['sized']} of known size",
    ]
    parts += [f"{counts['unsized']} with boxes and of unknown size"] if counts["unsized"] else []
    if found.predictions.has_folder:
        parts.append(f"{counts['found']} in the images folder, {counts['missing']} not")
    return f"images: {', '.join(parts)}"


def _scores(found: Checkup) -> str:
    without = found.boxes.total() - found.scored
    if not found.scored:
        return "scores: none" if without else "scores: no boxes"
    return f"scores: {found.lowest:g} to {found.highest:g}" + (
        f", {counted(without, 'box')} without one" if without else ""
    )
