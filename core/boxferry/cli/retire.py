"""`boxferry retire`: take the untouched boxes of runs that are not wanted any more off the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.counted import counted
from boxferry.cli.command import Command
from boxferry.cli.output import say, table, tell, write_json
from boxferry.cli.server import connections_option, diffgram_of, directories_option, server_options, timeout_option
from boxferry.upkeep.retire import VIDEO

if TYPE_CHECKING:
    from boxferry.upkeep.retire import RetireReport

SHOWN = 20  #: files in a list for people; --json lists all


@click.command("retire", cls=Command)
@click.argument("names", nargs=-1, required=True, metavar="RUN|MODEL...")
@server_options
@directories_option("The directory of their files; repeatable. [default: as recorded in this outbox]")
@click.option("--remove", is_flag=True, help="Remove the boxes; without it they are only listed.")
@timeout_option()
@connections_option()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def retire_command(
    names: tuple[str, ...], directories: tuple[str, ...], remove: bool, timeout: float, as_json: bool, **given: Any
) -> int:
    """Remove the boxes of RUN, or of all runs of MODEL, that no person has changed.

    The boxes are listed by file, and are removed only with --remove. Boxes that people drew or changed stay, and so do
    all boxes of completed files, of other runs, and of videos. A run is given by its number, its name, or as MODEL/RUN.
    If it was interrupted, run it again.
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
        lines.append("nothing to do: no unchanged box is left that can be removed")
    elif report.dry_run:
        lines.append(
            f"{counted(report.removed, 'box')} on {counted(files, 'file')} would be removed; add --remove to do it"
        )
    else:
        lines.append(f"{counted(report.removed, 'box')} on {counted(files, 'file')} removed")
    stays = {
        "completed": "boxes stay on files that people have completed",
        "touched": "boxes stay: people changed them",
        "shared": "boxes stay: another run predicted the same box",
        "merged": "boxes of other runs that are equal to each other become one",
    }
    lines += [f"{count} {words}" for name, words in stays.items() if (count := report.count(name))]
    if videos := sum(file.problem == VIDEO for file in report.files):
        many = counted(videos, "video")
        lines.append(f"boxes stay on {many}: the server cannot remove boxes from a video; delete them in Diffgram")
    if report.under_way:
        lines.append(f"{counted(report.under_way, 'box')} are not applied yet: retire again when they are")
    return lines
