"""A command: its options in groups, its examples, and the options that every command has."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import click

from boxferry.cli.completing import Text
from boxferry.cli.examples import EXAMPLES
from boxferry.cli.help_groups import grouped
from boxferry.cli.logs import FORMATS, log_to_stderr
from boxferry.cli.mistakes import Choice, long_flag
from boxferry.cli.number import Number, NumberRange
from boxferry.cli.output import warn
from boxferry.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

ARGUMENTS: Final = "boxferry.arguments"  #: in a context's `meta`: the arguments as they were given
RENAMED: Final = {"--connections": "--parallel"}  #: an option's earlier name → its name
METAVARS: Final[dict[type, str]] = {
    type(click.INT): "N",
    click.IntRange: "N",
    Number: "NUMBER",
    NumberRange: "NUMBER",
    click.Path: "PATH",
}  #: what stands for a value in the help where an option does not say it
FIRST_COLUMN: Final = 30  #: characters at most


class Command(click.Command):
    """A command whose help stands in groups and ends with examples."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for param in self.params:
            if type(param.type) is click.Choice:
                param.type = Choice(param.type.choices)
            elif param.type is click.STRING:
                param.type = Text()
            if isinstance(param, click.Option) and param.metavar is None:
                param.metavar = METAVARS.get(type(param.type))

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then those of every command."""
        params = super().get_params(ctx)
        return [*params[:-1], *message_options(), params[-1]]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; an option's earlier name is taken, with a note."""
        ctx.meta[ARGUMENTS] = list(args)
        try:
            return super().parse_args(ctx, [_renamed(arg) for arg in args])
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group, and the examples."""
        records = {
            long_flag(param): record
            for param in self.shown_params(ctx)
            if (record := param.get_help_record(ctx)) is not None and isinstance(param, click.Option)
        }
        width = min(FIRST_COLUMN, max((len(first) for first, _ in records.values()), default=0))
        for title, flags in grouped(self.name or "", records):
            write_group(formatter, title, [records[flag] for flag in flags], width)
        self.format_more(ctx, formatter, width)
        _write_examples(formatter, self.name or "")

    def shown_params(self, ctx: click.Context) -> Sequence[click.Parameter]:
        """The parameters that stand in the groups."""
        return self.get_params(ctx)

    def format_more(self, ctx: click.Context, formatter: click.HelpFormatter, width: int) -> None:
        """Write what comes between the groups and the examples."""


def options(*each: Decorator) -> Decorator:
    """Several options as one decorator; in the help they stand in this order."""

    def added(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(each):
            command = option(command)
        return command

    return added


def choice(*names: str, words: Sequence[str], text: str) -> Decorator:
    """An option that takes one of several words, the first where it is left out; `text` is its help."""
    return click.option(*names, type=click.Choice(words), default=words[0], show_default=True, help=text)


def write_group(formatter: click.HelpFormatter, title: str, records: Iterable[tuple[str, str]], width: int) -> None:
    """Write one group, its second column where that of the others is."""
    with formatter.section(title):
        formatter.write_dl([(first.ljust(width), second) for first, second in records], col_max=FIRST_COLUMN)


def _write_examples(formatter: click.HelpFormatter, name: str) -> None:
    if name in EXAMPLES:
        with formatter.section("Examples"):
            for line in EXAMPLES[name]:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def _renamed(argument: str) -> str:
    flag, equals, value = argument.partition("=")
    if flag not in RENAMED:
        return argument
    warn(f"{flag} is now {RENAMED[flag]}; the old name works for one more release")
    return f"{RENAMED[flag]}{equals}{value}"


@cache
def message_options() -> tuple[click.Option, ...]:
    """The options that say how much is written on standard error."""
    return (
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_take_quiet,
            help="Write data and errors only: no progress, no counts.",
        ),
        click.Option(
            ["-v", "--verbose"],
            count=True,
            expose_value=False,
            callback=_take_verbose,
            help="Log what is done to standard error; twice for every call.",
        ),
        log_format_option(),
    )


def log_format_option() -> click.Option:
    """How log lines are written; it is found before the arguments are parsed, see `early`, and only checked here."""
    return click.Option(
        ["--log-format"],
        type=Choice(FORMATS),
        expose_value=False,
        help="Write each line on standard error as text or as a JSON object. [env: BOXFERRY_LOG_FORMAT; default: text]",
    )


def _take_quiet(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    session = ctx.find_object(Session)
    if value and session is not None:
        session.quiet = True


def _take_verbose(_ctx: click.Context, _param: click.Parameter, value: int) -> None:
    if value:
        log_to_stderr(value)
