"""Where there is nothing to show, one sentence says why and what to do next."""

import pytest

from boxferry import Diffgram, read
from boxferry.cli.app import run as boxferry
from boxferry.review.nothing import nothing_reviewed
from boxferry.sandbox.annotating import save
from sending.pushing import predictions, push, server_of


@pytest.fixture
def diffgram(sandbox, tmp_path, monkeypatch):
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


def files(sandbox):
    return {file["original_filename"]: file for file in sandbox.files()}


def test_no_review_yet(sandbox, diffgram, folder, tmp_path, capsys):
    """By pull, report and its page; nothing is said where people have been."""
    push(diffgram, predictions(folder))
    why = "run r: none of its 3 files has been reviewed: correct boxes in Diffgram"
    assert boxferry(["report", "r", "--html", str(tmp_path / "r.html")]) == 0
    assert why in capsys.readouterr().err
    assert "none of its 3 files has been reviewed" in (tmp_path / "r.html").read_text()
    assert boxferry(["pull", "r", "-o", str(tmp_path / "o.json")]) == 0
    said = capsys.readouterr().err
    assert "0 of 3 files reviewed; 0 boxes written" in said
    assert why in said
    assert "--all writes all files as they are" in said
    file = files(sandbox)["a.jpg"]
    save(sandbox._store, file, sandbox._store.instances(file["id"])[:1])
    assert nothing_reviewed(diffgram.pull("r")) == ""
    assert boxferry(["report", "r"]) == 0
    assert "no person has looked" not in capsys.readouterr().err


def test_files_that_were_completed_before_are_counted(sandbox, diffgram, folder):
    """They look finished on the server, and no person has seen these boxes."""
    push(diffgram, read(folder / "images"), run="raw")
    for file in sandbox.files():
        sandbox._store.update(
            "file", file["id"], {"ann_is_complete": 1, "time_last_updated": sandbox._store.now() + 60}
        )
    push(diffgram, predictions(folder), existing=True)
    review = diffgram.pull("r")
    assert "its 2 files has been reviewed (2 of them were completed before)" in nothing_reviewed(review)
    assert [chunk for chunk in review.corrected_chunks() if len(chunk)] == []
    assert review.summary().corrected_share is None


def test_an_empty_run_one_that_is_gone_and_one_that_was_replaced(sandbox, diffgram, folder):
    """Each has its own sentence."""
    push(diffgram, read(folder / "images"), run="raw")
    assert "sent 3 files and no boxes" in nothing_reviewed(diffgram.pull("raw"))
    push(diffgram, predictions(folder), run="first", existing=True)
    (folder / "labels" / "a.txt").write_text("0 0.8 0.8 0.1 0.1 0.7\n" * 2)
    (folder / "labels" / "b.txt").write_text("0 0.8 0.8 0.1 0.1 0.7\n")
    push(diffgram, predictions(folder), run="next", existing=True, on_existing="replace-own", allow_removals=9)
    assert "a later push replaced all of its boxes" in nothing_reviewed(diffgram.pull("first"))
    for file in sandbox.files():
        sandbox.remove_file(file["id"])
    assert "the server no longer has its 2 files" in nothing_reviewed(diffgram.pull("next"))
    push(diffgram, predictions(folder), run="dry", existing=True)
    assert "its push had nothing to send: push predictions" in nothing_reviewed(diffgram.pull("dry"))


def test_a_run_whose_packets_wait_is_gone_on_with(diffgram, folder, tmp_path, capsys):
    """Whatever asks; --all is not offered where there is no file to write."""
    push(diffgram, predictions(folder))
    diffgram.outbox._db.execute("UPDATE packet SET state = 'accepted'")
    for command in (["report", "r"], ["pull", "r", "-o", str(tmp_path / "o.json")], ["evaluate", "r"]):
        boxferry(command)
        said = capsys.readouterr().err
        assert "run r: nothing of it was applied: see boxferry status r, or continue with boxferry resume r" in said
        assert "--all" not in said


def test_an_outbox_without_runs_and_a_source_without_boxes(sandbox, diffgram, folder, tmp_path, capsys):
    """The next step is named; a run of another outbox is taken up with adopt."""
    assert diffgram.outbox.runs() == []
    assert boxferry(["status"]) == 0
    assert "boxferry push starts one, boxferry adopt adds one of another machine" in capsys.readouterr().err
    for command in (["report", "x"], ["pull", "x", "-o", "-"], ["evaluate", "x"], ["status", "x"]):
        assert boxferry(command) == 1
        assert "boxferry adopt x --directory NAME" in capsys.readouterr().err
    for name in ("a", "b"):
        (folder / "labels" / f"{name}.txt").write_text("")
    given = ["preview", str(folder / "labels"), "-f", "yolo", "--names", "cat,dog", "--images", str(folder / "images")]
    assert boxferry([*given, "-o", str(tmp_path / "p.html")]) == 0
    assert "no box is left to send" in capsys.readouterr().err


def test_a_name_that_two_runs_share_is_asked_for_by_number(diffgram, folder, capsys):
    """Two models' runs of one night."""
    push(diffgram, predictions(folder))
    push(diffgram, predictions(folder), model="other", existing=True)
    assert boxferry(["report", "r"]) == 1
    assert "several runs are called 'r'; name one by its number: 1 (m/r), 2 (other/r)" in capsys.readouterr().err
