"""`boxferry init-plugin`: a plugin to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from boxferry.cli.command import Command
from boxferry.cli.output import say
from boxferry.errors import UsageError
from boxferry.plugin_template import write_plugin

if TYPE_CHECKING:
    from boxferry.cli.session import Session


@click.command("init-plugin", cls=Command)
@click.argument("name")
@click.option("-o", "--output", metavar="DIR", show_default="boxferry-NAME", help="The folder to write it into.")
@click.pass_obj
def init_plugin_command(session: Session, /, name: str, output: str | None) -> None:
    """Write a distribution with a plugin that reads a format called NAME: its entry point, module and tests.

    What it reads is a table in text; change it into your format. docs/plugins.md says how.
    """
    if name in session.plugins.formats():
        raise UsageError(f"plugin '{name}': a format of that name exists already")
    folder = write_plugin(name, None if output is None else Path(output))
    say(f"wrote {folder}: 'pip install -e {folder}' installs it, 'boxferry plugins' lists it, 'pytest' there tests it")
