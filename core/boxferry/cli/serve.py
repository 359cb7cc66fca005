"""`--serve` of preview and report: the page on a server of its own, until Ctrl-C."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from boxferry.cli.command import options
from boxferry.cli.output import tell

if TYPE_CHECKING:
    from boxferry.review.gallery import ImagePage

serve_options = options(
    click.option(
        "--serve", is_flag=True, help="Show all images at a local address until Ctrl-C: for runs too large for a file."
    ),
    click.option(
        "--port", type=click.IntRange(0, 65535), default=0, help="With --serve: the port. [default: a free one]"
    ),
)


def serve_page(page: ImagePage, port: int) -> None:
    """Serve a page until Ctrl-C, which is how this is meant to end."""
    from boxferry.review.serve import PageServer

    with PageServer(page, port=port) as server, suppress(KeyboardInterrupt):
        tell(f"the page: {server.address}   (Ctrl-C ends it)")
        server.wait()
