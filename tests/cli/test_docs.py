"""The documentation says what is true now."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from boxferry.cli.app import run as boxferry

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def marked(kind: str, language: str) -> str:
    """The README's code block that is marked to be run."""
    return re.search(rf"<!-- run: {kind} -->\n```{language}\n(.*?)```", README, re.DOTALL).group(1)


def test_every_command_stands_in_the_page_as_its_help_says():
    """docs/commands.md is made by docs/generate.py; run that after changing an option."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / "docs" / "commands.md").read_text() == generate.commands_page()


@pytest.mark.parametrize("name", ["nightly", "retire", "work", "runs", "status", "labels", "pull", "report"])
def test_the_examples_of_a_help_stand_a_line_each(name, capsys):
    """So that they can be copied."""
    assert boxferry([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert "\\b" not in told
    assert f"\n  boxferry {name} " in told
    assert not re.search(rf"boxferry {name} .* boxferry {name}", told)


@pytest.fixture
def clone(tmp_path):
    """A folder that holds the fixtures, as a clone does."""
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    return tmp_path


@pytest.mark.parametrize("line", marked("convert", "sh").splitlines())
def test_the_readmes_commands_run(line, clone):
    """Each line that needs no server ends with exit code 0."""
    program = "from boxferry.cli.main import main; main()"
    arguments = shlex.split(line, comments=True)[1:]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_readmes_python_runs(clone, sandbox, monkeypatch, capsys):
    """Against a sandbox in place of one's own server."""
    monkeypatch.chdir(clone)
    for name, value in {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(clone / "outbox.sqlite"),
    }.items():
        monkeypatch.setenv(name, value)
    exec(compile(marked("python", "python"), "README.md", "exec"), {})
    assert "applied" in capsys.readouterr().out


def test_every_relative_link_leads_somewhere():
    """In all Markdown pages of the project."""
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + list(
        (ROOT / "docs").glob("*.md")
    )
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


ROOMS = ("plan", "stored", "deliver", "collector", "upkeep", ".")  #: of core, where a push counts what it leaves out


def test_the_rules_for_labels_of_one_name_and_for_plans_are_written_down():
    """Which of two label files counts, and where a plan's uploads may lie."""
    page = " ".join((ROOT / "docs" / "sending.md").read_text().split())
    assert re.search(r"several label files of one name the one with the smallest id counts", page)
    assert re.search(r"uploaded has to lie below the folder", page)
