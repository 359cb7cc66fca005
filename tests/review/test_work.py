"""What is left to review, by directory: as a ledger of what was done has it, and as the sandbox counts by itself."""

import csv
import io
import json
from collections import Counter

import pytest
import requests

from boxferry.cli.app import run as boxferry
from boxferry.diffgram.inputs import InputRecord
from boxferry.packets.reference import PREFIX
from boxferry.review.judged import Stored
from boxferry.review.pictures import Picture
from boxferry.review.pull import ReviewedFile
from boxferry.review.work import stuck_reason
from boxferry.review.work_order import History, objects, worth
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from filled import fill
from review.reviewing import Team


@pytest.fixture
def running(tmp_path):
    clock = Clock()
    with Sandbox(tmp_path / "sandbox", clock=clock) as sandbox:
        yield sandbox, clock


@pytest.fixture
def team(running, tmp_path):
    """Ten pictures: two models' nights, five looked at, two done, one of them pushed onto since, one never pushed."""
    sandbox, clock = running
    found = Team(sandbox, clock, tmp_path / "team", 10)
    with found.open() as diffgram:
        found.night(diffgram, "m1", "n1", found.names[:8])
        found.review("p000.png", move=1, complete=True)
        found.review("p001.png", complete=True)
        found.review("p002.png", draw=1)
        found.review("p003.png", delete=1)
        found.review("p004.png", move=1)
        found.night(diffgram, "m2", "n2", ["p001.png", "p004.png", "p005.png", "p009.png"], on_existing="append")
    fill(sandbox, 2)
    return found


EXPECTED = {"to review": 4, "pushed since": 2, "reviewed": 2, "done": 1, "people's": 0, "untouched": 2}


def test_each_picture_is_in_one_state(team):
    """From a machine that pushed nothing; the sandbox, which shares no code, counts the same."""
    with team.open("none") as none:
        (work,) = none.work("Default")
    assert work.progress == EXPECTED
    assert (work.files, work.under_way, work.failed, work.stuck) == (11, 0, [], [])
    (counted,) = requests.get(f"{team.sandbox.host}/work?json=1", timeout=9).json()
    assert {name: counted[name] for name in EXPECTED} == EXPECTED
    states = {each.file_name: each.state for each in work.next}
    ledger = {name: page for name, page in team.ledger.items() if page.boxes and not page.seen}
    assert states == {name: "pushed since" if page.looked else "to review" for name, page in ledger.items()}
    assert {each.file_name: (each.boxes, each.runs) for each in work.next}["p005.png"] == (4, 2)


def test_the_sandboxes_page_shows_it(team):
    """With links to the files that are left to review."""
    page = requests.get(f"{team.sandbox.host}/work", timeout=9).text
    assert "p005.png" in page
    assert "p001.png</a> (pushed since it was looked at)" in page
    assert "p002.png" not in page
    assert 'href="/work"' in requests.get(team.sandbox.host, timeout=9).text


def test_what_failed_and_what_is_stuck_is_named(team):
    """A refusal counts until something arrives for the same picture."""
    sandbox, store = team.sandbox, team.sandbox._store
    ids = {file["original_filename"]: file["id"] for file in sandbox.files()}
    facts = {"project": "sandbox", "directory_id": 1, "mode": "update", "media_type": "image"}
    wrong = {"status": "failed", "status_text": "Instance List Error:{'x_min': 'Must be an int'}"}

    def put(name, **more):
        return store.insert("input", facts | {"file_id": ids.get(name), "created_time": store.now()} | more)

    put("p006.png", **wrong)
    put("p007.png", **wrong)
    put(None, original_filename="new.png", **wrong | {"mode": None})
    lost = put("p005.png", status="processing", percent_complete=10.0)
    put("p006.png", status="success")
    put("p002.png", status="success")
    put("p003.png", status="success")
    team.clock.pass_(200)
    with team.open("none") as none:
        (work,) = none.work()
    assert [(each.file_name, each.file_id) for each in work.failed] == [
        ("new.png", None),
        ("p007.png", ids["p007.png"]),
    ]
    assert "Must be an int" in work.failed[0].reason
    assert [each.file_name for each in work.stuck] == ["p005.png"]
    assert f"input {lost} is 'processing' for" in work.stuck[0].reason
    assert work.under_way == 1


def test_what_is_late_is_stuck_only_where_later_ones_ended():
    """A server whose CPU is busy begins nothing, and loses nothing."""
    late = InputRecord(id=1, status="processing", created_time="1970-01-01T00:00:10")
    ended = [InputRecord(id=number, status="success", created_time="1970-01-01T00:00:20") for number in (2, 3, 4)]
    assert stuck_reason(late, ended, 191.0)
    assert not stuck_reason(late, ended[:2], 191.0)
    assert not stuck_reason(late, ended, 189.0)
    assert not stuck_reason(InputRecord(id=5, status="init", created_time=late.created_time), ended, 999.0)


def box(run, x, *, label="cat", score=0.9, row=0):
    reference = f"{PREFIX}{run * 16}:{x},0,{x + 10},10:{label}"
    return Stored(
        row_id=row or hash((run, x, label)), reference=reference, label=label, corners=(x, 0, x + 10, 10), score=score
    )


def picture(*boxes):
    file = ReviewedFile(file_name="a", file_id=1, stored=list(boxes), unseen=frozenset(b.row_id for b in boxes))
    return Picture(file=file, changed=0.0, sent=[], looked=False)


def test_one_object_of_two_runs_counts_once():
    """Two runs that agree are no more work than one; two that do not are."""
    agreed = [box("a", 0), box("b", 1), box("a", 50), box("b", 50)]
    assert [len(found) for found in objects(agreed)] == [2, 2]
    assert [len(found) for found in objects([box("a", 0), box("a", 1)])] == [1, 1]
    assert [len(found) for found in objects([box("a", 0), box("b", 0, label="dog")])] == [1, 1]
    history = History()
    one, same = worth(picture(box("a", 0)), history), worth(picture(box("a", 0), box("b", 1)), history)
    assert one == pytest.approx(same)
    assert worth(picture(box("a", 0), box("b", 50)), history) > 2 * one
    assert worth(picture(box("a", 0), box("b", 0, label="dog")), history) > 2 * one


def test_doubt_counts_over_all_runs_and_what_people_corrected():
    """A run that is sure does not hide one that is not; labels that are often wrong come first."""
    history = History()
    sure = worth(picture(box("a", 0, score=0.99)), history)
    assert worth(picture(box("a", 0, score=0.99), box("b", 0, score=0.2)), history) > sure
    assert worth(picture(box("a", 0, score=0.5)), history) > sure
    history.seen["dog", 9], history.corrected["dog", 9] = 8, 8
    history.seen["cat", 9] = 8
    assert worth(picture(box("a", 0, label="dog")), history) > worth(picture(box("a", 0)), history)
    history.labels.update(cat=100, dog=1)
    history.seen.clear()
    history.corrected.clear()
    assert worth(picture(box("a", 0, label="dog")), history) > worth(picture(box("a", 0)), history)
    assert worth(picture(), history) == 0


@pytest.fixture
def settings(team, tmp_path, monkeypatch):
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(team.sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "none.sqlite"))
    monkeypatch.chdir(tmp_path)
    return team


def test_the_command_prints_a_table_json_or_a_csv(settings, tmp_path, capsys):
    """The CSV is in the order of the table."""
    assert boxferry(["work", "--most", "2", "--csv", "next.csv"]) == 0
    said = capsys.readouterr()
    assert "Default" in said.out
    assert "4 more to review" in said.err
    rows = list(csv.DictReader((tmp_path / "next.csv").read_text().splitlines()))
    assert len(rows) == 2
    assert boxferry(["work", "Default", "--json"]) == 0
    (facts,) = json.loads(capsys.readouterr().out)["directories"]
    assert facts["progress"] == EXPECTED
    assert [row["file_id"] for row in rows] == [str(each["file_id"]) for each in facts["next"][:2]]
    worths = [each["worth"] for each in facts["next"]]
    assert worths == sorted(worths, reverse=True)
    assert boxferry(["work", "--csv", "-"]) == 0
    listed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert Counter(row["state"] for row in listed) == {"to review": 4, "pushed since": 2}
    assert boxferry(["work", "Defualt"]) == 2
    assert "near: Default" in capsys.readouterr().err
