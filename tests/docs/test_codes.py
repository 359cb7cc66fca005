"""docs/codes.md has every code and error of the code, and the code has no other."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

import click
import pytest

from boxferry import errors
from boxferry.boxes.codes import ASKED_FOR, WANTED, Code, Fault, Loss, Outcome
from boxferry.cli.app import COMMANDS, app
from boxferry.cli.session import Session

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("core", "adapters") for path in sorted((ROOT / folder).rglob("*.py"))]
HOME = ROOT / "core" / "boxferry" / "boxes" / "codes.py"
COUNTING = {"skip", "fail", "note", "drop", "discard", "change", "without", "remark", "lose"}
COUNTING |= {"Problem", "BadBox", "BadImage", "LeftOut"}


@pytest.fixture(scope="module")
def generate():
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def text(path):
    return path.read_text(encoding="utf-8")


@cache
def options():
    """Every option of every command, as it is written on the command line."""
    context = click.Context(app, obj=Session(disabled=()), **app.context_settings)
    commands = [app.get_command(context, name) for name in COMMANDS]
    return {each for command in commands for option in command.get_params(context) for each in option.opts}


@pytest.mark.parametrize("name", ["codes.md", "api.md", "guides/observability.md"])
def test_the_page_is_what_the_code_says(generate, name):
    """Run docs/generate.py after changing a code, an error or a public name."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generate.PAGES[name]()


def test_the_page_has_every_code_and_error(generate):
    page = generate.codes_page()
    words = [*Code, *Loss, *Fault]
    names = [name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)]
    assert len(words) > 140
    assert not [each for each in [*words, *names] if f"| `{each}` |" not in page]


def test_every_code_is_used():
    """One that no line counts under would be a promise of nothing."""
    uses = re.compile(r"\b(?:Code|Loss|Fault)\.(\w+)")
    used = {name for path in SOURCES if path != HOME for name in uses.findall(text(path))}
    assert not [each.name for words in (Code, Loss, Fault) for each in words if each.name not in used]


def strings_of(call):
    """The strings among the arguments of a call that counts something."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name not in COUNTING:
        return []
    return [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def test_no_code_is_written_as_a_string():
    """Where something is counted: a word that is misspelt would be a code without a meaning."""
    for path in (path for path in SOURCES if re.search(rf"\b(?:{'|'.join(COUNTING)})\(", text(path))):
        for call in (node for node in ast.walk(ast.parse(text(path))) if isinstance(node, ast.Call)):
            assert not [each for each in strings_of(call) if re.fullmatch(r"[a-z0-9-]+", each)], (path, call.lineno)


def test_the_sentences_are_sentences_and_their_options_exist():
    for word in (*Code, *Loss, *Fault):
        for sentence in (word.meaning, word.remedy):
            assert re.fullmatch(r"[A-Z`].*\.", sentence), word
        named = set(re.findall(r"--[a-z][a-z-]*", word.meaning + word.remedy))
        assert named <= options(), (word, named - options())


def test_what_is_wanted_never_ends_a_strict_run():
    """And what is left out as asked keeps the exit code 0."""
    assert WANTED < ASKED_FOR
    assert {code for code in Code if code.outcome is Outcome.WANTED} == WANTED
