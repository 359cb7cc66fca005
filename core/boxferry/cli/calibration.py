"""How far scores can be trusted, as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from boxferry.cli.number import NumberRange
from boxferry.cli.output import table, tell

if TYPE_CHECKING:
    from boxferry.review.calibration import Calibrations

precision_option = click.option(
    "--precision",
    type=NumberRange(0, 1, min_open=True),
    default=0.9,
    show_default=True,
    metavar="SHARE",
    help="Tell from which score on this share of a label's boxes is right.",
)


def print_calibration(found: Calibrations) -> None:
    """Write the table on standard output; nothing where no box that was judged has a score."""
    from boxferry.review.calibration_page import columns, heads

    if found.whole is None:
        return
    rows = [(name, *columns(known)) for name, known in [*found.labels.items(), ("all", found.whole)]]
    tell("")
    tell(table(("scores of", *heads(found.wished)), rows))
