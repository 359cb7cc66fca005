"""`boxferry adopt`: add a run that another outbox pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.counted import counted
from boxferry.cli.command import Command
from boxferry.cli.output import say, write_json
from boxferry.cli.server import connections_option, diffgram_of, server_options

if TYPE_CHECKING:
    from boxferry.upkeep.adopt import Adoption


@click.command("adopt", cls=Command)
@click.argument("run")
@server_options
@click.option("--directory", required=True, metavar="NAME|ID", help="The directory on the server.")
@click.option("--model", metavar="NAME", help="The model's name. [default: as recorded on the server]")
@connections_option()
@click.option("--json", "as_json", is_flag=True, help="Write the counts as one JSON object.")
def adopt_command(run: str, directory: str, model: str | None, as_json: bool, **given: Any) -> None:
    """Add RUN, which another machine or outbox pushed, to this outbox; `boxferry runs --server` lists such runs.

    Nothing is sent. Afterwards pull, report, evaluate and resume work on the run. Run it again to add what was pushed
    elsewhere since. Images that were sent without boxes are not included: the server does not record their run.
    """
    with diffgram_of(given) as diffgram:
        found = diffgram.adopt(run, directory=directory, model=model)
    if as_json:
        write_json(found.as_dict())
        return
    for line in _lines(found):
        say(line)


def _lines(found: Adoption) -> list[str]:
    of_model = f" of model '{found.run.model}'" if found.run.model else ""
    gone = f", {found.deleted} of them deleted since" if found.deleted else ""
    known = f"; {counted(found.known, 'file')} were known already" if found.known else ""
    files = counted(found.files, "file")
    lines = [f"run '{found.run.name}'{of_model}: added {files} with {counted(found.boxes, 'box')}{gone}{known}"]
    if found.under_way:
        lines.append(f"{counted(found.under_way, 'box')} are not applied yet: adopt the run again when they are")
    if found.classes_of:
        lines.append(f"class ids: those of run '{found.classes_of}' of the same model; pull --names FILE takes others")
    elif not found.run.classes:
        lines.append("the server does not keep class ids: pull renumbers the classes unless you add --names data.yaml")
    return lines
