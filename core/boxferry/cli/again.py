"""The command that was given, to be shown again with a few options changed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from boxferry.cli.mistakes import long_flag

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence


def command_again(
    context: click.Context,
    *,
    name: str = "",
    arguments: bool = True,
    without: Collection[str] = (),
    only: Collection[str] | None = None,
    more: Sequence[str] = (),
) -> str:
    """The command line of a context, quoted for the shell.

    Args:
        context: of the command that runs.
        name: another command, which takes the same arguments.
        arguments: with what the command was given beside its options.
        without: flags to leave out.
        only: the flags that are taken along; None for all.
        more: arguments to add.
    """
    given = _options(context, lambda flag: flag not in without and (only is None or flag in only))
    positional = _arguments(context) if arguments else ()
    return shlex.join(["boxferry", name or context.info_name or "", *positional, *given, *more])


def _arguments(context: click.Context) -> Iterator[str]:
    for param in context.command.params:
        if isinstance(param, click.Argument):
            value = context.params.get(param.name or "")
            yield from (str(each) for each in (value if isinstance(value, (list, tuple)) else [value] if value else []))


def _options(context: click.Context, wanted: Callable[[str], bool]) -> Iterator[str]:
    """The options as they were given."""
    for param in context.command.get_params(context):
        name, flag = param.name or "", long_flag(param)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not isinstance(param, click.Option) or not given or not wanted(flag) or name not in context.params:
            continue
        value = context.params[name]
        if value is False:
            yield next(iter(param.secondary_opts), flag)
        elif param.is_flag:
            yield flag
        else:
            for each in value if isinstance(value, tuple) else (value,):
                yield from (flag, str(each))
