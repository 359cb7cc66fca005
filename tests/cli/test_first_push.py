"""The first push: a directory that does not exist, findings of a dry run, and the command that it ends with."""

import json
import shlex
from pathlib import Path

import pytest

from boxferry.cli.app import run
from boxferry.cli.dates import ago
from boxferry.diffgram.client import Client
from boxferry.plan.directories import place_of
from boxferry.plan.push_options import PushOptions
from sending.pushing import server_of

FIXTURES = Path(__file__).parents[2] / "fixtures"
SOURCE = [str(FIXTURES / "yolo" / "labels"), "--images", str(FIXTURES / "images"), "--min-score", "0.5"]
NAMES = ["--names", str(FIXTURES / "yolo" / "data.yaml")]


@pytest.fixture
def environ(sandbox, monkeypatch, tmp_path):
    """The settings of a sandbox, and an outbox of its own."""
    for name in ("host", "project", "client_id", "client_secret"):
        monkeypatch.setenv(f"DIFFGRAM_{name.upper()}", getattr(sandbox, name))
    monkeypatch.setenv("DIFFGRAM_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))


def directories(sandbox):
    with Client(server_of(sandbox)) as client:
        return sorted(each.nickname for each in client.directories())


def following(said):
    """The arguments of the command that a dry run ends with."""
    line = said.splitlines()[-1]
    assert line.startswith("next: boxferry "), said
    return shlex.split(line.removeprefix("next: boxferry "))


def test_a_directory_is_created_when_that_is_asked_for(sandbox, environ, capsys):
    """A dry run creates nothing, and ends with the command that does."""
    push = ["push", *SOURCE, *NAMES, "--directory", "incoming", "--labels", "create"]
    assert run([*push, "--dry-run"]) == 2
    assert (
        "no directory 'incoming'; the directories are: Default (id 1); --create-directory creates it"
        in capsys.readouterr().err
    )
    assert run([*push, "--create-directory", "--dry-run"]) == 0
    said = capsys.readouterr().err
    assert "directory 'incoming' would be created" in said
    assert directories(sandbox) == ["Default"]
    assert run(following(said)) == 0
    assert "directory 'incoming' created" in capsys.readouterr().err
    assert directories(sandbox) == ["Default", "incoming"]
    assert run([*push, "--create-directory"]) == 0
    assert "created" not in capsys.readouterr().err
    assert len(sandbox.files()) == 7


def test_a_directory_of_nearly_the_same_name_is_said(sandbox, environ, capsys):
    """Since it may be the one that is meant."""
    options = ["--directory", "default", "--create-directory", "--labels", "create", "--dry-run"]
    assert run(["push", *SOURCE, *NAMES, *options]) == 0
    assert "another directory is called 'Default'" in capsys.readouterr().err


def test_what_goes_with_no_new_directory(environ, tmp_path, capsys):
    """Files that exist, and a plan: its packets name the directory's number."""
    push = ["push", *SOURCE, *NAMES, "--directory", "incoming", "--create-directory"]
    assert run([*push, "--existing"]) == 2
    assert "--create-directory cannot be combined with --existing" in capsys.readouterr().err
    assert run([*push, "--plan", str(tmp_path / "plan.json")]) == 2
    assert "--plan needs an existing directory" in capsys.readouterr().err
    assert run(["push", *SOURCE, *NAMES, "--directory", "12", "--create-directory"]) == 2
    assert "no directory '12'" in capsys.readouterr().err


def test_a_directory_that_another_machine_makes_in_the_same_moment(sandbox):
    """Is found again; the server takes a name once."""

    class Late(Client):
        looked = False

        def directories(self):
            found = super().directories() if self.looked else []
            self.looked = True
            return found

    with Client(server_of(sandbox)) as client:
        made = client.create_directory("incoming")
    with Late(server_of(sandbox)) as client:
        assert place_of(client, "incoming", PushOptions(create_directory=True)).directory == made


def test_a_dry_run_finds_taken_names_and_near_labels_and_ends_with_what_resolves_them(sandbox, environ, capsys):
    """One after the other, until a push that works."""
    push = ["push", *SOURCE, "--directory", "Default", "--names"]
    assert run([*push, "eye,face,person,cat", "--labels", "create", "--run", "one"]) == 0
    capsys.readouterr()
    assert run([*push, "Eye,faces,Person,dog", "--run", "two", "--dry-run"]) == 2
    shown = capsys.readouterr().err
    assert "'faces' (8 boxes; near: face)" in shown
    again = following(shown)
    assert again.count("--map") == 3
    assert again[-2:] == ["--labels", "create"]
    assert run(again) == 1
    shown = capsys.readouterr().err
    assert "is in the directory already: choose --on-existing append, skip or replace-own" in shown
    again = following(shown)
    assert again[-2:] == ["--on-existing", "skip"]
    assert run(again) == 0
    assert capsys.readouterr().err.endswith("next: nothing is left to send\n")


def test_a_plan_ends_with_the_command_that_carries_it_out(sandbox, environ, capsys, tmp_path):
    """With its file's name quoted."""
    plan = tmp_path / "my plan.json"
    push = ["push", *SOURCE, *NAMES, "--directory", "Default", "--labels", "create", "--plan", str(plan)]
    assert run(push) == 0
    assert run(following(capsys.readouterr().err)) == 0
    assert len(sandbox.files()) == 7


def test_status_before_any_push_is_no_error(monkeypatch, tmp_path, capsys):
    """It says how to begin; a run that is named, or an outbox, has to be there."""
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "none.sqlite"))
    assert run(["status"]) == 0
    assert "begin with: boxferry push" in capsys.readouterr().err
    assert run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == []
    assert run(["status", "night"]) == 1
    assert run(["status", "--outbox", str(tmp_path / "other.sqlite")]) == 1
    assert not (tmp_path / "none.sqlite").exists()


def test_status_tells_directory_dates_age_and_source(sandbox, environ, capsys):
    """The directory by its name; states without packets have no column."""
    assert run(["push", *SOURCE, *NAMES, "--directory", "Default", "--labels", "create", "--run", "night"]) == 0
    capsys.readouterr()
    assert run(["status"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "run", "model", "project", "directory", "began", "last", "age", "source", "applied"]
    assert row.split()[:5] == ["1", "night", "night", "sandbox", "Default"]
    assert "0 min" in row
    assert SOURCE[0] in row
    assert run(["status", "night"]) == 0
    assert "directory Default" in capsys.readouterr().out
    assert run(["runs"]) == 0
    assert "Default" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0 min"), (59, "0 min"), (3599, "59 min"), (4000, "1 h 6 min"), (200000, "2 d")]
)
def test_an_age_is_one_or_two_numbers(seconds, words):
    """Minutes, hours, days."""
    assert ago(seconds) == words
