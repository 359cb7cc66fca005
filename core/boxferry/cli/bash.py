"""Completion in bash, which takes a word apart at its equals signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.shell_completion import BashComplete

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class BashWords(BashComplete):
    """Puts words together that bash hands over in parts, and answers with the last part alone."""

    def source(self) -> str:
        """The script; unlike click's it starts no second bash to ask for its version."""
        return self.source_template % self.source_vars()

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is typed, and that one."""
        args, incomplete = super().get_completion_args()
        words = [*args, incomplete]
        for place in range(len(words) - 1, 0, -1):
            if words[place].startswith("="):
                words[place - 1 : place + 2] = ["".join(words[place - 1 : place + 2])]
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """The line for the script: what comes after the last equals sign of what is typed."""
        typed = super().get_completion_args()[1]
        whole = self.get_completion_args()[1]
        begin = whole[: len(whole) - len(typed)] if typed != "=" else whole
        value = str(item.value).removeprefix(begin) if item.type == "plain" else item.value
        return f"{item.type},{value}"
