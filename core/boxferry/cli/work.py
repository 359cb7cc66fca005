"""`boxferry work`: what is left to review, by directory, what failed, and in which order to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.counted import counted
from boxferry.cli.command import Command
from boxferry.cli.output import say, table, tell, write_json, write_text
from boxferry.cli.server import connections_option, diffgram_of, server_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.review.work import DirectoryWork, NextPicture

SHOWN = 10  #: pictures that are listed where nothing else is asked for
NAMED = 3  #: pictures with trouble that are named
HEADER = ("directory", "files", "to review", "pushed since", "reviewed", "done", "people's", "untouched")
TROUBLE = ("under way", "failed", "stuck")


@click.command("work", cls=Command)
@click.argument("directories", nargs=-1, metavar="[DIRECTORY]...")
@server_options
@connections_option()
@click.option(
    "--most",
    type=click.IntRange(1),
    metavar="N",
    help="Number of images to list. [default: 10; all in --csv and --json]",
)
@click.option(
    "--csv", "csv_path", metavar="FILE", help="Write what to review next as a CSV of file ids; - is standard output."
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def work_command(
    directories: tuple[str, ...], most: int | None, csv_path: str | None, as_json: bool, **given: Any
) -> None:
    """List what is left to review in directories, or in the whole project, the most useful first.

    Each image is counted in one column: to review (predictions, not reviewed), pushed since (boxes changed after the
    review), reviewed, done (completed as well), people's (annotated by people alone), untouched (neither). Also listed:
    packets under way, and images whose last packet failed or is stuck.

    The order is by the uncertainty of the boxes, disagreement between runs, how often people corrected such boxes, and
    rare labels. --csv writes it with file ids, to create a job from. It works on any machine; only what has changed
    since the last time is read from the server.
    """
    from boxferry.cli.progress import counting

    with diffgram_of(given) as diffgram, counting("work", "files") as on_file:
        found = diffgram.work(*directories, on_file=on_file)
    if csv_path:
        _write(csv_path, _first(found, most))
    if as_json:
        write_json({"directories": [each.as_dict() for each in found]})
    elif csv_path != "-":
        _print(found, _first(found, most or SHOWN))


def _first(found: Sequence[DirectoryWork], most: int | None) -> list[NextPicture]:
    from boxferry.review.work import in_order

    once = {picture.file_id: picture for each in reversed(found) for picture in each.next}
    return in_order(once.values())[:most]


def _write(path: str, pictures: Sequence[NextPicture]) -> None:
    from boxferry.review.work import next_lines

    write_text(path, next_lines(pictures))
    if path != "-":
        say(f"written: {path}: {counted(len(pictures), 'image')}")


def _print(found: Sequence[DirectoryWork], pictures: Sequence[NextPicture]) -> None:
    tell(table((*HEADER, *TROUBLE), [_row(each) for each in found]))
    for each in found:
        for what, listed in (("failed", each.failed), ("stuck", each.stuck)):
            for trouble in listed[:NAMED]:
                say(f"{each.directory}: {what}: {trouble.file_name or trouble.file_id}: {trouble.reason}")
            if len(listed) > NAMED:
                say(f"{each.directory}: {what}: {len(listed) - NAMED} more; --json has all")
    if not pictures:
        say("nothing is left to review")
        return
    tell("")
    rows = [(p.file_id, p.file_name, p.directory, p.state, p.boxes, p.runs, f"{p.worth:.2f}") for p in pictures]
    tell(table(("file", "name", "directory", "state", "boxes", "runs", "worth"), rows))
    left = sum(len(each.next) for each in found)
    if left > len(pictures):
        say(f"{left - len(pictures)} more to review: --csv writes all, --most N lists N")


def _row(each: DirectoryWork) -> tuple[object, ...]:
    counts = (each.progress[state] for state in each.progress)
    return (each.directory, each.files, *counts, each.under_way, len(each.failed), len(each.stuck))
