"""`boxferry formats` and `boxferry plugins`: what is installed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from boxferry.cli.command import Command
from boxferry.cli.output import table, tell, write_json
from boxferry.parsing import compiled

if TYPE_CHECKING:
    from boxferry.cli.session import Session

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.command("formats", cls=Command)
@json_option
@click.pass_obj
def formats_command(session: Session, /, as_json: bool) -> None:
    """List the formats that can be read and written; of results in memory, in Python."""
    formats = session.plugins.formats().values()
    rows = [(f.name, "yes" if f.read else "no", "yes" if f.write else "no", f.summary) for f in formats]
    if as_json:
        keys = ("name", "reads", "writes", "summary")
        write_json({"formats": [dict(zip(keys, (n, r == "yes", w == "yes", s), strict=True)) for n, r, w, s in rows]})
    else:
        live = {name for name, fmt in session.plugins.formats().items() if fmt.live}
        shown = [(name, "in Python" if name in live else read, *rest) for name, read, *rest in rows]
        tell(table(("format", "read", "write", "summary"), shown))


@click.command("plugins", cls=Command)
@json_option
@click.pass_obj
def plugins_command(session: Session, /, as_json: bool) -> None:
    """List the plugins that were found, with the reason where one failed, and whether speedups are used."""
    statuses = session.plugins.statuses
    if as_json:
        speedups = {"used": compiled.speedups is not None, "state": compiled.state}
        write_json({"plugins": [asdict(status) for status in statuses], "speedups": speedups})
    else:
        rows = [(s.name, s.state, ", ".join(s.formats), s.distribution, s.reason) for s in statuses]
        tell(table(("plugin", "state", "formats", "distribution", "reason"), rows))
        tell(f"speedups {compiled.state}")
