"""How log lines on standard error are written: for people, or each as one JSON object for a machine."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from boxferry.cli.plain import PlainFormatter, plain
from boxferry.observing.events import known
from boxferry.observing.logged import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS: Final = ("text", "json")
LINE: Final = {
    "time": "When it was written, in UTC, as in RFC 3339.",
    "level": "`debug`, `info`, `warning` or `error`.",
    "logger": "The part of boxferry, or of a library, that wrote it.",
    "message": "The line as it is in text.",
    "traceback": "The traceback of an error, where one is logged.",
}  #: the fields that a line has besides the facts → what they mean


class JsonFormatter(logging.Formatter):
    """Writes a log line as a JSON object, in ASCII: nothing in it steers a terminal or breaks the line."""

    def format(self, record: logging.LogRecord) -> str:
        """The object: the fields of every line, then the facts."""
        facts: Mapping[str, object] = {**known(), **getattr(record, FIELDS, {})}
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"time": time, "level": record.levelname.lower(), "logger": record.name, "message": _message(record)}
        ending = {"traceback": self.formatException(record.exc_info)} if record.exc_info else {}
        return json.dumps({**head, **facts, **ending}, default=str)


def _message(record: logging.LogRecord) -> str:
    """The line; where its arguments do not fit, of which logging would complain in lines of its own, as they are."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 # a library's mistake, in a text of its own
        return f"{record.msg!r} {record.args!r}"


def log_to_stderr(verbose: int, style: str | None = None) -> None:
    """Log to standard error: warnings; with 1 what is done; with 2 every call.

    Args:
        verbose: how much.
        style: one of `FORMATS`; the one that was chosen before where left out.
    """
    as_json = is_json() if style is None else style == "json"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter("%(name)s: %(message)s"))
    level = {0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG)
    logging.basicConfig(handlers=[handler], level=level, force=True)


def is_json() -> bool:
    """Whether each line is to be a JSON object."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


def write(level: int, message: str, facts: Mapping[str, object], *, keep: str = "") -> None:
    """Write one line on standard error, whatever the level of the log.

    Args:
        level: of `logging`.
        message: the line.
        facts: see `Fact`; in text they are left out.
        keep: characters that stay as they are in text.
    """
    import click

    if is_json():
        record = logging.LogRecord("boxferry.cli", level, "", 0, "%s", (message,), None)
        setattr(record, FIELDS, facts)
        click.echo(JsonFormatter().format(record), err=True)
    else:
        click.echo(plain(message, keep=keep), err=True)


def draws() -> bool:
    """Whether something that moves may be drawn: standard error is a terminal, and its lines are for people."""
    return sys.stderr.isatty() and not is_json()
