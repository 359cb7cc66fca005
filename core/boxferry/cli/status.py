"""`boxferry status`: the runs in the outbox, and what became of a run's packets; asks no server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from boxferry.cli.output import say, table, write_json, write_record
from boxferry.cli.server import outbox_option
from boxferry.errors import OutboxError
from boxferry.sending.outbox import STATES, Outbox
from boxferry.sending.project import default_outbox

if TYPE_CHECKING:
    from boxferry.sending.outbox import Run


@click.command("status")
@click.argument("run", required=False)
@outbox_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--ndjson", is_flag=True, help="A record for each run, or for each packet of RUN.")
def status_command(run: str | None, outbox: str | None, as_json: bool, ndjson: bool) -> None:
    """List the runs in the outbox, or the packets of RUN (a number or a name) by state."""
    path = Path(outbox) if outbox else default_outbox()
    if not path.exists():
        raise OutboxError(f"{path}: no outbox here; nothing was pushed yet, or name it with --outbox")
    with Outbox(path) as opened:
        if run is None:
            _print_runs(opened, as_json=as_json, ndjson=ndjson)
        else:
            _print_run(opened, opened.find_run(run), as_json=as_json, ndjson=ndjson)


def _facts(outbox: Outbox, run: Run) -> dict[str, Any]:
    counts = {state: {"packets": p, "boxes": b} for state, (p, b) in outbox.counts(run.id).items()}
    return {**msgspec.to_builtins(run), "states": counts}


def _print_runs(outbox: Outbox, *, as_json: bool, ndjson: bool) -> None:
    facts = [_facts(outbox, run) for run in outbox.runs()]
    if ndjson:
        for fact in facts:
            write_record(fact)
    elif as_json:
        write_json({"outbox": str(outbox.path), "runs": facts})
    else:
        rows = [
            (f["id"], f["name"], f["model"], f["project"], f["directory_id"], *_packets(f["states"])) for f in facts
        ]
        click.echo(table(("id", "run", "model", "project", "directory", *STATES), rows))


def _packets(states: dict[str, dict[str, int]]) -> list[int]:
    return [states.get(state, {}).get("packets", 0) for state in STATES]


def _print_run(outbox: Outbox, run: Run, *, as_json: bool, ndjson: bool) -> None:
    facts = _facts(outbox, run)
    packets = [msgspec.to_builtins(e) for e in outbox.entries(run.id)] if as_json or ndjson else []
    for packet in packets:
        del packet["body"]
    if ndjson:
        for packet in packets:
            write_record(packet)
    elif as_json:
        write_json({**facts, "packets": packets})
    else:
        click.echo(
            f"run {run.id} '{run.name}' of model '{run.model}', project {run.project}, directory {run.directory_id}"
        )
        click.echo(
            table(("state", "packets", "boxes"), [(s, c["packets"], c["boxes"]) for s, c in facts["states"].items()])
        )
        for entry in outbox.entries(run.id, ("unsure", "stuck", "refused")):
            say(f"{entry.state} {entry.file_name}: {entry.reason}")
