"""`boxferry sandbox`: an inbox of one's own to try things on."""

from __future__ import annotations

import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import Command, choice
from boxferry.cli.number import NumberRange
from boxferry.cli.output import say
from boxferry.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.sandbox.faults import Faults
    from boxferry.sandbox.server import Sandbox

ADDRESSES = ("127.0.0.1", "0.0.0.0")  # noqa: S104 # asked for, and the sandbox answers to loopback names only


@click.command("sandbox", cls=Command)
@click.option("--folder", metavar="DIR", help="The folder of its data. [default: a temporary one]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8088, show_default=True, help="The port; 0 for a free one."
)
@choice(
    "--address",
    words=ADDRESSES,
    text="The address to listen on; in a container the second, so that its port can be published.",
)
@click.option("--rate-limit", type=click.IntRange(1), metavar="N", help="Answer 429 above N packets per second.")
@click.option("--delay", type=NumberRange(0), default=0.0, show_default=True, help="Seconds until a packet is applied.")
@click.option(
    "--workers", type=click.IntRange(1), default=4, show_default=True, help="Number of packets applied in parallel."
)
@click.option("--faults", metavar="SPEC", help="Simulate faults: 'drop_after=0.1,kill_worker=0.02,seed=7'.")
def sandbox_command(folder: str | None, delay: float, faults: str | None, **given: Any) -> None:
    """Run a Diffgram-compatible server on this machine, with pages to look at and correct boxes; Ctrl-C stops it.

    The first lines on standard output are the settings for other terminals.

    With --faults the settings that are printed lead through a proxy that breaks requests and answers, each so often:
    drop_before, drop_after, delay (of delay_s seconds), truncate, limited, error_before, error_after, duplicate, refuse
    (for refuse_s seconds nobody listens).

    The sandbox itself then has the faults of a real server: lose_work (accepted, and never worked on), kill_worker (the
    packet stays 'processing' and its worker is dead; without workers nothing is applied until a restart), busy (no
    packet is begun for busy_s seconds), race_s (0.05: packets that bring the same new run within so many seconds are
    lost but one; 0 for never), poison (1: a value that the database refuses kills the worker; 0: its packet comes to
    nothing).
    """
    broken = _faults(faults)
    with tempfile.TemporaryDirectory(prefix="boxferry-sandbox-") as temporary:
        settings = given | (broken.of_sandbox() if broken else {})
        server = sandbox_class()(Path(folder or temporary), delay_s=delay, **settings)
        with server as sandbox, _wire(sandbox.host, broken) as host:
            click.echo(settings_lines(sandbox, host))
            say(f"the page: {sandbox.host}/   (Ctrl-C ends it)")
            threading.Event().wait()


def _faults(text: str | None) -> Faults | None:
    """The faults that a text names.

    Raises:
        UsageError: it names none.
    """
    if text is None:
        return None
    from boxferry.sandbox.faults import Faults

    try:
        return Faults.parse(text)
    except ValueError as error:
        raise UsageError(f"--faults {text}: {error}") from None


@contextmanager
def _wire(host: str, faults: Faults | None) -> Iterator[str]:
    """The address of a proxy that breaks requests; without faults the host's own."""
    if faults is None:
        yield host
        return
    from boxferry.sandbox.faults import FaultyWire

    with FaultyWire(host, faults) as proxy:
        yield proxy.host


def sandbox_class() -> type[Sandbox]:
    """The sandbox's class.

    Raises:
        ConfigError: the extra is not installed.
    """
    try:
        from boxferry.sandbox.server import Sandbox
    except ModuleNotFoundError as error:
        raise ConfigError(f"the sandbox needs {error.name}: pip install '.[sandbox]'") from None
    return Sandbox


def settings_lines(sandbox: Sandbox, host: str) -> str:
    """The environment by which the commands find this sandbox at an address, as shell lines."""
    key = {"CLIENT_ID": sandbox.client_id, "CLIENT_SECRET": sandbox.client_secret}
    values = {"HOST": host, "PROJECT": sandbox.project, **key}
    return "\n".join(f"export DIFFGRAM_{name}={value}" for name, value in values.items())
