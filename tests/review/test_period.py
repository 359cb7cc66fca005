"""A report over a time: what was predicted and decided, as a ledger of what was done has it."""

import json

import pytest

from boxferry.cli.app import run as boxferry
from boxferry.errors import UsageError
from boxferry.review.since import day_of, moment_since
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from review.reviewing import Team

DAY = 86400.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("36h", 10**9 - 36 * 3600), ("7d", 10**9 - 7 * DAY), ("2W", 10**9 - 14 * DAY), (" 0d", 10**9),
        ("2001-09-09", 999993600), ("2001-09-09T01:46:40", 10**9), ("2001-09-09T03:46:40+02:00", 10**9),
    ],
)  # fmt: skip
def test_a_time_is_a_span_or_a_day(text, expected):
    """Without a zone it is UTC."""
    assert moment_since(text, 1e9) == expected


@pytest.mark.parametrize("text", ["", "7", "d7", "yesterday", "2001-13-01", "-3d"])
def test_what_is_no_time_is_said(text):
    """With what is expected."""
    with pytest.raises(UsageError, match="expected a span such as 36h, 7d or 2w"):
        moment_since(text, 1e9)


def test_a_day_that_is_still_to_come_is_an_error():
    """A year mistyped; today has begun."""
    with pytest.raises(UsageError, match="future: by the server's clock it is 2001-09-09"):
        moment_since("2002-09-09", 1e9)
    assert moment_since("2001-09-09", 1e9) < 1e9


@pytest.fixture
def team(tmp_path):
    """Two models on the same eight pictures, reviewed on two days; a third model came after and was not looked at.

    m1 sent 16 boxes, m2 16, m3 6. On day 1 p000 to p003 were reviewed, on day 3 p004 and p005; m3 came to p000 then.
    """
    clock = Clock()
    clock.pass_((DAY / 2 - clock()) % DAY)  # at noon: no day ends while the team is at work
    with Sandbox(tmp_path / "sandbox", clock=clock) as sandbox:
        found = Team(sandbox, clock, tmp_path / "team", 8)
        with found.open() as diffgram:
            found.night(diffgram, "m1", "n1", found.names)
            found.night(diffgram, "m2", "n1", found.names, on_existing="append")
            clock.pass_(DAY)
            for name in found.names[:4]:
                found.review(name, move=1, delete=1, draw=1)
            clock.pass_(2 * DAY)
            for name in found.names[4:6]:
                found.review(name, complete=True)
            found.night(diffgram, "m3", "n3", ["p000.png", "p006.png", "p007.png"], on_existing="append")
        yield found


def report_of(team, since, **options):
    with team.open("none") as none:
        return none.report("Default", since=since, **options)


def by_name(lines):
    return {line.name: line for line in lines}


def test_the_whole_is_what_was_done(team):
    """Four boxes moved, four deleted, four drawn; of 24 that were looked at the others stayed."""
    report = report_of(team, "30d")
    assert report.whole.predicted == 16 + 16 + 6
    assert report.whole.fates == {"kept": 24 - 8, "moved": 4, "deleted": 4, "added": 4}
    assert (report.whole.looked_at, report.whole.pictures) == (24, 6)
    assert report.whole.corrected_share == pytest.approx(8 / 24)
    assert report.reviewed == 5  # on p000 boxes came since


def test_runs_and_models_of_one_picture_are_told_apart(team):
    """What people added is missing in either of the two, and counts once in the whole."""
    report = report_of(team, "30d")
    runs, models = by_name(report.runs), by_name(report.models)
    assert {name: line.predicted for name, line in runs.items()} == {"m1/n1": 16, "m2/n1": 16, "m3/n3": 6}
    assert {name: line.predicted for name, line in models.items()} == {"m1": 16, "m2": 16, "m3": 6}
    for fate in ("kept", "moved", "deleted"):
        assert runs["m1/n1"].fates[fate] + runs["m2/n1"].fates[fate] == report.whole.fates[fate]
    assert [runs[name].fates["added"] for name in ("m1/n1", "m2/n1", "m3/n3")] == [4, 4, 0]
    assert runs["m3/n3"].looked_at == 0
    labels = by_name(report.labels)
    assert sum(line.predicted for line in labels.values()) == 38
    assert sum(line.fates.total() for line in labels.values()) == report.whole.fates.total()


def test_days_tell_the_time_course(team):
    """Of the reviewing and of the pushes."""
    days = by_name(report_of(team, "30d").days)
    first, second = day_of(team.clock() - 2 * DAY - 700), day_of(team.clock())
    assert days[first].fates == {"kept": 8, "moved": 4, "deleted": 4, "added": 4}
    assert days[second].fates == {"kept": 8}
    assert days[second].predicted == 6


def test_a_time_leaves_out_what_was_before(team):
    """By the server's clock, whatever this machine's says."""
    report = report_of(team, "1d")
    assert (report.whole.predicted, report.whole.fates, report.reviewed) == (6, {"kept": 8}, 2)
    assert report_of(team, team.clock() + DAY).whole.fates == {}


def test_reviewers_are_named_where_the_server_tells(team):
    """Another member by number; who completed a picture without changing it is not known."""
    store = team.sandbox._store
    for file in team.sandbox.files():
        for box in store.instances(file["id"]) if file["original_filename"] == "p001.png" else ():
            if box.get("previous_id"):
                data = {name: value for name, value in box.items() if name != "id"} | {"member_created_id": 7}
                store.update("instance", box["id"], {"data": json.dumps(data)})
    reviewers = by_name(report_of(team, "30d").reviewers)
    assert set(reviewers) == {"Sandbox Reviewer", "member 7", "unknown"}
    assert reviewers["member 7"].fates == {"moved": 1}
    assert reviewers["Sandbox Reviewer"].fates["moved"] == 3
    assert reviewers["Sandbox Reviewer"].fates["added"] == 4


def test_models_are_compared_where_people_saw_the_boxes_of_both(team):
    """What m1 and m2 sent against what people left on p001 to p005; m3 came after people had looked."""
    report = report_of(team, "1d")
    (compared,) = [each for each in report.compared if {each.older, each.newer} == {"m1", "m2"}]
    assert (compared.older, compared.newer, compared.pictures) == ("m1", "m2", 5)
    pages = [team.ledger[name] for name in team.names[1:6]]
    assert compared.before.there == compared.now.there == sum(len(page.boxes) for page in pages) == 20
    assert compared.before.sent == compared.now.sent == 10
    assert compared.before.right + compared.now.right == 20 - 3  # one of four on each of three pictures was deleted
    assert compared.now.precision == compared.now.right / 10
    assert compared.now.recall == compared.now.right / 20
    assert sum(now.right for _, now in compared.labels.values()) == compared.now.right
    assert not [each for each in report.compared if "m3" in {each.older, each.newer}]


def test_models_are_not_compared_where_one_gave_way_unseen(tmp_path):
    """m2 replaced m1's boxes on p000 before anybody had looked; on p001 people saw both."""
    clock = Clock()
    with Sandbox(tmp_path / "sandbox", clock=clock) as sandbox:
        found = Team(sandbox, clock, tmp_path / "team", 2)
        with found.open() as diffgram:
            found.night(diffgram, "m1", "n1", found.names)
            replacing = {"on_existing": "error", "replaces": ["m1"], "allow_removals": 9}
            found.night(diffgram, "m2", "n2", ["p000.png"], **replacing)
            found.night(diffgram, "m2", "n3", ["p001.png"], on_existing="append")
        found.ledger = {}
        for name in found.names:
            rows = found.rows(name)
            rows[0]["x_max"] -= 1
            found._call(name, "update", {"instance_list": rows, "and_complete": False})
        clock.pass_(60)
        (compared,) = report_of(found, "1d").compared
        assert (compared.older, compared.newer, compared.pictures) == ("m1", "m2", 1)


@pytest.fixture
def settings(team, tmp_path, monkeypatch):
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(team.sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "none.sqlite"))
    monkeypatch.chdir(tmp_path)
    return team


def test_the_command_prints_tables_json_and_a_page(settings, tmp_path, capsys):
    """The same numbers in each."""
    assert boxferry(["report", "--since", "30d", "--html", "week.html"]) == 0
    said = capsys.readouterr()
    assert "38 boxes predicted, 5 pictures reviewed; 33.3% of the 24 predictions" in said.err
    assert "m1 and m2 on the 5 pictures" in said.out
    assert boxferry(["report", "--since", "30d", "--directory", "Default", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["predicted"], facts["reviewed"], facts["fates"]["moved"]) == (38, 5, 4)
    assert [line["name"] for line in facts["runs"]] == ["m1/n1", "m2/n1", "m3/n3"]
    assert facts["compared"][0]["now"]["there"] == 20
    page = (tmp_path / "week.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "http://" not in page
    assert "m1 and m2 on the 5 pictures" in page
    assert "Decisions by day" in page


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "name a RUN, or a time with --since"),
        (["n1", "--since", "7d"], "--since cannot be combined with a RUN"),
        (["n1", "--directory", "Default"], "--directory needs --since"),
        (["--since", "7d", "--suspicious"], "--suspicious needs a RUN"),
        (["--since", "soon"], "expected a span such as"),
    ],
)
def test_a_mistake_is_one_line(monkeypatch, tmp_path, arguments, word, capsys):
    """Before anything is asked."""
    monkeypatch.setenv("DIFFGRAM_HOST", "http://127.0.0.1:9")
    for name in ("PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", "x")
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "none.sqlite"))
    assert boxferry(["report", *arguments]) == 2
    assert word in capsys.readouterr().err
