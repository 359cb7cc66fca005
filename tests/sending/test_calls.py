"""How many calls a plan over files that are there makes: pages, not two calls a file."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from boxferry import Diffgram, read
from boxferry.deliver.recheck import Recheck
from boxferry.diffgram.client import Client
from boxferry.errors import Refused
from boxferry.packets.reference import file_digest
from boxferry.plan.make_planner import images_in
from boxferry.plan.patience import Patience
from boxferry.stored.stored_boxes import StoredBoxes
from counting import counted
from filled import fill
from sending.pushing import push, server_of

N = 1000
ONE = "/api/project/sandbox/file/{n}/annotation/list"
VIEW = "/api/v1/file/view"


def labels_for(folder, count, first=0):
    """A YOLO file of one box for so many images."""
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        (folder / f"{number:06}.txt").write_text("0 0.5 0.5 0.2 0.25 0.9\n")
    return folder


def planned(sandbox, source, outbox, **options):
    """What a dry run onto existing files says, and the calls that it made."""
    given = {"existing": True, "dry_run": True, "labels": "error"} | options
    with counted(sandbox.host) as (host, calls), Diffgram(server_of(sandbox, host=host), outbox=outbox) as diffgram:
        return push(diffgram, source, **given), calls.counted()


@pytest.fixture
def label(sandbox):
    with Client(server_of(sandbox)) as client:
        return client.create_label("cat", schema_id=client.schemas()[0].id)


@pytest.mark.parametrize("options", [{"size": "640x480"}, {}], ids=["sizes known here", "sizes asked for"])
def test_a_plan_over_files_without_boxes(sandbox, label, tmp_path, options):
    """At most 5 calls, and one for 500 files."""
    fill(sandbox, N)
    source = read(labels_for(tmp_path / "labels", N), names=["cat"], **options)
    report, calls = planned(sandbox, source, tmp_path / "o.sqlite")
    assert len(list(report.planned)) == N
    assert report.tally.kept == N
    assert calls.total() <= 5 + N / 500, calls


def by_us(_number, index):
    """The fields of a box that another run of ours put there."""
    left = 10 * index
    return {"creation_ref_id": f"boxferry:0123456789abcdef:{left},5,{left + 8},50:cat", "model_run_id": 1}


@pytest.mark.parametrize("on_existing", ["append", "replace-own", "skip"])
@pytest.mark.parametrize("page", [1000, 100], ids=["one page", "ten pages in no order"])
def test_a_plan_over_files_with_boxes(sandbox, label, tmp_path, monkeypatch, on_existing, page):
    """At most 5 calls, one for 250 files (of 1000 on a page), and one for each that no page showed."""
    monkeypatch.setattr("boxferry.diffgram.client.PAGE", page)
    fill(sandbox, N, boxes=1, box=by_us)
    source = read(labels_for(tmp_path / "labels", N), names=["cat"], size="640x480")
    report, calls = planned(sandbox, source, tmp_path / "o.sqlite", on_existing=on_existing)
    assert len(list(report.planned)) == (0 if on_existing == "skip" else N)
    singly = calls.pop(ONE, 0)
    assert calls.total() <= 5 + N / 250 * 1000 / page, calls
    assert singly < N / 4 if page < N else singly == 0


def test_a_plan_over_few_of_many_files(sandbox, label, tmp_path):
    """Costs a call or two a file, and no page but those of names."""
    fill(sandbox, N, boxes=1, box=by_us)
    source = read(labels_for(tmp_path / "labels", 7), names=["cat"], size="640x480")
    report, calls = planned(sandbox, source, tmp_path / "o.sqlite")
    assert len(list(report.planned)) == 7
    assert "list explorer" not in calls
    assert "list annotation" not in calls
    assert calls[ONE] + calls[VIEW] <= 14
    assert calls["list base"] == 1


def test_two_files_of_one_name_are_told(sandbox, label, folder, diffgram):
    """Neither is chosen: the message has the ids of both."""
    first, *_ = fill(sandbox, 1)
    (second,) = fill(sandbox, 1)
    source = read(labels_for(folder / "rows", 1), names=["cat"], size="640x480")
    report = push(diffgram, source, existing=True)
    assert report.exit_code == 1
    (folder / "images" / "a.jpg").rename(folder / "images" / "000000.png")
    source = read(labels_for(folder / "rows", 1), names=["cat"], images=folder / "images")
    again = push(diffgram, source, on_existing="append", run="again")
    for each in (report, again):
        assert each.tally.failed["ambiguous-file"]
        said = " ".join(map(str, each.tally.examples["ambiguous-file"]))
        assert f"id {first}" in said
        assert f"id {second}" in said


@pytest.fixture
def counting(sandbox):
    """A client whose calls are counted, and the calls."""
    with counted(sandbox.host) as (host, calls), Client(server_of(sandbox, host=host)) as client:
        yield client, calls


def test_what_was_loaded_stays_until_it_is_forgotten(sandbox, counting):
    """Then that file is read again, alone; what was not loaded is read each time."""
    client, calls = counting
    ids = fill(sandbox, 30, boxes=2, box=lambda number, _: {"creation_ref_id": f"r{number}"})
    empty = fill(sandbox, 2, first=30)
    stored_boxes = StoredBoxes(client, sandbox.directory_id, list(client.files(sandbox.directory_id)))
    stored_boxes.load([*ids, *empty])
    assert calls == ["list base", "list explorer"]
    sandbox._store.delete_instances([sandbox._store.instances(ids[0])[0]["id"]])
    assert stored_boxes.references(ids[0]) == Counter({"r0": 2})
    assert stored_boxes.rows(empty[0]) == []
    assert (stored_boxes.size(ids[0]), stored_boxes.complete(ids[0])) == ((640, 480), False)
    assert stored_boxes.changed(ids[0])
    assert len(calls) == 2
    stored_boxes.forget(ids[0])
    sandbox._store.update("file", ids[0], {"ann_is_complete": 1})
    assert stored_boxes.references(ids[0]) == Counter({"r0": 1})
    assert stored_boxes.complete(ids[0])
    assert calls[2:] == [ONE]
    stored_boxes.rows(ids[0])
    assert calls[3:] == [ONE]


def test_without_a_list_many_files_are_listed_first(sandbox, counting):
    """Few are asked for singly when they are needed."""
    client, calls = counting
    ids = fill(sandbox, 40, boxes=1)
    stored_boxes = StoredBoxes(client, sandbox.directory_id)
    stored_boxes.load(ids[:3])
    assert calls == []
    stored_boxes.load(ids)
    assert {len(stored_boxes.rows(file_id)) for file_id in ids} == {1}
    assert calls == ["list base", "list explorer"]


@pytest.mark.parametrize("wanted", ["none", "without boxes"])
def test_where_no_box_is_asked_for_none_is_read(wanted, sandbox, counting):
    """However many are expected: a push of new files does not read the boxes of all that are there."""
    client, calls = counting
    ids = fill(sandbox, 40, boxes=1)
    empty = fill(sandbox, 2, first=40)
    stored_boxes = StoredBoxes(client, sandbox.directory_id, list(client.files(sandbox.directory_id)), expected=40)
    stored_boxes.load([] if wanted == "none" else empty)
    assert calls == ["list base"]
    stored_boxes.load(ids[:1])
    assert calls == ["list base", "list explorer"]


def test_what_was_read_back_once_is_read_back_anew(sandbox, counting):
    """A file that was seen without boxes has some after a packet; files that nobody named are not kept."""
    client, _ = counting
    ids = fill(sandbox, 40)
    stored_boxes = StoredBoxes(client, sandbox.directory_id)
    assert stored_boxes.rows(ids[0]) == []
    for boxes in (1, 2):
        for file_id in ids:
            sandbox._store.add_instances(file_id, [{"type": "box", "label_file_id": 1, "creation_ref_id": f"r{boxes}"}])
            sandbox._store.update("file", file_id, {"count_instances_changed": boxes})
        stored_boxes.load(ids[:30])
        assert {stored_boxes.references(file_id).total() for file_id in ids} == {boxes}
        for file_id in ids[:30]:
            stored_boxes.forget(file_id)


def test_sizes_of_few_files_are_asked_for_singly(sandbox, counting):
    """And those of many by pages, once."""
    client, calls = counting
    ids = fill(sandbox, 400)
    stored_boxes = StoredBoxes(client, sandbox.directory_id, list(client.files(sandbox.directory_id)))
    stored_boxes.load_sizes(ids[:5])
    assert calls[1:] == [VIEW] * 5
    stored_boxes.load_sizes(ids)
    assert {stored_boxes.size(file_id) for file_id in ids} == {(640, 480)}
    assert calls[6:] == ["list annotation"]


def test_a_file_that_is_not_there_is_refused(sandbox, counting):
    """In the server's words, when its boxes are asked for."""
    client, _ = counting
    with pytest.raises(Refused):
        StoredBoxes(client, sandbox.directory_id).rows(99)


def test_about_how_many_images_a_source_is_of(tmp_path):
    """By its label files, its results in memory, or its bytes."""
    assert images_in(read(labels_for(tmp_path / "labels", 12), names=["cat"]).source) == 12
    (tmp_path / "r.json").write_text("[" + " " * 5000 + "]")
    assert images_in(read(tmp_path / "r.json", format="coco").source) == 5
    assert images_in(read([], format="supervision", names=["cat"]).source) == 0


@pytest.mark.parametrize("unknown", [0, 3, 30])
def test_inputs_are_asked_for_only_where_a_prediction_could_be_one_that_people_deleted(
    sandbox, label, tmp_path, unknown
):
    """Of files on which a box accounts for each prediction no input is read; else few singly, many in one list."""
    predicted = {"x_min": 256, "y_min": 180, "x_max": 384, "y_max": 300}  # as `labels_for` has it
    reference = {"creation_ref_id": "boxferry:0123456789abcdef:256,180,384,300:cat", "model_run_id": 1}
    fill(sandbox, 40 - unknown, boxes=1, box=lambda *_: predicted | reference)
    fill(sandbox, unknown, boxes=1, first=40 - unknown, box=by_us)
    fill(sandbox, 40, first=40)
    source = read(labels_for(tmp_path / "labels", 80), names=["cat"], size="640x480")
    report, calls = planned(sandbox, source, tmp_path / "o.sqlite", on_existing="append")
    assert report.tally.kept == 80
    once = 1  # what is accepted and not ended
    assert calls["/api/walrus/v1/project/sandbox/input/view/list"] == once + (unknown if unknown < 20 else 1)


def test_a_plan_that_replaces_a_model(sandbox, label, tmp_path):
    """Whose boxes the files hold is read from the inputs, all of them together."""
    digests = [file_digest(f"{number:06}.png", "older", "r") for number in range(N)]

    def older(number, index):
        left = 10 * index
        reference = f"boxferry:{digests[number]}:{left},5,{left + 8},50:cat"
        return {"creation_ref_id": reference, "model_run_id": 1, "created_time": "2026-11-23T00:00:00"}

    sandbox._store.model_run(sandbox.project, "older", "r")
    fill(sandbox, N, boxes=2, box=older)
    source = read(labels_for(tmp_path / "labels", N), names=["cat"], size="640x480")
    more = {"on_existing": "error", "replaces": ("older",)}
    report, calls = planned(sandbox, source, tmp_path / "o.sqlite", **more)
    assert sum(file.removes for file in report.planned) == 2 * N
    assert calls.total() <= 40, calls


def test_what_waits_is_compared_by_pages(sandbox, label, tmp_path):
    """Labels, the list, the boxes, the inputs: a handful of calls for any number of packets."""
    fill(sandbox, 60, boxes=1, box=by_us)
    source = read(labels_for(tmp_path / "labels", 60), names=["cat"], size="640x480")
    broken = {"instead": lambda call: 503 if call.endswith("/input/packet") else None}
    patience = Patience(failures=1, first_pause_s=0.0)
    with (
        counted(sandbox.host, **broken) as (host, calls),
        Diffgram(server_of(sandbox, host=host), outbox=tmp_path / "o.sqlite", connections=1) as diffgram,
    ):
        report = push(diffgram, source, existing=True, labels="error", patience=patience)
        waiting = diffgram.outbox.entries(report.run.id, ("queued",))
        assert len(waiting) >= 59
        calls.clear()
        Recheck(diffgram._client, diffgram.outbox, report.run, report.tally, iou=0.7).shorten(waiting)
    assert calls.counted().total() <= 6, calls
    assert "list explorer" in calls


def test_the_benchmark_of_calls_runs():
    """At a small size: what `make bench` counts at ten thousand files."""
    program = Path(__file__).parents[2] / "benchmarks" / "calls.py"
    command = [sys.executable, program, "--files", "120", "--latency", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = {name: float(value) for name, value in (line.split(": ") for line in done.stdout.splitlines())}
    assert found["files"] == 120
    assert found["bare"] <= 5 + 1
    assert found["boxed"] <= 5 + 4  # what is asked once, whatever the number
    assert found["again"] <= 5 + 1 + found["moved"]
