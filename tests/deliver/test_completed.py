"""Files that people have completed are spared by every way that replaces boxes, unless named; it is counted first."""

import json

import pytest

from boxferry import PushOptions
from boxferry.cli.app import run as boxferry
from boxferry.plan.patience import Patience
from boxferry.plan.plan_file import read_plan
from sending.pushing import A_BOXES, boxes_in, predictions, push

QUICK = Patience(wait_s=20.0, settle_s=0.2, first_pause_s=0.01)
REPLACE = {"existing": True, "on_existing": "replace-own", "run": "next", "allow_removals": 9}


@pytest.fixture
def completed(sandbox, diffgram, folder):
    """a.jpg holds two boxes and completed by people; the next run has another box for it, and one for b.png."""
    push(diffgram, predictions(folder))
    file = next(f for f in sandbox.files() if f["original_filename"] == "a.jpg")
    sandbox._store.update("file", file["id"], {"ann_is_complete": 1})
    for name in ("a", "b"):
        (folder / "labels" / f"{name}.txt").write_text("0 0.8 0.8 0.1 0.1 0.7\n")
    return file


NEW = [(75, 60, 85, 68)]


def test_a_dry_run_counts_what_goes_by_file(sandbox, diffgram, folder, completed, capsys):
    """Spared files are counted as dropped; where they are named, what goes of them is said."""
    spared = push(diffgram, predictions(folder), dry_run=True, **REPLACE)
    assert [file.file_name for file in spared.planned] == ["b.png"]
    assert spared.tally.dropped["completed"] == 1
    named = push(diffgram, predictions(folder), dry_run=True, replace_completed=True, **REPLACE)
    facts = {file.file_name: (file.completed, file.removes) for file in named.planned}
    assert facts == {"a.jpg": (True, 2), "b.png": (False, 1)}
    assert named.as_dict()["planned"][0]["completed"] is True


def test_a_plan_has_them_and_spares_them_unless_named_again(sandbox, diffgram, folder, completed, tmp_path):
    """Whatever the plan says: it can have been made before people completed the file, or by anyone."""
    path = tmp_path / "plan.json"
    push(diffgram, predictions(folder), plan=path, replace_completed=True, **REPLACE)
    written = json.loads(path.read_text())
    assert written["summary"]["completed"] == {"a.jpg": 2}
    assert {file["file_name"]: file["completed"] for file in written["files"]} == {"a.jpg": True, "b.png": False}
    spared = diffgram.carry_out(read_plan(path), options=PushOptions(patience=QUICK, allow_removals=9))
    assert (spared.exit_code, spared.tally.dropped["completed"]) == (0, 1)
    assert (boxes_in(sandbox, "a.jpg"), boxes_in(sandbox, "b.png")) == (A_BOXES, NEW)
    options = PushOptions(patience=QUICK, allow_removals=9, replace_completed=True)
    assert diffgram.carry_out(read_plan(path), options=options).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == NEW


def test_the_command_says_it(sandbox, diffgram, folder, completed, capsys, monkeypatch, tmp_path):
    """By file, before anything goes."""
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    given = ["push", str(folder / "labels"), "--names", "cat,dog", "--images", str(folder / "images")]
    given += ["--directory", "Default", "--model", "m", "--run", "next", "--existing", "--on-existing", "replace-own"]
    assert boxferry([*given, "--dry-run", "--replace-completed"]) == 0
    assert "a.jpg: completed by people; 2 of its boxes would be removed" in capsys.readouterr().err
    assert boxferry([*given, "--dry-run"]) == 0
    assert "completed" in capsys.readouterr().err


def test_dedupe_leaves_them(sandbox, diffgram, folder, completed):
    """Named, it takes the doubles away there too."""
    store = sandbox._store
    double = {name: value for name, value in store.instances(completed["id"])[0].items() if name != "id"}
    store.add_instances(completed["id"], [double])
    for dry_run in (True, False):
        (file,) = diffgram.dedupe("r", dry_run=dry_run).files
        assert (file.removed, file.completed) == (1, True)
        assert "completed by people" in file.problem
    assert len(sandbox.boxes("a.jpg")) == 3
    (file,) = diffgram.dedupe("r", replace_completed=True).files
    assert (file.problem, len(sandbox.boxes("a.jpg"))) == ("", 2)
