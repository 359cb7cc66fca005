"""`boxferry runs`: every run with its model, directory, dates, boxes and source, and how far its review is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import Command
from boxferry.cli.dates import day
from boxferry.cli.output import say, table, tell, write_json
from boxferry.cli.server import connections_option, diffgram_of, server_options

if TYPE_CHECKING:
    from boxferry.review.runs import RunFacts

HEADER = ("id", "model", "run", "directory", "began", "last", "files", "boxes", "source")
SERVER_HEADER = ("untouched", "reviewed")


@click.command("runs", cls=Command)
@server_options
@click.option(
    "--server",
    "ask",
    is_flag=True,
    help="Ask the server for unchanged boxes, reviewed files and runs of other machines.",
)
@click.option("--all", "everything", is_flag=True, help="Include retired runs.")
@connections_option()
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def runs_command(ask: bool, everything: bool, as_json: bool, **given: Any) -> None:
    """List the runs of the project: model, directory, dates, boxes sent and source; asks no server without --server.

    With --server each run's files are read, only what has changed since the last time, and runs of other machines are
    listed too; `boxferry adopt` adds one to this outbox. Retired runs are left out unless --all.
    """
    with diffgram_of(given) as diffgram:
        found = diffgram.runs(server=ask)
    shown = [each for each in found if everything or not each.retired]
    if as_json:
        write_json({"runs": [each.as_dict() for each in shown]})
    else:
        header = (*HEADER, *SERVER_HEADER) if ask else HEADER
        tell(table(header, [_row(each, ask=ask) for each in shown]))
        for each in shown:
            if each.problem:
                say(f"{each.run}: {each.problem}")
    if hidden := len(found) - len(shown):
        say(f"{hidden} retired {'run is' if hidden == 1 else 'runs are'} not listed; --all lists them")


def _row(each: RunFacts, *, ask: bool) -> tuple[object, ...]:
    name = f"{each.run} (retired)" if each.retired else each.run
    sent = (each.files, each.boxes) if each.id is not None else ("", "")
    row = (each.id or "", each.model, name, each.directory, day(each.began), day(each.last), *sent, each.source)
    return (*row, *_progress(each)) if ask else row


def _progress(each: RunFacts) -> tuple[object, object]:
    share = each.reviewed_share
    reviewed = "" if share is None else f"{each.reviewed} of {each.there} ({share:.0%})"
    return "" if each.untouched is None else each.untouched, reviewed
