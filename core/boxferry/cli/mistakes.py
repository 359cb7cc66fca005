"""What is wrong with an argument, as one line with its remedy."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.meant import meant

if TYPE_CHECKING:
    from collections.abc import Iterable


class Choice(click.Choice[Any]):
    """One of several words; a wrong one is answered with the list and the nearest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The word itself."""
        if value not in self.choices:
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}{nearest(value, self.choices)}", param, ctx)
        return value


class Named(click.ParamType[str]):
    """One of several names that are known only when they are asked for."""

    name = "name"

    def known(self, ctx: click.Context | None) -> list[str]:
        """What is taken."""
        raise NotImplementedError


def nearest(word: object, known: Iterable[str]) -> str:
    """'; did you mean 'x'?', or nothing where no known word is near."""
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def long_flag(param: click.Parameter) -> str:
    """The long form of an option; the metavar of an argument."""
    if isinstance(param, click.Argument):
        return param.metavar or (param.name or "").upper()
    return next((name for name in param.opts if name.startswith("--")), param.opts[0])


def one_line(error: click.ClickException) -> str:
    """The place, what is wrong, and where help is."""
    message = error.message.rstrip(".")
    match error:
        case click.NoSuchOption():
            return f"no option {error.option_name}{_near_option(error)}{_see_help(error.ctx)}"
        case click.MissingParameter(param=click.Parameter() as param):
            return f"{long_flag(param)} is missing{_see_help(error.ctx)}"
        case click.BadParameter(param=click.Parameter() as param):
            return f"{long_flag(param)}: {message}"
        case click.BadOptionUsage():
            return f"{error.option_name}: {_without_name(message, error.option_name)}{_known(error)}"
        case click.UsageError():
            return f"{message[:1].lower()}{message[1:]}{_see_help(error.ctx)}"
    return message


def _near_option(error: click.NoSuchOption) -> str:
    if error.ctx is None:
        return ""
    command = error.ctx.command
    known = [flag for param in command.get_params(error.ctx) for flag in param.opts if flag.startswith("--")]
    return meant(error.option_name, command, error.ctx) or nearest(error.option_name, known).replace("'", "")


def _without_name(message: str, name: str) -> str:
    """Click's words, which begin with the name that stands before them here."""
    return message.removeprefix(f"Option {name!r} ").replace("requires an argument", "a value is missing")


def _known(error: click.BadOptionUsage) -> str:
    """What the option takes, where that is a list; else where help is."""
    for param in error.ctx.command.get_params(error.ctx) if error.ctx else ():
        if error.option_name in param.opts and (listed := _listed(param.type, error.ctx)):
            return f"; choose one of {', '.join(map(str, listed))}"
    return _see_help(error.ctx)


def _listed(kind: click.ParamType[Any], ctx: click.Context | None) -> Iterable[str]:
    match kind:
        case click.Choice():
            return kind.choices
        case Named():
            return kind.known(ctx)
    return ()


def _see_help(ctx: click.Context | None) -> str:
    return f" (see {ctx.command_path} --help)" if ctx else ""
