"""An option's value that is a format's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxferry.cli.mistakes import Named, nearest
from boxferry.cli.session import Session

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem


class FormatName(Named):
    """The name of an installed format, or one of a few words more."""

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
        session = (ctx.find_object(Session) if ctx else None) or Session()
        formats = session.plugins.formats().items()
        return [*self.words, *(name for name, fmt in formats if not self.writes or fmt.write)]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself."""
        known = self.known(ctx)
        if value not in known:
            unwritten = self.writes and value in FormatName().known(ctx)
            wrong = "can be read, not written; choose" if unwritten else "is not"
            self.fail(f"'{value}' {wrong} one of {', '.join(known)}{nearest(value, known)}", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 # click's signature
        """The names that begin so."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self.known(ctx) if name.startswith(incomplete)]
