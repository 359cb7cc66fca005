"""The command group; each command's module is imported when the command is called."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from importlib import import_module
from typing import TYPE_CHECKING

import click

from boxferry.cli.command import log_format_option
from boxferry.cli.early import early
from boxferry.cli.flags import told
from boxferry.cli.help_groups import COMMANDS as COMMAND_GROUPS
from boxferry.cli.logs import log_to_stderr, write
from boxferry.cli.metrics import metered
from boxferry.cli.mistakes import nearest, one_line
from boxferry.cli.session import Session
from boxferry.errors import BoxferryError, UsageError
from boxferry.observing.names import Fact
from boxferry.stopping import INTERRUPTED
from boxferry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

COMMANDS = {
    "adopt": ("adopt", "Add a run to this outbox that another machine pushed."),
    "completion": ("completion", "Complete commands, options, runs, formats and labels with Tab."),
    "convert": ("convert", "Convert predictions to packets or to another format."),
    "dedupe": ("dedupe", "Remove boxes of a run that the server stored twice."),
    "demo": ("demo", "Push, correct, pull and report on a sandbox; needs no server."),
    "doctor": ("doctor", "Check settings, server, key, outbox and plugins, each with its remedy."),
    "evaluate": ("evaluate", "Compute COCO metrics of runs or result files."),
    "formats": ("listing", "List the formats that can be read and written."),
    "init": ("init", "Write the configuration file, and check that the server accepts it."),
    "init-plugin": ("init_plugin", "Write a plugin for a format of your own, to start from."),
    "labels": ("labels", "List the labels, compare classes with them, create missing ones."),
    "nightly": ("nightly", "Resume earlier runs, push a new one, verify: one command for cron."),
    "plugins": ("listing", "List the installed plugins, with the reason where one failed."),
    "preview": ("preview", "Write a page that shows the boxes before they are sent."),
    "pull": ("review", "Write corrected boxes in any format, or a training dataset."),
    "push": ("push", "Send predictions, annotations or images to Diffgram."),
    "report": ("review", "Report what people changed, for runs or for a period."),
    "resume": ("resume", "Continue a run that was interrupted."),
    "retire": ("retire", "Remove the unchanged boxes of a run or a model from the server."),
    "runs": ("runs", "List runs: model, directory, dates, boxes, source, review progress."),
    "sandbox": ("sandbox", "Run a Diffgram-compatible server on this machine."),
    "status": ("status", "List the runs in the outbox, or the packets of one."),
    "validate": ("validate", "Check predictions without a server: what would be dropped, and why."),
    "work": ("work", "List what is left to review, the most useful first."),
}  #: name → its module in this folder, and what `boxferry --help` says of it
COMPLETE_VARIABLE = "_BOXFERRY_COMPLETE"  #: set by a shell that completes a word
TRACEBACK_VARIABLE = "BOXFERRY_TRACEBACK"


class LazyGroup(click.Group):
    """A group whose commands are imported one by one: a command needs no other, and the list of them needs none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's signature
        """The names, in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # click's signature
        """The command of this name; its module holds it as `<name>_command`, hyphens as underscores."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(
            import_module(f"boxferry.cli.{COMMANDS[cmd_name][0]}"), f"{cmd_name.replace('-', '_')}_command"
        )
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name}_command is no command")
        if command.help:  # the docstring is a raw one: click wants the character, to leave the lines as they are
            command.help = command.help.replace("\\b\n", "\b\n")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"no command '{args[0]}'{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names and options that begin so; no command is imported."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, (_, text) in sorted(COMMANDS.items())]
        matching = [item for item in found if item.value.startswith(incomplete)]
        return matching or click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # likewise
        """The names with what they do, in groups."""
        width = max(map(len, COMMANDS))
        left = set(COMMANDS).difference(*COMMAND_GROUPS.values())
        for title, names in (*COMMAND_GROUPS.items(), ("More commands", sorted(left))):
            rows = [(name.ljust(width), COMMANDS[name][1]) for name in names if name in COMMANDS]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="boxferry %(version)s")
@click.option("-q", "--quiet", is_flag=True, help="Write data and errors only: no progress, no counts.")
@click.option("-v", "--verbose", count=True, help="Log what is done to standard error; twice for every call.")
@click.option("--disable-plugin", "disabled", multiple=True, metavar="NAME", help="Leave a plugin out; repeatable.")
@click.pass_context
def app(ctx: click.Context, quiet: bool, verbose: int, disabled: tuple[str, ...]) -> None:
    """Send a detection model's boxes to Diffgram, where people correct them, and fetch the corrections.

    Begin with `boxferry demo`, which needs no server, or with `boxferry init`, which asks for yours.
    """
    log_to_stderr(verbose)
    ctx.obj = Session(disabled=disabled or None, quiet=quiet)


app.params.insert(-1, log_format_option())


def run(arguments: Sequence[str]) -> int:
    """Run the command line with these arguments; gives the exit code."""
    if COMPLETE_VARIABLE in os.environ:
        from click.shell_completion import add_completion_class

        from boxferry.cli.bash import BashWords

        add_completion_class(BashWords)
    log_to_stderr(0, "text")
    try:
        found = early(arguments, COMMANDS)
        log_to_stderr(0, found.log_format)
        return metered(found, lambda: _run(arguments))
    except (KeyboardInterrupt, BoxferryError, OSError) as error:
        return _ended_by(error)


def _run(arguments: Sequence[str]) -> int:
    try:
        code = _called(list(arguments))
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 # no traceback for a user's mistake
        return _ended_by(error)
    return code if isinstance(code, int) else 0


def _called(arguments: list[str]) -> object:
    """What the command returns; without click's `main`, which writes a line of its own where Ctrl-C comes."""
    if COMPLETE_VARIABLE in os.environ:
        return app.main(arguments, prog_name="boxferry", standalone_mode=False)
    try:
        with app.make_context("boxferry", arguments) as context:
            return app.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code


def _ended_by(error: BaseException) -> int:
    match error:
        case KeyboardInterrupt() | click.Abort():
            return _end(str(error) or "interrupted", getattr(error, "exit_code", INTERRUPTED))
        case click.ClickException():
            return _end(one_line(error), error.exit_code)
        case BoxferryError():
            return _end(told(error), error.exit_code)
        case BrokenPipeError():
            return _closed_pipe()
        case OSError():
            return _end(f"{error.filename or _unnamed()}: {error.strerror or error}", UsageError.exit_code)
    if os.environ.get(TRACEBACK_VARIABLE):
        raise error
    return _end(f"a fault of boxferry itself: {error!r}; {TRACEBACK_VARIABLE}=1 shows where, please report it", 1)


def _unnamed() -> str:
    """Where an error of the system is that names no file."""
    try:
        return f"a temporary file in {tempfile.gettempdir()}, or another open file"
    except FileNotFoundError:  # none can be made: that is the error
        return "TMPDIR"


def _end(message: str, code: int) -> int:
    write(logging.ERROR, f"boxferry: {message}", {Fact.EXIT_CODE: code}, keep="\n")
    return code


def _closed_pipe() -> int:
    """The reader of our output went away (`| head`): end quietly, without Python's own complaint at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
