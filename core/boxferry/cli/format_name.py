"""An option's value that is a format's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.mistakes import Named, nearest
from boxferry.cli.session import Session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from boxferry.cli.command import Decorator
    from boxferry.formats import Format


class FormatName(Named):
    """The name of an installed format that a path can hold, or one of a few words more."""

    def __init__(self, *words: str, writes: bool = False) -> None:
        """Say what is taken.

        Args:
            words: what else is taken.
            writes: the format has to be one that can be written.
        """
        self.words = words
        self.writes = writes

    def known(self, ctx: click.Context | None) -> list[str]:
        """What is taken: the words, and the formats' names."""
        formats = _formats(ctx).items()
        return [*self.words, *(name for name, fmt in formats if not fmt.live and (fmt.write or not self.writes))]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself."""
        known = self.known(ctx)
        if value not in known:
            self.fail(
                f"'{value}' {_wrong(_formats(ctx).get(value))} {', '.join(known)}{nearest(value, known)}", param, ctx
            )
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 # click's signature
        """The names that begin so."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self.known(ctx) if name.startswith(incomplete)]


def to_option(*words: str, default: str, text: str) -> Decorator:
    """The format that is written, or one of a few words; `text` is the help."""
    kind = FormatName(*words, writes=True)
    return click.option(
        "--to", "target_format", type=kind, default=default, show_default=True, metavar="NAME", help=text
    )


def _formats(ctx: click.Context | None) -> dict[str, Format]:
    session = (ctx.find_object(Session) if ctx else None) or Session()
    return session.plugins.formats()


def _wrong(fmt: Format | None) -> str:
    """What is wrong with a name, up to the list of those that are taken."""
    if fmt is None:
        return "is not one of"
    if fmt.live:
        return "is of results in memory, which boxferry.read takes in Python; choose one of"
    return "can be read, not written; choose one of"
