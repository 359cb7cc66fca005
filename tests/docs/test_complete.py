"""Every option, extra, public name, setting and error message that the pages quote: all stand in the documentation."""

import re
import tomllib
from pathlib import Path

import click
import pytest

import boxferry
from boxferry.cli.app import COMMANDS, app
from boxferry.cli.session import Session
from boxferry.diffgram.profiles import FLAGS, TEXTS
from docs.blocks import DOCS, ROOT

SOURCES = sorted((ROOT / "core").rglob("*.py")) + sorted((ROOT / "adapters").rglob("*.py"))
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EVERY_PAGE = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_stands_in_the_reference(name):
    context = click.Context(app, obj=Session(disabled=()), **app.context_settings)
    command = app.get_command(context, name)
    section = re.search(rf"^## boxferry {name}\n(.*?)(?=^## |\Z)", page("commands.md"), re.DOTALL | re.MULTILINE)[1]
    visible = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    options = {opt for each in visible if isinstance(each, click.Option) for opt in each.opts}
    section += page("commands.md").partition("## Options of the formats\n")[2]
    assert not [opt for opt in options if not re.search(rf"{opt}\b", section)]


@pytest.mark.parametrize("key", TEXTS)
def test_every_configuration_key_stands_in_the_page_with_its_variable(key):
    assert f"| `{key}` | `DIFFGRAM_{key.upper()}` |" in page("configuration.md")


def test_every_switch_of_the_configuration_stands_in_the_page():
    assert not [key for key in FLAGS if f"| `{key}` |" not in page("configuration.md")]


def test_every_variable_of_the_environment_stands_in_the_page():
    """Those that the code reads; DIFFGRAM_ alone is how their names begin."""
    named = set(re.findall(r"\b(?:DIFFGRAM|BOXFERRY)_[A-Z_]*[A-Z]\b", SOURCE))
    assert {"DIFFGRAM_HOST", "BOXFERRY_OUTBOX"} <= named
    assert not [each for each in named if f"`{each}`" not in page("configuration.md")]


@pytest.mark.parametrize("extra", PROJECT["project"]["optional-dependencies"])
def test_every_extra_stands_in_the_page_of_the_beginning(extra):
    assert f"| `{extra}` |" in page("index.md")


def test_the_hints_in_messages_name_extras_that_there_are():
    """As they are installed now: out of a clone, not from an index."""
    extras = set(PROJECT["project"]["optional-dependencies"])
    texts = [SOURCE, EVERY_PAGE, (ROOT / "README.md").read_text(encoding="utf-8")]
    for text in texts:
        assert "pip install 'boxferry[" not in text
        named = {
            each for names in re.findall(r"pip install (?:-e )?'\.\[([\w,]+)\]'", text) for each in names.split(",")
        }
        assert named
        assert named <= extras


@pytest.mark.parametrize("name", boxferry.__all__)
def test_every_public_name_stands_in_the_reference(name):
    assert re.search(rf"^::: boxferry\.{name}$", page("api.md"), re.MULTILINE)


def test_the_messages_that_troubleshooting_quotes_are_those_of_the_code():
    rows = re.findall(r"^\| (.*?) \|", page("troubleshooting.md"), re.MULTILINE)
    quoted = [text for row in rows for text in re.findall(r"^`([^`]+)`", row)]
    assert len(quoted) > 15
    assert not [text for text in quoted if text not in SOURCE]


def test_every_page_is_in_the_navigation():
    """And the navigation has no other."""
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]

    def paths(entries):
        for entry in entries:
            value = next(iter(entry.values())) if isinstance(entry, dict) else entry
            yield from paths(value) if isinstance(value, list) else [value]

    assert sorted(paths(site["nav"])) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    assert Path(ROOT / site["docs_dir"]) == DOCS


def test_the_readme_names_every_command_and_no_other():
    """In its table."""
    table = re.search(r"\| command \| does \|\n(.*?)\n\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[
        1
    ]
    named = {name for row in table.splitlines() for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
    assert named == set(COMMANDS)


def test_the_sdist_holds_what_the_tests_read():
    """So that they run out of it; hatchling always takes pyproject.toml."""
    included = {path.strip("/") for path in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    read = {name for text in tests for name in re.findall(r'\bROOT / "([^"/]+)', text)} - {"pyproject.toml"}
    assert {"docs", "fixtures", "examples"} <= read
    assert read <= included
    assert all((ROOT / name).exists() for name in included)
