"""Writes docs/commands.md: every command's --help, as it is printed."""

from __future__ import annotations

from pathlib import Path

import click

from boxferry.cli.app import COMMANDS, app
from boxferry.cli.session import Session

TARGET = Path(__file__).with_name("commands.md")
WIDTH = 100


def commands_page() -> str:
    """The page's text."""
    settings = app.context_settings | {"terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(app, info_name="boxferry", obj=Session(disabled=()), **settings)
    sections = [f"## boxferry\n\n```text\n{app.get_help(context)}\n```\n"]
    for name in sorted(COMMANDS):
        command = app.get_command(context, name)
        child = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH, max_content_width=WIDTH)
        sections.append(f"## boxferry {name}\n\n```text\n{command.get_help(child)}\n```\n")
    head = "# Commands\n\nMade by `python docs/generate.py` from what `--help` prints; a test holds it to that.\n\n"
    return head + "\n".join(sections)


if __name__ == "__main__":
    TARGET.write_text(commands_page(), encoding="utf-8")
