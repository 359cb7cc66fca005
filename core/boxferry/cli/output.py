"""Words and tables for people on standard error, data on standard output."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import counted
from boxferry.cli.flags import flagged
from boxferry.cli.logs import write
from boxferry.cli.plain import plain
from boxferry.cli.session import Session
from boxferry.observing.names import Fact
from boxferry.system_errors import STDOUT, naming

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from boxferry.boxes.tally import Issue, Tally
    from boxferry.outbox.entry import Entry

SHOWN = frozenset({Code.BAD_BOX, Code.BAD_ROW, Code.BAD_SCORE, Code.CROWD, Code.UNKNOWN_LABEL})  #: with examples


def say(message: str, **facts: object) -> None:
    """One line for the user, on standard error; with --quiet nothing. `facts` are fields of a JSON line."""
    if not is_quiet():
        write(logging.INFO, message, facts)


def warn(message: str, **facts: object) -> None:
    """One line about something that went wrong, on standard error, with --quiet too. `facts` as in `say`."""
    write(logging.WARNING, message, facts)


def is_quiet() -> bool:
    """Whether the command that runs in this thread was given --quiet."""
    context = click.get_current_context(silent=True)
    session = context.find_object(Session) if context else None
    return session is not None and session.quiet


def tell(message: str) -> None:
    """A text for the user, on standard output: a line, or the lines of a table."""
    _write(plain(message, keep="\n"))


def write_json(value: Any) -> None:
    """One JSON object on standard output."""
    _write(msgspec.json.format(msgspec.json.encode(value)))


def write_record(value: Any) -> None:
    """One line of NDJSON on standard output."""
    _write(msgspec.json.encode(value))


def write_text(path: str, text: str) -> None:
    """A whole file, or standard output for '-'."""
    from boxferry.formats import output_stream

    with output_stream(Path(path)) as stream:
        stream.write(text.encode("utf-8", "replace"))


def _write(data: str | bytes) -> None:
    with naming(STDOUT):
        click.echo(data)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of text, numbers to the right."""
    cells = [[plain(str(cell)) for cell in row] for row in (header, *rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    right = [all(isinstance(row[i], int) for row in rows) for i in range(len(header))]
    lines = (
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        for line in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def entry_line(entry: Entry) -> str:
    """What happened to a file, why, and what to do about it."""
    from boxferry.destination import remedy_of

    remedy = remedy_of(entry.reason)
    return f"{entry.state} {entry.file_name}: {entry.reason}{f'; {flagged(remedy)}' if remedy else ''}"


def warn_of(entry: Entry) -> None:
    """One line about a packet that is not as it should be."""
    from boxferry.deliver.facts import entry_facts

    warn(entry_line(entry), **entry_facts(entry))


def issue_text(issue: Issue) -> str:
    """What happened to the input and where, with options as flags."""
    return str(msgspec.structs.replace(issue, message=flagged(issue.message)))


def say_tally(tally: Tally, *, before: str = "") -> None:
    """What was read, dropped and changed, one line each, with the first examples of what went wrong."""
    for line, issue in _tally_lines(tally):
        say(before + line, **_issue_facts(issue) if issue else {})


def _issue_facts(issue: Issue) -> dict[str, object]:
    facts = {Fact.CODE: issue.code, Fact.FILE: issue.source, Fact.LINE: issue.line, Fact.ITEM: issue.item}
    return {name.value: value for name, value in facts.items() if value not in {"", None}}


def _tally_lines(tally: Tally) -> Iterator[tuple[str, Issue | None]]:
    dropped = ", ".join(f"{n} {code}" for code, n in sorted(tally.dropped.items())) or "none"
    yield (
        f"{counted(tally.images, 'image')}, {counted(tally.read, 'box')} read, {tally.kept} kept; dropped: {dropped}",
        None,
    )
    if tally.changed:
        changed = (f"{n} {code}{tally.share(code)}" for code, n in sorted(tally.changed.items()))
        yield f"changed: {', '.join(changed)}", None
    if tally.nothing_left:
        yield f"nothing is left to send: {counted(tally.read, 'box')} read, {tally.read} dropped", None
    for issues in tally.examples.values():
        if issues[0].kind in {"error", "note"} or issues[0].code in SHOWN:
            for issue in issues[:3]:
                yield f"{issue.kind} {issue.code}: {issue_text(issue)}", issue
