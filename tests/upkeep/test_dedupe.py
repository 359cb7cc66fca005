"""Doubled boxes are found when they are read back, and removed when that is asked for; rows of people stay."""

import json

from boxferry import Diffgram
from boxferry.packets.rows import Row
from boxferry.upkeep.dedupe import to_go
from sending.pushing import A_BOXES, boxes_in, predictions, push, server_of


def double(sandbox, name="a.jpg"):
    """What a server does that applies a packet twice."""
    store = sandbox._store
    file = next(file for file in sandbox.files() if file["original_filename"] == name)
    plain = [{k: v for k, v in box.items() if k not in {"id", "root_id"}} for box in store.instances(file["id"])]
    store.add_instances(file["id"], plain)


def test_a_server_that_applied_twice_is_noticed_and_the_remedy_named(sandbox, diffgram, folder, monkeypatch):
    """Verifying compares multisets: exit code 1, and the words say what to do."""
    send = diffgram._client.upload

    def twice(name, *arguments):
        answer = send(name, *arguments)
        if name == "a.jpg":
            double(sandbox)
        return answer

    monkeypatch.setattr(diffgram._client, "upload", twice)
    report = push(diffgram, predictions(folder))
    assert report.exit_code == 1
    (doubtful,) = report.doubtful
    assert "2 of 2 boxes are stored twice" in doubtful.reason
    assert "boxferry dedupe" in doubtful.reason


def test_doubles_go_and_one_of_each_stays(sandbox, diffgram, folder):
    """A dry run changes nothing; then the boxes are as they were sent, and a second run finds nothing."""
    push(diffgram, predictions(folder))
    double(sandbox)
    double(sandbox)
    found = diffgram.dedupe("r", dry_run=True)
    assert [(file.file_name, file.removed) for file in found.files] == [("a.jpg", 6)]
    assert len(sandbox.boxes("a.jpg")) == 8
    done = diffgram.dedupe("r")
    assert (done.removed, done.exit_code) == (6, 0)
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    assert diffgram.dedupe("r").files == []


def test_what_people_made_or_changed_stays(sandbox, diffgram, folder):
    """A moved double stays and its untouched twin goes; a drawn box and another run's stay."""
    from boxferry.sandbox.annotating import save

    push(diffgram, predictions(folder))
    (folder / "labels" / "a.txt").write_text("1 0.7 0.7 0.1 0.1 0.9\n")
    push(diffgram, predictions(folder), run="other", model="n", existing=True)
    double(sandbox)
    store = sandbox._store
    file = next(file for file in sandbox.files() if file["original_filename"] == "a.jpg")
    rows = store.instances(file["id"])
    drawn = {"type": "box", "label_file_id": rows[0]["label_file_id"], "machine_made": False}
    drawn |= {"x_min": 1, "y_min": 1, "x_max": 9, "y_max": 9}
    save(store, file, [rows[0] | {"x_max": rows[0]["x_max"] + 3}, *rows[1:], drawn])
    diffgram.dedupe("r")
    left = [(box["x_min"], box["x_max"]) for box in sandbox.boxes("a.jpg")]
    assert sorted(left) == [(1, 9), (20, 30), (40, 63), (65, 75)], "a replacement heals other runs' doubles too"


def test_two_files_of_one_name_are_listed_and_left_alone(sandbox, diffgram, folder):
    """With both ids; no file is removed by boxferry."""
    push(diffgram, predictions(folder))
    first = next(file for file in sandbox.files() if file["original_filename"] == "a.jpg")
    copy = {name: value for name, value in first.items() if name != "id"}
    second = sandbox._store.insert("file", copy)
    report = diffgram.dedupe("r")
    assert (report.several, report.exit_code) == ({"a.jpg": [first["id"], second]}, 1)


def test_equal_boxes_of_another_run_are_counted_before_they_become_one(sandbox, diffgram, folder):
    """The server keeps one of equal boxes, whoever's they are; the dry run says how many that costs."""
    push(diffgram, predictions(folder))
    push(diffgram, predictions(folder), run="other", model="n", existing=True)
    store = sandbox._store
    file = next(file for file in sandbox.files() if file["original_filename"] == "a.jpg")
    first = next(box for box in store.instances(file["id"]))
    store.add_instances(file["id"], [{k: v for k, v in first.items() if k not in {"id", "root_id"}}])
    (found,) = diffgram.dedupe("r", dry_run=True).files
    assert (found.removed, found.merged) == (1, 2)
    diffgram.dedupe("r")
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_of_equal_rows_the_newest_stays():
    """As the server keeps it."""
    reference = "boxferry:0123456789abcdef:1,1,2,2:cat"
    rows = [Row(id=n, creation_ref_id=reference, machine_made=True) for n in (3, 1)]
    assert [row["id"] for row in to_go(rows, {"boxferry:0123456789abcdef"})] == [1]
    assert to_go(rows, {"boxferry:fedcba9876543210"}) == []


def test_the_command_says_what_it_did(sandbox, diffgram, folder, monkeypatch, capsys):
    """As a table and as JSON."""
    from boxferry.cli.app import run

    push(diffgram, predictions(folder))
    double(sandbox)
    server = server_of(sandbox)
    monkeypatch.setenv("DIFFGRAM_HOST", server.host)
    monkeypatch.setenv("DIFFGRAM_PROJECT", server.project)
    monkeypatch.setenv("DIFFGRAM_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("DIFFGRAM_CLIENT_SECRET", sandbox.client_secret)
    outbox = ["--outbox", str(diffgram.outbox_path)]
    assert run(["dedupe", "r", "--dry-run", "--json", *outbox]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == 2
    assert run(["dedupe", "r", *outbox]) == 0
    assert "2 doubled boxes removed" in capsys.readouterr().err
    with Diffgram(server, outbox=diffgram.outbox_path) as again:
        assert again.dedupe("r").files == []
