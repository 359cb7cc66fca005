"""The names of the model and of its run, which every box bears."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--model` and `--run`."""
    command = click.option("--run", metavar="NAME", help="The run's name, on every box. [default: the source's name]")(
        command
    )
    return click.option("--model", default="model", show_default=True, help="The model's name, on every box.")(command)


def run_name(given: str | None, source: str | list[str]) -> str:
    """The run's name: the one given, or the last part of the source's name; of several the first and how many more."""
    if given:
        return given
    if isinstance(source, list):
        return f"{Path(source[0]).absolute().name}+{len(source) - 1}"
    return Path(source).absolute().name if source != "-" else "stdin"
