"""Text for a terminal: what steers one is shown, not sent, wherever the text came from."""

from __future__ import annotations

import logging
import re
from typing import Final

#: C0 and C1 controls, DEL, line separators, marks that turn the direction of text, and halves of surrogate pairs
STEERING: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def plain(text: str, *, keep: str = "") -> str:
    r"""The text with its control characters as escapes: '\x1b' for one that begins a terminal's command.

    Args:
        text: names, labels, words of a server or a plugin among them.
        keep: characters that stay as they are: a line feed, in a text of several lines.
    """
    return STEERING.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class PlainFormatter(logging.Formatter):
    """Writes log lines that steer no terminal; the lines of a traceback stay lines."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return plain(super().format(record), keep="\n")
