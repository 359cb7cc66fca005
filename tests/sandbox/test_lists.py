"""The sandbox's lists of files and inputs, as far as one recorded answer cannot say it: disorder, caps, what moves."""

import itertools
import time

import pytest

from boxferry.sandbox.server import Sandbox
from sandbox.calls import PACKET, a_box, a_label, call, upload

FILE_LIST = "/api/project/{}/user/sdk/file/list"
INPUT_LIST = "/api/walrus/v1/project/{}/input/view/list"


def fill(sandbox, count):
    """So many files at once, past the routes."""
    facts = {"project": sandbox.project, "directory_id": sandbox.directory_id, "type": "image", "state": "added"}
    with sandbox._store.writing():
        return [
            sandbox._store.insert(
                "file", facts | {"original_filename": f"f{n}.png", "width": 64, "height": 48, "created_time": 1.0}
            )
            for n in range(count)
        ]


def listed(sandbox, **metadata):
    body = {"directory_id": sandbox.directory_id, "file_view_mode": "base"} | metadata
    answer = call(sandbox, FILE_LIST, {"metadata": body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def explored(sandbox, **metadata):
    return listed(sandbox, file_view_mode="explorer", query=f"dataset.id = {sandbox.directory_id}", **metadata)


def ids(answer):
    return [file["id"] for file in answer["file_list"]]


def test_explorer_pages_repeat_and_leave_out_files(sandbox):
    """8 pages of 20 over 150 files show most of them and not all, as a real server's do."""
    there = fill(sandbox, 150)
    pages = [ids(explored(sandbox, limit=20, page=page)) for page in range(1, 9)]
    seen = list(itertools.chain(*pages))
    assert [len(page) for page in pages] == [20] * 7 + [10]
    assert 110 < len(set(seen)) < 150
    assert set(seen) < set(there)


def test_one_explorer_page_that_holds_all_files_shows_all(sandbox):
    """In whatever order: nothing is lost within a page."""
    there = fill(sandbox, 150)
    one, other = (ids(explored(sandbox, limit=1000)) for _ in range(2))
    assert sorted(one) == sorted(other) == there
    assert one != other


def test_the_disorder_is_repeatable(tmp_path):
    """The same seed, the same pages."""

    def pages(folder, seed):
        with Sandbox(tmp_path / folder, seed=seed) as sandbox:
            fill(sandbox, 60)
            return [ids(explored(sandbox, limit=20, page=page)) for page in (1, 2, 3)]

    assert pages("a", 1) == pages("b", 1) != pages("c", 2)


def test_following_the_explorer_past_its_end_never_ends(sandbox):
    """No files is said with `false`, and there is always a next page: who follows it must look at the files."""
    fill(sandbox, 3)
    past = explored(sandbox, limit=3, page=2)
    assert past["file_list"] is False
    assert past["metadata"]["next_page"] == 3
    assert "file_count" not in past["metadata"]


@pytest.mark.parametrize(("mode", "cap"), [("base", 1000), ("annotation", 1000), ("ids_only", 25_000)])
def test_a_page_is_capped(sandbox, mode, cap):
    """However much is wanted; what is cut off is on the next page."""
    there = fill(sandbox, 1003)
    first = listed(sandbox, file_view_mode=mode, limit=100_000)
    assert first["metadata"]["limit"] == cap
    assert len(first["file_list"]) == min(cap, 1003)
    second = listed(sandbox, file_view_mode=mode, limit=100_000, page=2)
    found = first["file_list"] + second["file_list"]
    assert [f if mode == "ids_only" else f["id"] for f in found] == there[::-1]


def test_boxes_of_the_explorer_are_those_of_the_file(sandbox):
    """As annotation/list gives them, deleted ones left out; files without boxes have an empty list."""
    label = a_label(sandbox)
    full, empty = upload(sandbox, "a.png", [a_box(label), a_box(label, 30)]), upload(sandbox, "b.png")
    sandbox._store.delete_instances([sandbox.boxes("a.png")[0]["id"]])
    path = f"/api/project/{{}}/file/{full}/annotation/list"
    singly = call(sandbox, path, {"directory_id": sandbox.directory_id}).json()["file_serialized"]
    files = {file["id"]: file for file in explored(sandbox)["file_list"]}
    assert files[full]["instance_list"] == singly["instance_list"]
    assert [box["x_min"] for box in files[full]["instance_list"]] == [30]
    assert files[empty]["instance_list"] == []
    assert (files[full]["image"]["width"], files[full]["image"]["height"]) == (64, 48)


def test_a_list_costs_few_statements_however_many_files(sandbox):
    """A sandbox of 10,000 files stays usable: no statement a file."""
    fill(sandbox, 1000)
    for asked in (lambda: explored(sandbox, limit=1000), lambda: listed(sandbox, limit=1000)):
        statements = []
        sandbox._store._db.set_trace_callback(statements.append)
        asked()
        sandbox._store._db.set_trace_callback(None)
        assert len([text for text in statements if "FROM input" not in text]) < 12, "the workers' looks left out"


def save(sandbox, file_id, boxes, **more):
    body = {"instance_list": boxes, "directory_id": sandbox.directory_id, "and_complete": False} | more
    assert call(sandbox, f"/api/project/{{}}/file/{file_id}/annotation/update", body).status_code == 200


def test_what_changes_a_file_moves_its_time(sandbox):
    """A packet that is applied, a reviewer's save, and "done": who remembers the time reads only what moved."""
    label = a_label(sandbox)
    file_id, other = upload(sandbox, "a.png"), upload(sandbox, "b.png")
    times = []

    def moved():
        files = {file["id"]: file for file in listed(sandbox)["file_list"]}
        assert files[other]["time_last_updated"] == files[other]["created_time"]
        times.append(files[file_id]["time_last_updated"])
        time.sleep(0.002)
        return files[file_id]

    assert moved()["count_instances_changed"] is None
    call(sandbox, PACKET, {"file_id": file_id, "mode": "update", "instance_list": [a_box(label)]})
    assert sandbox.wait_idle()
    assert moved()["count_instances_changed"] == 1
    boxes = sandbox.boxes("a.png")
    save(sandbox, file_id, [boxes[0] | {"x_max": 44}])
    assert moved()["count_instances_changed"] == 2
    save(sandbox, file_id, sandbox.boxes("a.png"), and_complete=True)
    assert moved()["ann_is_complete"] is True
    assert times == sorted(set(times))


def test_an_input_tells_when_it_was_written_last(tmp_path):
    """When it was applied, not when it was sent."""
    times = iter([1_000_000_000.5])

    def clock():
        return next(times, 1_000_000_060.5)

    with Sandbox(tmp_path) as sandbox:
        label, file_id = a_label(sandbox), upload(sandbox, "a.png")
        sandbox._store.now = clock
        call(sandbox, PACKET, {"file_id": file_id, "mode": "update", "instance_list": [a_box(label)]})
        assert sandbox.wait_idle()
        found = call(sandbox, INPUT_LIST, {"file_id": file_id}).json()["input_list"][0]
    assert found["time_updated"] == "2001-09-09T01:47:40.500000+00:00"


def test_processing_lists_what_has_not_ended_of_all_batches(tmp_path):
    """What has not been begun too; with a file's id beside it, of that file alone."""
    with Sandbox(tmp_path, delay_s=60) as sandbox:
        label = a_label(sandbox)
        files = [upload(sandbox, name, [a_box(label)]) for name in ("a.png", "b.png")]
        batches = [call(sandbox, "/api/v1/project/{}/input-batch/new").json()["input_batch"]["id"] for _ in files]
        for file_id, batch_id in zip(files, batches, strict=True):
            boxes = [a_box(label, 30, creation_ref_id=f"of {file_id}")]
            body = {"file_id": file_id, "mode": "update", "batch_id": batch_id, "instance_list": boxes}
            assert call(sandbox, PACKET, body).status_code == 200
        waiting = call(sandbox, INPUT_LIST, {"status_filter": "Processing", "limit": 1000}).json()["input_list"]
        assert [(i["file_id"], i["batch_id"], i["status"]) for i in waiting] == [
            (file_id, batch_id, "init") for file_id, batch_id in zip(files[::-1], batches[::-1], strict=True)
        ]
        assert waiting[0]["instance_list"]["list"][0]["creation_ref_id"] == f"of {files[1]}"
        one = call(sandbox, INPUT_LIST, {"status_filter": "Processing", "file_id": files[0]}).json()["input_list"]
        assert [i["file_id"] for i in one] == files[:1]


def test_the_input_list_is_capped_and_minus_one_is_not(sandbox):
    """1000 at most, whatever is wanted; -1 alone gives all."""
    with sandbox._store.writing():
        for _ in range(1002):
            sandbox._store.insert("input", {"project": sandbox.project, "status": "success", "created_time": 1.0})
    counts = [len(call(sandbox, INPUT_LIST, {"limit": n}).json()["input_list"]) for n in (5, 5000, -1)]
    assert counts == [5, 1000, 1002]


def test_a_buffer_of_frames_is_capped(sandbox):
    """1000 frames and the one after them, however many are wanted; where the end is the start, as many as that."""
    facts = {"project": sandbox.project, "directory_id": sandbox.directory_id, "type": "video", "state": "added"}
    file_id = sandbox._store.insert("file", facts | {"original_filename": "v.mp4", "frame_count": 3000})
    label = a_label(sandbox)
    numbers = (0, 7, 1000, 1001, 2500)
    sandbox._store.add_instances(file_id, [a_box(label) | {"frame_number": number} for number in numbers])

    def found(start, end):
        path = f"/api/project/{{}}/video/{file_id}/instance/buffer/start/{start}/end/{end}/list"
        frames = call(sandbox, path, {"directory_id": sandbox.directory_id}).json()["instance_buffer_dict"]
        return len(frames), [int(frame) for frame, boxes in frames.items() if boxes]

    assert found(0, 2900) == (1001, [0, 7, 1000])
    assert found(1, 7) == (7, [7])
    assert found(8, 20) == (12, [])
    assert found(1001, 1001) == (1, [1001])
    assert found(20, 8) == (0, [])
