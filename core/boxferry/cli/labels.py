"""`boxferry labels`: the labels that the server has."""

from __future__ import annotations

from typing import Any

import click

from boxferry.cli.output import table, tell, write_json
from boxferry.cli.server import diffgram_of, server_options


@click.command("labels")
@server_options
@click.option("--schema", metavar="NAME|ID", help="The labels schema. [default: the project's default one]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, name → label_file_id.")
def labels_command(schema: str | None, as_json: bool, **given: Any) -> None:
    """List the project's labels with the ids that boxes need."""
    with diffgram_of(given) as diffgram:
        labels = diffgram.labels(schema)
    if as_json:
        write_json({"labels": labels})
    else:
        tell(table(("label", "label_file_id"), sorted(labels.items())))
