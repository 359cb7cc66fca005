"""`boxferry sandbox`: an inbox of one's own to try things on."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boxferry.cli.output import say
from boxferry.errors import ConfigError

if TYPE_CHECKING:
    from boxferry.sandbox.server import Sandbox


@click.command("sandbox")
@click.option("--folder", metavar="DIR", help="Where its data is kept. [default: a temporary folder]")
@click.option("--port", type=click.IntRange(0, 65535), default=8088, show_default=True, help="0 takes a free one.")
@click.option("--rate-limit", type=click.IntRange(1), metavar="N", help="Answer 429 to more than N packets a second.")
@click.option(
    "--delay", type=click.FloatRange(0), default=0.0, show_default=True, help="Seconds until a packet is applied."
)
def sandbox_command(folder: str | None, port: int, rate_limit: int | None, delay: float) -> None:
    """Run a Diffgram-compatible inbox on this machine, with a page to look at what arrived; Ctrl-C ends it."""
    with tempfile.TemporaryDirectory(prefix="boxferry-sandbox-") as temporary:
        server = sandbox_class()(Path(folder or temporary), port=port, rate_limit=rate_limit, delay_s=delay)
        with server as sandbox:
            click.echo(settings_lines(sandbox))
            say(f"the page: {sandbox.host}/   (Ctrl-C ends it)")
            threading.Event().wait()


def sandbox_class() -> type[Sandbox]:
    """The sandbox's class.

    Raises:
        ConfigError: the extra is not installed.
    """
    try:
        from boxferry.sandbox.server import Sandbox
    except ModuleNotFoundError as error:
        raise ConfigError(f"the sandbox needs {error.name}: pip install 'boxferry[sandbox]'") from None
    return Sandbox


def settings_lines(sandbox: Sandbox) -> str:
    """The environment by which the commands find this sandbox, as shell lines."""
    return "\n".join(
        f"export {name}={value}"
        for name, value in (
            ("DIFFGRAM_HOST", sandbox.host),
            ("DIFFGRAM_PROJECT", sandbox.project),
            ("DIFFGRAM_CLIENT_ID", sandbox.client_id),
            ("DIFFGRAM_CLIENT_SECRET", sandbox.client_secret),
        )
    )
