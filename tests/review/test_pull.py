"""A pull reads what has changed, and never shows a box as it was before a later correction."""

import csv
import json
import stat
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import requests
from PIL import Image as Picture

from boxferry import Diffgram
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run as boxferry
from boxferry.diffgram.answers import AttributeGroup, FileRecord
from boxferry.errors import DiffgramError
from boxferry.outbox.entry import Entry, Run
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.outcome import Outcome
from boxferry.packets.rows import Row
from boxferry.review.attribute_names import AttributeNames
from boxferry.review.cache import Cache, Known, cache_name, packed
from boxferry.review.corrected import corrected
from boxferry.review.pull import ReviewedFile
from boxferry.review.rows import stored_rows
from boxferry.sandbox.server import Sandbox
from boxferry.stored.removals import as_sent
from clocked import Clock
from counting import counted
from filled import fill
from sending.pushing import predictions, push, server_of

ONE = "/api/project/sandbox/file/{n}/annotation/list"


def reference(number, index):
    return f"boxferry:{number:016x}:{10 * index},5,{10 * index + 8},50:cat"


def sent_run(sandbox, path, count, *, boxes=2):
    """A sandbox's files with boxes of a run, and the outbox that sent them, as after a push; gives the files' ids."""
    ids = fill(sandbox, count, boxes=boxes, box=lambda number, index: {"creation_ref_id": reference(number, index)})
    with Outbox(path) as outbox:
        place = {"host": sandbox.host, "project": sandbox.project, "directory_id": sandbox.directory_id}
        run = outbox.run(**place, model="m", name="r")
        outbox.add(run.id, (packet(number, boxes) for number in range(count)))
        for entry, file_id in zip(outbox.entries(run.id), ids, strict=True):
            outbox.settle(entry.id, Outcome("applied", "", None, file_id))
    return ids


def packet(number, boxes):
    listed = [{"creation_ref_id": reference(number, index), "score": 0.5} for index in range(boxes)]
    body = msgspec.json.encode({"instance_list": listed})
    return Entry(route="upload", file_name=f"{number:06}.png", media="", body=body, boxes=boxes)


def pulled(sandbox, path, **options):
    """The review of the run, and the calls that pulling it made."""
    with counted(sandbox.host, **options) as (host, calls), Diffgram(server_of(sandbox), outbox=path) as diffgram:
        proxied = Diffgram(server_of(sandbox, host=host), outbox=path, connections=1)
        diffgram.workspace.client = proxied._client
        return diffgram.pull("r"), calls.counted()


def correct(sandbox, file_id, *, by=3, complete=False):
    """Move a file's first box, as a reviewer does."""
    path = f"{sandbox.host}/api/project/{sandbox.project}/file/{file_id}/annotation"
    given = {"auth": (sandbox.client_id, sandbox.client_secret), "timeout": 9}
    place = {"directory_id": sandbox.directory_id}
    rows = requests.post(f"{path}/list", json=place, **given).json()["file_serialized"]["instance_list"]
    first = min(rows, key=lambda row: row["id"])
    first["x_max"] += by
    requests.post(f"{path}/update", json=place | {"instance_list": rows, "and_complete": complete}, **given)


@pytest.fixture
def label(sandbox):
    """Labels of a schema that boxes name by the id 1."""
    return sandbox._store.insert("label_file", {"project": "sandbox", "schema_id": 1, "name": "cat"})


def test_a_second_pull_reads_only_what_moved(sandbox, label, tmp_path):
    """N files of which k moved: at most 5 calls, one for 500 files, and k."""
    count, path = 1000, tmp_path / "o.sqlite"
    ids = sent_run(sandbox, path, count)
    review, calls = pulled(sandbox, path)
    assert len(review.files) == count
    assert calls.total() <= 5 + count / 250
    for file_id in ids[:9]:
        correct(sandbox, file_id)
    review, calls = pulled(sandbox, path)
    assert calls[ONE] == 9
    assert calls.total() <= 5 + count / 500 + 9
    assert [file.file_id for file in review.reviewed] == ids[:9]
    assert [box.fate for box in review.files[0].judged] == ["moved", "kept"]
    _, calls = pulled(sandbox, path)
    assert calls.total() <= 5 + count / 500


def test_what_another_machine_sent_onto_all_files_is_asked_once(folder, tmp_path):
    """One call for the inputs of all files, and none at the next pull."""
    listed = "/api/walrus/v1/project/sandbox/input/view/list"
    for number in range(9):
        Picture.new("RGB", (100, 80), "grey").save(folder / "images" / f"{number}.png")
        (folder / "labels" / f"{number}.txt").write_text("1 0.5 0.5 0.2 0.2 0.9\n")
    with (
        Sandbox(tmp_path / "sandbox") as sandbox,
        Diffgram(server_of(sandbox), outbox=tmp_path / "a.sqlite") as one,
        Diffgram(server_of(sandbox), outbox=tmp_path / "b.sqlite") as two,
    ):
        push(one, predictions(folder))
        push(two, moved(folder, 9), run="n2", existing=True, on_existing="replace-own")
        review, calls = pulled(sandbox, tmp_path / "a.sqlite")
        assert {box.fate for file in review.files for box in file.judged} == {"replaced"}
        assert calls[listed] == 1
        again, calls = pulled(sandbox, tmp_path / "a.sqlite")
        assert again.summary() == review.summary()
        assert calls[listed] == calls[ONE] == 0
        assert calls.total() <= 5


def test_the_boxes_are_those_that_each_file_gives(sandbox, label, tmp_path, monkeypatch):
    """However they came: by pages, singly, out of the cache."""
    monkeypatch.setattr("boxferry.diffgram.client.PAGE", 20)
    path = tmp_path / "o.sqlite"
    ids = sent_run(sandbox, path, 90)
    for _ in range(2):
        review, _ = pulled(sandbox, path)
        assert [file.file_id for file in review.files] == ids
        assert {(file.width, file.height) for file in review.files} == {(640, 480)}
        for file in review.files:
            rows = {box["id"]: box["creation_ref_id"] for box in sandbox._store.instances(file.file_id)}
            assert {box.row_id: box.reference for box in file.stored} == rows
            assert {box.fate for box in file.judged} == {"unreviewed"}


def test_sending_04_a_pull_that_broke_off_never_shows_old_boxes(sandbox, label, tmp_path):
    """It goes on where it ended; what was corrected meanwhile is read again."""
    path = tmp_path / "o.sqlite"
    ids = sent_run(sandbox, path, 12)
    answered = []

    def breaks(call):
        answered.append(call == ONE)
        return 400 if call == "/api/v1/file/view" or sum(answered) > 6 else None

    def gone(call):
        return breaks(call) and 403

    with pytest.raises(DiffgramError):
        pulled(sandbox, path, instead=gone)
    correct(sandbox, ids[0], complete=True)
    review, calls = pulled(sandbox, path)
    assert calls[ONE] == 12 - 6 + 1
    assert review.files[0].complete
    assert [box.fate for box in review.files[0].judged] == ["moved", "kept"]
    assert len(review.files) == 12


def test_what_another_machine_took_of_a_later_run_makes_no_file_reviewed(sandbox, folder, tmp_path):
    """Three nights of one model by replace-own, the last from another outbox; no person has looked at anything."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "a.sqlite") as first:
        push(first, predictions(folder), run="n1", model="m")
        push(first, moved(folder, 1), run="n2", model="m", existing=True, on_existing="replace-own")
        with Diffgram(server_of(sandbox), outbox=tmp_path / "b.sqlite") as second:
            push(second, moved(folder, 2), run="n3", model="m", existing=True, on_existing="replace-own")
            assert sorted(len(sandbox.boxes(name)) for name in ("a.jpg", "b.png")) == [1, 2]
            assert second.pull("n3").reviewed == []
        for run in ("n1", "n2"):
            assert first.pull(run).reviewed == []
            assert first.pull(run).summary().fates["deleted"] == 0


def test_files_that_a_later_push_took_boxes_from_are_counted(sandbox, folder, tmp_path, capsys, monkeypatch):
    """A person completed one; what was approved there is gone, and what is there now was not looked at."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "a.sqlite") as diffgram:
        push(diffgram, predictions(folder), run="n1", model="m")
        (file_id,) = (file["id"] for file in sandbox.files() if file["original_filename"] == "a.jpg")
        boxes = sandbox._store.instances(file_id)
        url = f"{sandbox.host}/api/project/sandbox/file/{file_id}/annotation/update"
        auth = (sandbox.client_id, sandbox.client_secret)
        body = {"instance_list": boxes, "directory_id": sandbox.directory_id, "and_complete": True}
        assert requests.post(url, json=body, auth=auth, timeout=10).status_code == 200
        assert len(diffgram.pull("n1").reviewed) == 1
        given = {"existing": True, "on_existing": "replace-own", "replace_completed": True}
        push(diffgram, moved(folder, 1), run="n2", model="m", **given)
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "a.sqlite"))
    assert boxferry(["pull", "n1", "--to", "coco", "-o", str(tmp_path / "out.json")]) == 0
    said = capsys.readouterr().err
    assert "1 of 3 files reviewed; 0 boxes written" in said
    assert "left out: 1 reviewed file whose boxes a later push replaced; pull that run instead" in said
    assert boxferry(["report", "n1"]) == 0
    assert "run n1: 1 of 3 files reviewed, 1 of them overtaken by a later push" in capsys.readouterr().err
    assert boxferry(["report", "n1", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert boxferry(["pull", "n1", "-o", str(tmp_path / "out.json"), "--json"]) == 0
    pulled = json.loads(capsys.readouterr().out)
    assert boxferry(["runs", "--server", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert (facts["reviewed"], facts["overtaken"]) == (pulled["reviewed"], pulled["overtaken"]) == (1, 1)
    assert runs[0]["reviewed"] == 1
    assert boxferry(["evaluate", "n1"]) == 1
    said = capsys.readouterr().err
    assert "run n1: left out: 1 reviewed file whose boxes a later push replaced" in said
    assert "none of its 3 files holds what people left, so there are no metrics" in said


def test_a_csv_on_standard_output_is_a_csv(sandbox, folder, tmp_path, capsys, monkeypatch):
    """No table stands below it."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "a.sqlite") as diffgram:
        push(diffgram, predictions(folder), run="n1", model="m")
    settings(sandbox, tmp_path / "a.sqlite", monkeypatch)
    capsys.readouterr()
    assert boxferry(["report", "n1", "--order", "-"]) == 0
    said = capsys.readouterr()
    assert [row["file_name"] for row in csv.DictReader(said.out.splitlines())] == ["a.jpg", "b.png", "c.jpg"]
    assert "none of its 3 files has been reviewed" in said.err


def settings(sandbox, outbox, monkeypatch):
    """The environment of a command line."""
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(outbox))


def moved(folder, pixels):
    """The predictions, a little to the right."""
    return predictions(folder).then(lambda found, _: replace(found, xyxy=found.xyxy + np.array([pixels, 0, pixels, 0])))


def test_another_outbox_has_another_cache(tmp_path, folder):
    """And another server, where the first is gone and files and runs have the same numbers."""
    path = tmp_path / "outbox.sqlite"
    with Sandbox(tmp_path / "one") as first:
        port = first._server.port
        with Diffgram(server_of(first), outbox=path) as diffgram:
            push(diffgram, predictions(folder))
            assert len(diffgram.pull("r").files[0].stored) == 2
    for left in tmp_path.glob("outbox.sqlite*"):
        if left.is_file():
            left.unlink()
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.25 0.9\n")
    with Sandbox(tmp_path / "two", port=port) as second, Diffgram(server_of(second), outbox=path) as diffgram:
        push(diffgram, predictions(folder))
        assert len(diffgram.pull("r").files[0].stored) == 1


@pytest.mark.parametrize("changed", ["host", "project", "directory_id", "model", "name", "id", "created", "outbox"])
def test_the_cache_is_of_one_run_in_one_outbox_on_one_server(changed):
    """Whatever differs, the file is another one."""
    run = Run(id=1, host="http://h", project="p", directory_id=1, model="m", name="r", created=1.0)
    other = run if changed == "outbox" else msgspec.structs.replace(run, **{changed: 7})
    assert cache_name(run, "a") != cache_name(other, "b" if changed == "outbox" else "a")
    assert cache_name(run, "a") == cache_name(msgspec.structs.replace(run), "a")


def spoil(sandbox, file_id, wrong):
    """Give a file's first box odd fields."""
    odd = sandbox._store.instances(file_id)[0]
    data = {name: value for name, value in odd.items() if name != "id"} | wrong
    sandbox._store.update("instance", odd["id"], {"data": json.dumps(data)})


@pytest.mark.parametrize(
    "wrong",
    [
        {"x_min": "oops"},
        {"label_file_id": [1]},
        {"version": "two"},
        {"points": [{"x": None}]},
        {"creation_ref_id": 5},
        {"score": {}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_odd_row_is_recorded_and_no_crash(sandbox, label, tmp_path, wrong):
    """The file's other boxes come; the next pull does the same."""
    path = tmp_path / "o.sqlite"
    ids = sent_run(sandbox, path, 2)
    spoil(sandbox, ids[0], wrong)
    for _ in range(2):
        review, _ = pulled(sandbox, path)
        assert [len(file.stored) for file in review.files] == [1, 2]
        fates = [box.fate for box in review.files[0].judged]
        told = ["unreviewed"] if "creation_ref_id" not in wrong else ["deleted", "kept"]  # else it cannot be told
        assert fates == told
        (left,) = review.files[0].left_out
        assert left.code == "unreadable-box"
        assert f"$.{next(iter(wrong))}" in left.message
        tally = Tally()
        list(review.corrected_chunks(everything=True, tally=tally))
        assert (tally.read, tally.kept, tally.dropped) == (4, 3, {"unreadable-box": 1})


@pytest.mark.parametrize(
    ("odd", "left_out"),
    [
        ({"frame_number": -1}, ["unreadable-box"]),
        ({"frame_number": 2**40}, ["unreadable-box"]),
        ({"type": "line", "nodes": [{"x": 10**400, "y": 1}, {"x": 1, "y": 9}]}, ["unreadable-box"]),
        ({"type": "cuboid", "front_face": json.loads("[" * 900 + "]" * 900)}, []),
        ({"x_max": None}, ["no-area"]),
        ({"x_max": 0, "y_max": 0}, ["no-area"]),
        ({"type": "ellipse", "center_x": "a", "width": -1}, []),
        ({"type": "blob", "x_max": 1e308, "points": []}, []),
        ({"number": 2**70}, []),
        ({"attribute_groups": [1, {"2": None}]}, []),
        ({"attribute_groups": {"7": 2**70, "8": 1.5, "9": {"id": {"a": 1}}, "10": []}}, []),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_whatever_a_row_says_the_others_are_read(odd, left_out):
    """And what is read can be written."""
    good = {"id": 1, "type": "box", "label_file_id": 1, "x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40}
    rows = [msgspec.Raw(json.dumps(row).encode()) for row in ({**good, **odd}, good)]
    found = stored_rows(rows, {1: "cat"}, AttributeNames(list))
    assert [left.code for left in found.left_out] == left_out
    assert len(found.boxes) == 2 - len(left_out)
    file = ReviewedFile(file_name="a.jpg", file_id=1, width=100, height=80, stored=found.boxes, left_out=found.left_out)
    tally = Tally()
    (chunk,) = corrected([file], tally, everything=True)
    msgspec.json.encode([chunk.xyxy.tolist(), list(chunk.attributes) if chunk.attributes is not None else None])
    assert (tally.read, tally.kept) == (2, len(found.boxes))


def test_attributes_that_the_run_sent_have_the_source_s_names_and_truth_values():
    """Those of people stay as they are; several options are a list in both."""
    groups = [AttributeGroup(id=1, name="Hard"), AttributeGroup(id=2, name="wet"), AttributeGroup(id=3, prompt="Sides")]
    names = AttributeNames(lambda: groups, {"Hard": "difficult", "Sides": "sides"})
    several = {"7": {"id": 7, "name": "left"}, "8": {"id": 8, "name": "true"}}
    row = {"1": {"id": 5, "name": "true", "selected": True}, "2": {"id": 6, "name": "true"}, "3": several}
    assert names.of(row) == {"difficult": True, "wet": "true", "sides": ["left", "true"]}


def test_an_odd_row_is_not_kept_for_good(sandbox, label, tmp_path):
    """The file is read again at every pull, and whole as soon as the server has it so."""
    path = tmp_path / "o.sqlite"
    ids = sent_run(sandbox, path, 30)
    good = sandbox._store.instances(ids[0])[0]
    spoil(sandbox, ids[0], {"x_min": "oops"})
    pulled(sandbox, path)
    _, calls = pulled(sandbox, path)
    assert calls[ONE] == 1
    spoil(sandbox, ids[0], {"x_min": good["x_min"]})
    review, _ = pulled(sandbox, path)
    assert ([len(file.stored) for file in review.files], review.files[0].left_out) == ([2] * 30, [])
    _, calls = pulled(sandbox, path)
    assert ONE not in calls


def test_a_file_that_was_removed_is_named(sandbox, label, tmp_path):
    """One that was put into another directory is still the run's."""
    path = tmp_path / "o.sqlite"
    ids = sent_run(sandbox, path, 4)
    pulled(sandbox, path)
    sandbox.remove_file(ids[1])
    elsewhere = sandbox._store.insert("directory", {"project": "sandbox", "nickname": "done"})
    sandbox._store.update("file", ids[2], {"directory_id": elsewhere, "ann_is_complete": 1})
    review, _ = pulled(sandbox, path)
    assert review.gone == ["000001.png"]
    assert [(file.file_id, file.complete) for file in review.files] == [
        (ids[0], False), (ids[2], True), (ids[3], False),
    ]  # fmt: skip
    assert len(review.files[1].stored) == 2


def test_what_cannot_be_read_or_is_gone_is_said(sandbox, label, tmp_path, monkeypatch, capsys):
    """In a line each, and in the counts."""
    path = tmp_path / "o.sqlite"
    ids = sent_run(sandbox, path, 3)
    spoil(sandbox, ids[0], {"label_file_id": "x"})
    sandbox.remove_file(ids[2])
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(path))
    assert boxferry(["pull", "r", "--all", "-o", str(tmp_path / "out.json")]) == 0
    said = capsys.readouterr().err
    assert "run r: no longer on the server: 000002.png" in said
    assert "0 of 2 files reviewed; 3 boxes written" in said
    assert "left out, unreadable-box: 000000.png: the server's row is no box: Expected" in said
    assert boxferry(["pull", "r", "--all", "--json", "-o", str(tmp_path / "out.json")]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["boxes"], facts["gone"], facts["dropped"]) == (3, 1, {"unreadable-box": 1})


def test_what_is_kept_is_for_its_owner_alone(sandbox, label, tmp_path):
    """No other user reads it; what an earlier version kept is gone."""
    path = tmp_path / "o.sqlite"
    old = tmp_path / "o.sqlite.pull" / "1.ndjson"
    old.parent.mkdir(mode=0o755)
    old.write_text("{}")
    sent_run(sandbox, path, 2)
    pulled(sandbox, path)
    (kept,) = old.parent.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(old.parent.stat().st_mode) == 0o700
    assert b"http" not in kept.read_bytes()


def test_signed_urls_are_not_kept():
    """Where a server puts them into a row; a text of people that looks like one stays."""
    signed = "https://bucket/x.png?X-Amz-Signature=abc"
    row = {"id": 1, "preview": signed, "deep": {"a": [signed]}, "none": None, "label_file": {"id": 3}}
    mine = {"creation_ref_id": "boxferry:0:://?", "attribute_groups": {"4": "://?"}, "plain": "a?b"}
    assert [msgspec.json.decode(each) for each in packed([row | mine])] == [{"id": 1} | mine]


def known(file_id, changed="then", **more):
    return Known(file_id=file_id, name="a.png", changed=changed, **more)


def test_a_line_that_was_cut_off_is_passed_over(tmp_path):
    """What is put after it is found again."""
    path = tmp_path / "c.ndjson"
    with Cache(path) as cache:
        cache.put(known(1))
        cache.put(known(2))
    path.write_bytes(path.read_bytes()[:-9])
    with Cache(path) as cache:
        assert len(cache) == 1
        cache.put(known(3, rows=packed([{"id": 5}])))
    with Cache(path) as cache:
        assert (cache.get(2), cache.get(1)) == (None, known(1))
        assert bytes(cache.get(3).rows[0]) == b'{"id":5}'


def test_only_a_file_that_did_not_change_is_known(tmp_path):
    """Nor does a server help that does not tell when a file changed."""
    with Cache(tmp_path / "c.ndjson") as cache:
        cache.put(known(1))
        cache.put(known(2, changed=""))
        listed = {"original_filename": "a.png", "time_last_updated": "then"}
        assert cache.knows(FileRecord(id=1, **listed))
        assert not cache.knows(FileRecord(id=1, **(listed | {"time_last_updated": "now"})))
        assert not cache.knows(FileRecord(id=1, **(listed | {"original_filename": "b.png"})))
        assert not cache.knows(FileRecord(id=3, **listed))
        for untold in ({}, {"time_last_updated": None}, {"time_last_updated": ""}):
            assert not cache.knows(FileRecord(id=2, original_filename="a.png", **untold))


def test_lines_that_do_not_count_any_more_go(tmp_path):
    """Not in a pull that broke off, whose lines are all there."""
    path = tmp_path / "c.ndjson"

    def read_thrice():
        with Cache(path) as cache:
            for turn in range(3):
                cache.put(known(1, changed=str(turn)))
                cache.put(known(2, changed=str(turn)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_thrice()
    assert path.read_bytes().count(b"\n") == 6
    with Cache(path) as cache:
        assert cache.get(2) == known(2, changed="2")
    assert path.read_bytes().count(b"\n") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Cache(path) as cache:
        assert (cache.get(1), cache.get(2)) == (known(1, changed="2"), known(2, changed="2"))


@pytest.fixture
def two_machines(tmp_path):
    """A clock that can be set forward, the sandbox that goes by it, and two machines with an outbox each."""
    clock = Clock()
    with (
        Sandbox(tmp_path / "sandbox", clock=clock) as sandbox,
        Diffgram(server_of(sandbox), outbox=tmp_path / "a.sqlite") as one,
        Diffgram(server_of(sandbox), outbox=tmp_path / "b.sqlite") as two,
    ):
        yield clock, sandbox, one, two


@pytest.mark.parametrize("complete", [True, False], ids=["done", "saved"])
def test_a_save_that_makes_one_of_two_machines_equal_boxes_deletes_none(folder, two_machines, complete):
    """Another machine sent the same boxes; people saved the file as it was: no box of ours counts as deleted."""
    clock, sandbox, one, two = two_machines
    push(one, predictions(folder), run="n1", model="m")
    clock.pass_(60)
    push(two, predictions(folder), run="n2", model="n", existing=True)
    (file,) = (file for file in sandbox.files() if file["original_filename"] == "a.jpg")
    assert len(sandbox._store.instances(file["id"])) == 4
    clock.pass_(60)
    saved(sandbox, file, sandbox._store.instances(file["id"]), complete=complete)
    assert len(sandbox._store.instances(file["id"])) == 2
    found = "kept" if complete else "unreviewed"
    for diffgram, run in ((one, "n1"), (two, "n2")):
        fates = diffgram.pull(run).summary().fates
        assert (fates[found], fates["deleted"], fates.total()) == (2 if complete else 3, 0, 3)


def test_a_box_that_was_deleted_before_an_equal_one_came_stays_deleted(folder, two_machines):
    """As long as people have not looked at the one that another machine has sent since."""
    clock, sandbox, one, two = two_machines
    push(one, predictions(folder), run="n1", model="m")
    (file,) = (file for file in sandbox.files() if file["original_filename"] == "a.jpg")
    clock.pass_(60)
    saved(sandbox, file, sandbox._store.instances(file["id"])[:1])
    clock.pass_(60)
    push(two, predictions(folder), run="n2", model="n", existing=True, ask_again=True)
    assert one.pull("n1").summary().fates["deleted"] == 1


def test_a_packet_that_does_not_tell_what_it_came_beside_makes_no_fate_a_persons(folder, two_machines):
    """Of an earlier version: a save that made one of two equal boxes, and a deletion before it came, look alike."""
    clock, sandbox, one, two = two_machines
    push(one, predictions(folder), run="n1", model="m")
    clock.pass_(60)
    push(two, predictions(folder), run="n2", model="n", existing=True)
    (file,) = (file for file in sandbox.files() if file["original_filename"] == "a.jpg")
    for sent in sandbox._store.rows("SELECT id, instance_list FROM input WHERE mode = 'update'"):
        boxes = {"list": [as_sent(Row(box)) for box in json.loads(sent["instance_list"])["list"]]}
        sandbox._store.update("input", sent["id"], {"instance_list": json.dumps(boxes)})
    clock.pass_(60)
    saved(sandbox, file, sandbox._store.instances(file["id"]), complete=True)
    fates = one.pull("n1").summary().fates
    assert (fates["replaced"], fates["unreviewed"], fates.total()) == (2, 1, 3)


def saved(sandbox, file, rows, *, complete=False):
    """A person's save of a file, by the interface's route."""
    path = f"{sandbox.host}/api/project/{sandbox.project}/file/{file['id']}/annotation/update"
    given = {"auth": (sandbox.client_id, sandbox.client_secret), "timeout": 9}
    body = {"instance_list": rows, "directory_id": sandbox.directory_id, "and_complete": complete}
    requests.post(path, json=body, **given).raise_for_status()
