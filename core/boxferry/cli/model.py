"""The names of the model and of its run, which every box bears."""

from __future__ import annotations

import click

from boxferry.cli.command import options
from boxferry.plan.source import name_of_source

model_options = options(
    click.option("--model", metavar="NAME", help="The model's name, stored with every box. [default: the run's name]"),
    click.option("--run", metavar="NAME", help="The run's name, stored with every box. [default: from SOURCE]"),
)


def run_name(given: str | None, source: str | list[str]) -> str:
    """The run's name: the one given, or what tells the source apart; of several the first and how many more."""
    if given or isinstance(source, str):
        return given or name_of_source(str(source))
    return f"{name_of_source(source[0])}+{len(source) - 1}"
