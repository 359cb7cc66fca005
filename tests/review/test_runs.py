"""The runs at a glance, from the outbox alone, and with what the server knows."""

import json

import pytest

from boxferry import Diffgram
from boxferry.cli.app import run as boxferry
from boxferry.sandbox.annotating import save
from sending.conftest import diffgram, folder  # noqa: F401 # fixtures
from sending.pushing import predictions, push, server_of


@pytest.fixture
def settings(sandbox, diffgram, monkeypatch):  # noqa: F811 # the fixture
    """The environment of a command line."""
    for name, value in {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(diffgram.outbox_path),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def pushed(sandbox, diffgram, folder):  # noqa: F811 # the fixtures
    """Two models' runs; a person has moved one box of the first, and marked nothing."""
    push(diffgram, predictions(folder))
    (folder / "labels" / "a.txt").write_text("1 0.7 0.7 0.1 0.1 0.9\n")
    push(diffgram, predictions(folder), model="n", run="second", existing=True)
    file = next(file for file in sandbox.files() if file["original_filename"] == "a.jpg")
    rows = sandbox._store.instances(file["id"])
    save(sandbox._store, file, [rows[0] | {"x_max": rows[0]["x_max"] + 5}, *rows[1:]])
    return diffgram


def test_the_outbox_alone_tells_what_was_sent_and_when(sandbox, pushed, folder):  # noqa: F811
    """No call is made."""
    sandbox.stop()
    first, second = pushed.runs()
    assert (first.id, first.model, first.run, first.directory) == (1, "m", "r", "Default")
    assert (first.files, first.boxes, first.source) == (3, 3, str(folder / "labels"))
    assert first.last >= first.began - 5 > 0
    assert (second.model, second.run, second.boxes) == ("n", "second", 2)
    assert (first.untouched, first.reviewed_share) == (None, None)


def test_the_server_tells_what_is_left_untouched_and_reviewed(sandbox, pushed):
    """And the directory's name."""
    first, second = pushed.runs(server=True)
    assert (first.directory, first.untouched, first.reviewed, first.there) == ("Default", 2, 1, 3)
    assert first.reviewed_share == pytest.approx(1 / 3)
    assert second.untouched == 2


def test_runs_of_other_machines_are_listed_by_name(sandbox, pushed, tmp_path):
    """Without an outbox too; nothing is made there."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "none.sqlite") as other:
        assert other.runs() == []
        assert [(each.id, each.run) for each in other.runs(server=True)] == [(None, "r"), (None, "second")]
        assert not other.outbox_path.exists()


def test_a_run_whose_directory_is_gone_does_not_hide_the_others(sandbox, pushed):
    """It says why."""
    pushed.outbox._db.execute("UPDATE run SET directory_id = 99 WHERE id = 1")
    first, second = pushed.runs(server=True)
    assert first.problem
    assert (first.untouched, second.problem, second.untouched) == (None, "", 2)


def test_the_command_prints_a_table_or_json(pushed, settings, capsys):
    """Retired runs are left out unless --all."""
    assert boxferry(["runs"]) == 0
    header, first, _ = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["id", "model", "run", "directory"]
    assert first.split()[:4] == ["1", "m", "r", "Default"]
    assert boxferry(["runs", "--server"]) == 0
    assert "1 of 3 (33%)" in capsys.readouterr().out
    assert boxferry(["runs", "--server", "--json"]) == 0
    fact, _ = json.loads(capsys.readouterr().out)["runs"]
    assert (fact["run"], fact["untouched"], fact["reviewed_share"]) == ("r", 2, pytest.approx(1 / 3))
    pushed.retire("second", remove=True)
    assert boxferry(["runs", "--server", "--json"]) == 0
    told = capsys.readouterr()
    assert [fact["run"] for fact in json.loads(told.out)["runs"]] == ["r"]
    assert "1 retired run is not listed" in told.err
    assert boxferry(["runs", "--all"]) == 0
    assert "second (retired)" in capsys.readouterr().out
