"""The command group; each command's module is imported when the command is called."""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from boxferry.cli.session import Session
from boxferry.errors import BoxferryError, UsageError
from boxferry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "convert": "boxferry.cli.convert",
    "demo": "boxferry.cli.demo",
    "formats": "boxferry.cli.listing",
    "evaluate": "boxferry.cli.review",
    "labels": "boxferry.cli.labels",
    "plugins": "boxferry.cli.listing",
    "preview": "boxferry.cli.preview",
    "pull": "boxferry.cli.review",
    "push": "boxferry.cli.push",
    "report": "boxferry.cli.review",
    "resume": "boxferry.cli.resume",
    "runs": "boxferry.cli.labels",
    "sandbox": "boxferry.cli.sandbox",
    "status": "boxferry.cli.status",
    "validate": "boxferry.cli.validate",
}
INTERRUPTED = 130
TRACEBACK_VARIABLE = "BOXFERRY_TRACEBACK"


class LazyGroup(click.Group):
    """A group whose commands are imported one by one, since `--help` of one needs no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's signature
        """The names, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # click's signature
        """The command of this name; its module holds it as `<name>_command`."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name]), f"{cmd_name}_command")
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name}_command is no command")
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="boxferry %(version)s")
@click.option("-v", "--verbose", count=True, help="Log what is done to standard error; twice for every call.")
@click.option("--disable-plugin", "disabled", multiple=True, metavar="NAME", help="Leave a plugin out; repeatable.")
@click.pass_context
def app(ctx: click.Context, verbose: int, disabled: tuple[str, ...]) -> None:
    """Carry a detection model's boxes to Diffgram, where people correct them."""
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    logging.basicConfig(stream=sys.stderr, level=level, format="%(name)s: %(message)s")
    ctx.obj = Session(disabled=disabled or None)


def run(arguments: Sequence[str]) -> int:
    """Run the command line with these arguments; gives the exit code."""
    try:
        code = app.main(args=list(arguments), prog_name="boxferry", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        return _end("interrupted", INTERRUPTED)
    except Exception as error:  # noqa: BLE001 # no traceback for a user's mistake
        return _ended_by(error)
    return code if isinstance(code, int) else 0


def _ended_by(error: Exception) -> int:
    match error:
        case click.ClickException():
            error.show(sys.stderr)
            return error.exit_code
        case BoxferryError():
            return _end(str(error), error.exit_code)
        case BrokenPipeError():
            return _closed_pipe()
        case OSError():
            return _end(f"{error.filename or 'the system'}: {error.strerror or error}", UsageError.exit_code)
    if os.environ.get(TRACEBACK_VARIABLE):
        raise error
    return _end(f"a fault of boxferry itself: {error!r}; {TRACEBACK_VARIABLE}=1 shows where, please report it", 1)


def _end(message: str, code: int) -> int:
    click.echo(f"boxferry: {message}", err=True)
    return code


def _closed_pipe() -> int:
    """The reader of our output went away (`| head`): end quietly, without Python's own complaint at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
