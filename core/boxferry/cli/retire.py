"""`boxferry retire`: take the untouched boxes of runs that are not wanted any more off the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import Command
from boxferry.cli.number import NumberRange
from boxferry.cli.output import say, table, tell, write_json
from boxferry.cli.server import diffgram_of, outbox_option, server_options
from boxferry.upkeep.retire import VIDEO

if TYPE_CHECKING:
    from boxferry.upkeep.retire import RetireReport

SHOWN = 20  #: files in a list for people; --json lists all


@click.command("retire", cls=Command)
@click.argument("names", nargs=-1, required=True, metavar="RUN|MODEL...")
@server_options
@outbox_option
@click.option(
    "--directory",
    "directories",
    multiple=True,
    metavar="NAME|ID",
    help="Where their files are; repeatable. [default: where this outbox has sent them]",
)
@click.option("--remove", is_flag=True, help="Carry it out; without it only what would go is shown.")
@click.option(
    "--timeout", type=NumberRange(0), default=600.0, show_default=True, help="Seconds to wait for the server."
)
@click.option(
    "--parallel", "connections", type=click.IntRange(1, 64), default=4, show_default=True, help="Calls at once."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def retire_command(
    names: tuple[str, ...], directories: tuple[str, ...], remove: bool, timeout: float, as_json: bool, **given: Any
) -> int:
    r"""Take the boxes of RUN, or of all runs of MODEL, off the server, as far as no person has changed them.

    What goes is shown file by file, and goes only with --remove. Boxes that people made or changed stay, and all boxes
    of files that they have completed, of other runs, and of videos. A run is named by its number or name, or as
    MODEL/RUN. Doing it again goes on where it was broken off.

    \b
    boxferry retire yolo26n-v1                        # what would go
    boxferry retire yolo26n-v1 --remove
    boxferry retire 2026-11-23 --directory incoming   # of a run that another machine pushed
    """
    with diffgram_of(given) as diffgram:
        report = diffgram.retire(*names, directories=directories, remove=remove, wait_s=timeout)
    if as_json:
        write_json(report.as_dict())
    else:
        _print(report)
    return report.exit_code


def _print(report: RetireReport) -> None:
    header = ("file", "id", "boxes that go", "completed", "changed by people", "of others too", "problem")
    rows = [(f.file_name, f.file_id, f.removed, f.completed, f.touched, f.shared, f.problem) for f in report.files]
    if rows:
        tell(table(header, rows[:SHOWN]))
    if len(rows) > SHOWN:
        say(f"and {len(rows) - SHOWN} more files; --json lists all of them")
    for line in _lines(report):
        say(line)


def _lines(report: RetireReport) -> list[str]:
    files = sum(bool(file.removed) and not file.problem for file in report.files)
    where = f"in directory {', '.join(report.directories)}"
    lines = [f"runs: {', '.join(report.runs)}; {where}"]
    if not report.removed:
        lines.append("nothing to do: no untouched box of them is left that can go")
    elif report.dry_run:
        lines.append(f"{report.removed} boxes on {files} files would be removed; to remove them, add --remove")
    else:
        lines.append(f"{report.removed} boxes on {files} files removed")
    stays = {
        "completed": "boxes stay on files that people have completed",
        "touched": "boxes stay since people have changed them",
        "shared": "boxes stay since another run predicted the same, or another box is equal",
        "merged": "boxes of other runs that are equal to each other become one",
    }
    lines += [f"{count} {words}" for name, words in stays.items() if (count := report.count(name))]
    if videos := sum(file.problem == VIDEO for file in report.files):
        lines.append(
            f"{videos} videos keep their boxes: a server cannot take boxes off a video; delete them in Diffgram"
        )
    if report.under_way:
        lines.append(f"{report.under_way} boxes of them are not applied yet: retire again when they are")
    return lines
