"""`boxferry adopt`: take up a run that another outbox pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import Command
from boxferry.cli.output import say, write_json
from boxferry.cli.server import diffgram_of, outbox_option, server_options

if TYPE_CHECKING:
    from boxferry.upkeep.adopt import Adoption


@click.command("adopt", cls=Command)
@click.argument("run")
@server_options
@outbox_option
@click.option("--directory", required=True, metavar="NAME|ID", help="The directory on the server.")
@click.option("--model", metavar="NAME", help="The model's name. [default: taken from the server's inputs]")
@click.option(
    "--parallel", "connections", type=click.IntRange(1, 64), default=4, show_default=True, help="Calls at once."
)
@click.option("--json", "as_json", is_flag=True, help="The counts as one JSON object on standard output.")
def adopt_command(run: str, directory: str, model: str | None, as_json: bool, **given: Any) -> None:
    """Take up RUN, which another machine or outbox pushed, from the server alone; `boxferry runs --server` lists them.

    Nothing is sent. Afterwards pull, report, evaluate and resume know the run. Adopting again adds what was pushed
    elsewhere since. Pictures that were sent without boxes bear no trace of a run, and are not taken up.
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
    known = f"; {found.known} files were known already" if found.known else ""
    lines = [
        f"run '{found.run.name}'{of_model}: {found.files} files with {found.boxes} boxes were taken up{gone}{known}"
    ]
    if found.under_way:
        lines.append(f"{found.under_way} boxes of it are not applied yet: adopt it again when they are")
    if not found.run.classes:
        lines.append("the server does not keep class ids: pull numbers the classes anew, or takes --names data.yaml")
    return lines
