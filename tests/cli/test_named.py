"""What need not be named, and what cannot be: the only profile of a file, and formats that no path holds."""

import json

import pytest

from boxferry.cli.app import run
from boxferry.plugins import plugin_manager


@pytest.fixture
def configured(sandbox, tmp_path, monkeypatch):
    """A configuration file with one profile, as `init --profile lab` writes it."""
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET", "PROFILE"):
        monkeypatch.delenv(f"DIFFGRAM_{name}", raising=False)
    names = ("host", "project", "client_id", "client_secret")
    path = tmp_path / "config.toml"
    path.write_text("[profiles.lab]\n" + "".join(f'{name} = "{getattr(sandbox, name)}"\n' for name in names))
    path.chmod(0o600)
    monkeypatch.setenv("DIFFGRAM_CONFIG", str(path))


def test_the_only_profile_is_said_and_used(configured, capsys):
    """Its server is asked; doctor names it too."""
    assert run(["labels"]) == 0
    assert "profile lab: the only one of " in capsys.readouterr().err
    assert run(["doctor", "--json"]) == 0
    (settings,) = [each for each in json.loads(capsys.readouterr().out)["checks"] if each["check"] == "settings"]
    assert settings["found"].endswith(", profile lab")


def test_a_format_of_results_in_memory_is_no_format_of_a_path(tmp_path, capsys):
    """It is neither listed nor taken; one line says where it is read."""
    live = [name for name, fmt in plugin_manager().formats().items() if fmt.live]
    assert run(["convert", str(tmp_path), "--format", live[0], "--to", "coco", "-o", "x.json"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert f"'{live[0]}' is of results in memory, which boxferry.read takes in Python; choose one of auto, " in line
    assert not {*live} & {name.strip() for name in line.rpartition("choose one of")[2].split(",")}
    assert run(["formats"]) == 0
    rows = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert [live[0], "in", "Python"] in rows
