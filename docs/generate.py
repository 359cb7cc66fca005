"""Writes the pages that are made from the code: commands.md, codes.md, api.md, the names in guides/observability.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import boxferry
from boxferry import errors
from boxferry.boxes.codes import Code, Fault, Loss, Outcome
from boxferry.cli.app import COMMANDS, app
from boxferry.cli.command import ARGUMENTS, FIRST_COLUMN
from boxferry.cli.logs import LINE
from boxferry.cli.reading import ALL_FORMATS
from boxferry.cli.session import Session
from boxferry.observing.metrics_file import BATCH, ENDING
from boxferry.observing.names import PREFIX, Cause, Fact, Metric, Stage
from boxferry.outbox.outcome import State

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).parent
WIDTH = 100
MADE = "Made by `python docs/generate.py` from {}; a test checks that it is up to date.\n\n"

CODES_HEAD = """\
# Codes

Each box that is read is sent, or dropped with one of these codes; each image or file that fails has one too. They
appear in the summary of a command, in its `--json`, and in `boxferry validate --ndjson` with the file and the line.

"""
SECTIONS = {
    Outcome.WANTED: (
        "Left out as asked",
        "An option, the format, an earlier push or a person's decision leaves the box out. The exit code stays 0.",
    ),
    Outcome.DROPPED: ("Box dropped", "The box cannot be used. The exit code is 1 only where no box is left."),
    Outcome.FAILED: ("Image or file failed", "Nothing of it is sent, the others are. The exit code is 1."),
    Outcome.CHANGED: ("Box changed", "The box is kept with other numbers. The exit code stays 0."),
    Outcome.NOTED: ("Notes", "Nothing is changed or left out. The exit code stays 0."),
}
PLUGINS = """\
## Plugins

A box that a plugin leaves out is counted as `plugin-NAME`, one that a step of a Python program leaves out as
`step-NAME`. The exit code stays 0. A plugin's own format may use codes
of its own.

"""


def commands_page() -> str:
    """The text of docs/commands.md."""
    settings = app.context_settings | {"terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(app, info_name="boxferry", obj=Session(disabled=()), **settings)
    sections = [f"## boxferry\n\n```text\n{app.get_help(context)}\n```\n"]
    for name in sorted(COMMANDS):
        command = app.get_command(context, name)
        child = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH, max_content_width=WIDTH)
        sections.append(f"## boxferry {name}\n\n```text\n{command.get_help(child)}\n```\n")
    sections.append(_formats_section(context))
    return "# Commands\n\n" + MADE.format("what `--help` prints") + "\n".join(sections)


def _formats_section(parent: click.Context) -> str:
    """The options that formats have, as every command that reads takes them."""
    command = app.get_command(parent, "convert")
    child = click.Context(command, info_name="convert", parent=parent, terminal_width=WIDTH, max_content_width=WIDTH)
    child.meta[ARGUMENTS] = [ALL_FORMATS]
    formatter = child.make_formatter()
    command.format_more(child, formatter, FIRST_COLUMN)
    text = formatter.getvalue().strip()
    return f"## Options of the formats\n\nOf every command that reads a SOURCE.\n\n```text\n{text}\n```\n"


def codes_page() -> str:
    """The text of docs/codes.md."""
    parts = [CODES_HEAD + MADE.format("`boxferry.boxes.codes` and `boxferry.errors`")]
    for outcome, (title, what) in SECTIONS.items():
        rows = ((code, code.meaning, code.remedy) for code in sorted(Code) if code.outcome is outcome)
        parts.append(f"## {title}\n\n{what}\n\n{_table(('code', 'what was found', 'what to do'), rows)}\n")
    parts.append(PLUGINS)
    for title, what, words in (
        ("Lost by a collector", "The keys of `report.lost`, beside the codes of files that failed.", Loss),
        ("Found by `status --check`", "The field `problem` of `boxferry status --check --json`.", Fault),
    ):
        rows = ((word, word.meaning, word.remedy) for word in sorted(words))
        parts.append(f"## {title}\n\n{what}\n\n{_table(('code', 'what was found', 'what to do'), rows)}\n")
    parts.append(
        f"## Errors and exit codes\n\n{ERRORS_HEAD}{_table(('error', 'exit code', 'what happened'), _errors())}"
    )
    return "\n".join(parts)


ERRORS_HEAD = """\
A command that cannot continue ends with one line and one of these exit codes. In Python the same line is the text
of the exception.

| exit code | meaning |
|---|---|
| 0 | everything is done |
| 1 | some items failed; the others are done |
| 2 | usage, format or configuration: nothing was done |
| 3 | the server does not accept the credentials, or they do not permit this |
| 4 | the server cannot be reached, or it is not known whether it acted |
| 5 | the server had not finished at the time limit, or a packet is stuck |
| 130 | interrupted with Ctrl-C |
| 143 | ended by SIGTERM, as with Ctrl-C: what was in flight has ended |

"""


API_HEAD = """\
# Python

Functions, classes and errors are imported from `boxferry`. [Results in memory](live.md), [reviews](review.md#in-python)
and [a team's weeks](weeks.md#in-python) show it at work. Errors are listed with their exit codes under
[codes](codes.md#errors-and-exit-codes).

"""


MODULES = {
    "Integrations": [
        f"integrations.{name}" for name in ("fiftyone", "huggingface", "lightning", "ray", "serving", "ultralytics")
    ],
    "For plugins": ["hookspecs", "parsing.gather", "parsing.values", "parsing.scatter"],
}  #: modules that are imported by their own names


def api_page() -> str:
    """The text of docs/api.md: the public names, which mkdocstrings fills in from their docstrings."""
    kinds: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": [], "Values": []}
    for name in sorted(boxferry.__all__, key=lambda name: (name != "Diffgram", name.lower())):
        kinds[_kind(getattr(boxferry, name))].append(name)
    parts = [API_HEAD + MADE.format("`boxferry.__all__`")]
    for kind, names in kinds.items():
        if names:
            parts.append(f"## {kind}\n")
            parts += [f"::: boxferry.{name}\n" for name in names]
    for title, modules in MODULES.items():
        parts.append(f"## {title}\n")
        parts += [f"::: boxferry.{name}\n    options:\n      show_root_full_path: true\n" for name in modules]
    return "\n".join(parts)


def _kind(value: object) -> str:
    if isinstance(value, type):
        return "Errors" if issubclass(value, errors.BoxferryError) else "Classes"
    return "Functions" if callable(value) else "Values"


def _errors() -> Iterable[tuple[str, int, str]]:
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.BoxferryError):
            yield error.__name__, error.exit_code, (error.__doc__ or "").partition("\n")[0]


def _table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [f"| `{first}` | {' | '.join(map(str, rest))} |" for first, *rest in rows]
    return "\n".join([f"| {' | '.join(header)} |", "|---" * len(header) + "|", *lines]) + "\n"


MADE_BELOW = "<!-- made by docs/generate.py -->\n"


def observability_page() -> str:
    """The text of docs/guides/observability.md: what is written by hand, then every name."""
    written, _, _ = (FOLDER / "guides" / "observability.md").read_text(encoding="utf-8").partition(MADE_BELOW)
    words = {"command": "The command's name.", BATCH: "The file's name without its suffix."}
    states = ", ".join(f"`{state}`" for state in State)
    causes = "".join(f"- `{cause}`: {cause.meaning}\n" for cause in Cause)
    tables = (
        "## All spans\n",
        _table(("span", "what it covers"), ((stage.span, stage.meaning) for stage in Stage)),
        "## All metrics\n",
        "A label is the attribute `boxferry.<label>` in OpenTelemetry. The gauges are in the metrics file only.\n",
        _table(
            ("OpenTelemetry", "kind", "unit", "metrics file", "label", "meaning"),
            ((m.instrument, m.kind, f"`{m.unit}`", f"`{m.series}`", _code(m.label), m.meaning) for m in Metric),
        ),
        "In the metrics file alone, on all of its lines or as lines of their own:\n",
        _table(("name", "meaning"), [*words.items(), *((f"{PREFIX}_{name}", what) for name, what in ENDING.items())]),
        f"Values of the label `state`: {states}. Those of `code` are the [codes](../codes.md). Those of `cause`:\n",
        causes,
        "## All fields of a log line\n",
        "The first four are on each line, the others where they are known.\n",
        _table(
            ("field", "attribute of a span", "meaning"),
            [*((name, "", what) for name, what in LINE.items()), *((f, f"`{f.attribute}`", f.meaning) for f in Fact)],
        ),
    )
    return written + MADE_BELOW + "\n" + "\n".join(tables)


def _code(word: str) -> str:
    return f"`{word}`" if word else ""


PAGES = {
    "commands.md": commands_page,
    "codes.md": codes_page,
    "api.md": api_page,
    "guides/observability.md": observability_page,
}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
