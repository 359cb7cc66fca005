"""`--metrics-file`: what a command did, for Prometheus; written at its end, whatever that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from boxferry.observing.events import observed

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.cli.early import Early

#: found before the arguments are parsed, see `early`: a mistake in them is to be in the file too
metrics_option = click.option(
    "--metrics-file",
    metavar="FILE",
    expose_value=False,
    help="Write counts, exit code and duration to FILE for Prometheus (textfile). [env: BOXFERRY_METRICS_FILE]",
)


def metered(found: Early, command: Callable[[], int]) -> int:
    """Run a command; gives its exit code, which is in the metrics file, where one is asked for.

    Raises:
        OSError: the file cannot be written; nothing was done.
    """
    with observed(command=found.command):
        return _recorded(found, command) if found.metrics_file else command()


def _recorded(found: Early, command: Callable[[], int]) -> int:
    from boxferry.observing.metrics_file import metrics_file

    with metrics_file(found.metrics_file, command=found.command) as recording:
        recording.exit_code = command()
    return recording.exit_code
