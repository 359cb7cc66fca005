"""The wire contract: reading in bulk: a directory's files in each mode, and the inputs that have not ended."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from contract.wire import corners, picture, unique

INPUTS = "/api/walrus/v1/project/{p}/input/view/list"


@pytest.fixture(scope="module")
def directory(wire):
    """A directory with five files, the oldest first in the list of ids; the second has a box."""
    directory_id = wire.new_directory()
    ids = []
    for number in range(5):
        fields = {"directory_id": directory_id} | ({"instance_list": [wire.box()]} if number == 1 else {})
        answer = wire.upload(unique(f"f{number}"), picture(), fields)
        ids.append(answer.json()["file"]["id"])
    return directory_id, ids


@pytest.mark.parametrize("mode", ["base", "annotation"])
def test_files_come_newest_first(wire, directory, mode):
    """By id; with when they last changed, whether they are done, and whether a box was ever put there."""
    directory_id, ids = directory
    files = wire.files(directory_id=directory_id, file_view_mode=mode)["file_list"]
    assert [file["id"] for file in files] == ids[::-1]
    assert {"time_last_updated", "ann_is_complete", "count_instances_changed"} <= set(files[0])
    counted = {file["id"]: file["count_instances_changed"] for file in files}
    assert counted[ids[1]]
    assert not counted[ids[0]]


def test_the_mode_annotation_has_the_sizes(wire, directory):
    """The mode base has not."""
    listed = {mode: wire.files(directory_id=directory[0], file_view_mode=mode) for mode in ("base", "annotation")}
    assert all((f["image"]["width"], f["image"]["height"]) == (64, 48) for f in listed["annotation"]["file_list"])
    assert not any((f.get("image") or {}).get("width") for f in listed["base"]["file_list"])


def test_the_mode_ids_only_is_a_list_of_numbers(wire, directory):
    """Newest first too, by pages."""
    directory_id, ids = directory
    assert wire.files(directory_id=directory_id, file_view_mode="ids_only")["file_list"] == ids[::-1]
    second = wire.files(directory_id=directory_id, file_view_mode="ids_only", limit=2, page=2)
    assert second["file_list"] == ids[::-1][2:4]
    assert second["metadata"]["file_count"] == 5


def test_the_mode_explorer_has_sizes_and_boxes(wire, directory):
    """Its order is none, so that only one page of it is certain to have them all."""
    directory_id, ids = directory
    found = wire.explored(directory_id)
    assert sorted(file["id"] for file in found) == sorted(ids)
    assert all((file["image"]["width"], file["image"]["height"]) == (64, 48) for file in found)
    boxes = {file["id"]: file["instance_list"] for file in found}
    assert corners(boxes[ids[1]]) == corners(wire.boxes(ids[1]))
    assert boxes[ids[0]] == []


def test_explorer_leaves_deleted_boxes_out(wire):
    """As annotation/list does."""
    directory_id = wire.new_directory()
    fields = {"directory_id": directory_id, "instance_list": [wire.box(), wire.box(5, 5, 9, 9)]}
    file_id = wire.upload(unique(), picture(), fields).json()["file"]["id"]
    wire.save(file_id, [b | {"soft_delete": True} if b["x_min"] == 5 else b for b in wire.boxes(file_id)])
    (file,) = wire.explored(directory_id)
    assert corners(file["instance_list"]) == [(1, 2, 30, 40)]


def test_explorer_pages_hold_no_file_that_is_not_there(wire, directory):
    """Pages repeat files and leave others out, on a real server; the sandbox does it too. Both ways are accepted."""
    directory_id, ids = directory
    seen = [file["id"] for page in (1, 2, 3) for file in wire.explored(directory_id, limit=2, page=page)]
    assert set(seen) <= set(ids)
    assert len(seen) <= 6


def test_explorer_over_nothing(wire):
    """file_list is false, and not an empty list."""
    answer = wire.files(file_view_mode="explorer", query=f"dataset.id = {wire.new_directory()}")
    assert answer["file_list"] in (False, [])
    assert "file_count" not in answer["metadata"] or not answer["metadata"]["file_count"]


@pytest.mark.parametrize("extra", [{"regen_url": False}, {"with_children_files": False}], ids=["no-urls", "children"])
def test_a_list_may_do_without_urls(wire, directory, extra):
    """Which saves a third of the time; the sizes are there all the same."""
    listed = wire.files(directory_id=directory[0], file_view_mode="annotation", **extra)["file_list"]
    assert [file["image"]["width"] for file in listed] == [64] * 5


def test_a_page_past_the_end_is_empty(wire, directory):
    """And has no next one."""
    answer = wire.files(directory_id=directory[0], limit=2, page=9)
    assert answer["file_list"] == []


@pytest.mark.parametrize(
    "metadata", [{"directory_id": 2**31 - 7}, {"file_view_mode": "zzz"}], ids=["directory", "mode"]
)
def test_lists_that_are_refused(wire, metadata):
    """An unknown directory, an unknown mode: 400."""
    body = {
        "metadata": {"directory_id": wire.directory_id, "limit": 10, "page": 1, "file_view_mode": "base"} | metadata
    }
    assert wire.post("/api/project/{p}/user/sdk/file/list", body).status_code == 400


def test_a_search_term_has_wildcards(wire):
    """% and _ stand for anything and for one letter; case does not count."""
    directory_id = wire.new_directory()
    for name in ("needle_a.png", "NEEDLExb.png", "other.png"):
        assert wire.upload(name, picture(), {"directory_id": directory_id}).status_code == 200

    def found(term):
        return sorted(
            f["original_filename"] for f in wire.files(directory_id=directory_id, search_term=term)["file_list"]
        )

    assert found("needle_") == found("n%e") == ["NEEDLExb.png", "needle_a.png"]
    assert found("nothing") == []


def test_done_files_are_filtered_and_stay_done(wire):
    """annotation_status 'Completed'; other words filter nothing. A packet appended later leaves the file completed."""
    directory_id = wire.new_directory()
    made = [wire.upload(unique(), picture(), {"directory_id": directory_id}).json()["file"]["id"] for _ in range(2)]
    wire.update(made[0], [wire.box()])
    wire.save(made[0], wire.boxes(made[0]), and_complete=True)
    completed = wire.files(directory_id=directory_id, annotation_status="Completed")["file_list"]
    assert [file["id"] for file in completed] == made[:1]
    assert len(wire.files(directory_id=directory_id, annotation_status="Incomplete")["file_list"]) == 2
    assert wire.update(made[0], [wire.box(5, 5, 9, 9)])["status"] == "success"
    assert wire.file(made[0])["ann_is_complete"] is True
    assert len(wire.boxes(made[0])) == 2


@pytest.mark.parametrize("how", ["packet", "save", "done"])
def test_the_last_change_of_a_file_moves(wire, how):
    """With a packet that is applied, with a reviewer's save, and with 'done': who remembers it reads what moved."""
    file_id = wire.new_file([wire.box()])
    before = wire.file(file_id)["time_last_updated"]
    time.sleep(1.1)  # it may be told in whole seconds
    if how == "packet":
        wire.update(file_id, [wire.box(5, 5, 9, 9)])
    else:
        moved = [box | ({"x_max": 33} if how == "save" else {}) for box in wire.boxes(file_id)]
        wire.save(file_id, moved, and_complete=how == "done")
    assert wire.file(file_id)["time_last_updated"] != before


def test_a_file_that_nothing_happens_to_stays_as_it_is(wire):
    """Reading moves nothing."""
    file_id = wire.new_file([wire.box()])
    before = wire.file(file_id)["time_last_updated"]
    wire.boxes(file_id)
    assert wire.file(file_id)["time_last_updated"] == before


# The inputs


@pytest.fixture(scope="module")
def ended(wire):
    """A file with one input that succeeded and one that failed."""
    file_id = wire.new_file()
    return file_id, wire.update(file_id, [wire.box()]), wire.update(file_id, [wire.box(x_min=1.5)])


def test_what_has_not_ended_is_one_call(wire):
    """status_filter 'Processing' lists what is queued and under way; what has ended is not in it. A server can be done
    before it is asked, so the list may have nothing of the packet any more."""
    file_id, batch_id = wire.new_file(), wire.batch()
    body = {"file_id": file_id, "mode": "update", "batch_id": batch_id, "instance_list": [wire.box()]}
    assert wire.packet(body).status_code == 200
    found = wire.inputs(status_filter="Processing")
    assert not {record["status"] for record in found} & {"success", "failed"}
    mine = [record for record in found if record["batch_id"] == batch_id]
    assert [record["file_id"] for record in mine] in ([], [file_id])
    wire.outcomes(batch_id)
    assert batch_id not in {record["batch_id"] for record in wire.inputs(status_filter="Processing")}
    assert wire.inputs(status_filter="Processing", file_id=file_id) == []


@pytest.mark.parametrize(("word", "wanted"), [("All", 2), ("Success", 1), ("Failed", 1), ("Processing", 0)])
def test_the_words_of_the_status_filter(wire, ended, word, wanted):
    """They begin with a capital letter; the upload of the file has no batch."""
    file_id, good, bad = ended
    ids = {record["id"] for record in wire.inputs(file_id=file_id, status_filter=word)} & {good["id"], bad["id"]}
    assert len(ids) == wanted


@pytest.mark.parametrize("limit", [-1, 1000, 5000], ids=["minus-1", "1000", "5000"])
def test_the_limit_of_the_inputs(wire, ended, limit):
    """-1 gives all; more than 1000 gives 1000."""
    assert len(wire.inputs(file_id=ended[0], limit=limit)) >= 2


def test_no_input_for_a_limit_of_0(wire, ended):
    """0 is not taken for 'all'."""
    assert wire.inputs(file_id=ended[0], limit=0) == []


REFUSED = {
    "status-in-small-letters": {"status_filter": "success"},
    "status-unknown": {"status_filter": "zzz"},
    "limit-text": {"limit": "2"},
    "batch-text": {"batch_id": "x"},
    "file-text": {"file_id": "x"},
    "no-date": {"date_from": "yesterday"},
    "empty-date": {"date_to": ""},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_lists_of_inputs_that_are_refused(wire, body):
    """400."""
    assert wire.post(INPUTS, body).status_code == 400


def test_days_are_midnights(wire, ended):
    """date_to is the midnight that begins a day: today's inputs are not in a list up to today."""
    file_id, today = ended[0], datetime.now(UTC)
    days = {name: (today + timedelta(days=n)).strftime("%Y-%m-%d") for name, n in (("before", -1), ("after", 2))}
    assert wire.inputs(file_id=file_id, date_from=days["before"], date_to=days["after"])
    assert wire.inputs(file_id=file_id, date_to=days["before"]) == []
    assert wire.inputs(file_id=file_id, date_from=days["after"]) == []


def test_the_media_type_all_gives_none(wire, ended):
    """It is left out, or 'image', or 'video'."""
    assert wire.inputs(file_id=ended[0], media_type="All") == []
    assert wire.inputs(file_id=ended[0], media_type="image")
    assert wire.inputs(file_id=ended[0], media_type="video") == []


def test_inputs_with_boxes_alone(wire, ended):
    """has_attached_instances."""
    found = wire.inputs(file_id=ended[0], has_attached_instances=True)
    assert {ended[1]["id"], ended[2]["id"]} == {record["id"] for record in found}


def test_how_an_end_looks(wire, ended):
    """A success has 'Version: 1' and a clean log; a failure is at 0 percent."""
    _, good, bad = ended
    assert (good["status_text"], good["percent_complete"]) == ("Version: 1", 100.0)
    assert good["update_log"]["error"] == {}
    assert bad["percent_complete"] == 0.0
    assert good["media_type"] == "image"


def test_every_answer_has_the_servers_clock(wire):
    """The header Date, to be compared with created_time."""
    answer = wire.post(INPUTS, {"limit": 1})
    told = datetime.strptime(answer.headers["Date"], "%a, %d %b %Y %H:%M:%S %Z").replace(tzinfo=UTC)
    assert abs((told - datetime.now(UTC)).total_seconds()) < 86_400


READERS = {
    "labels-schema": ("GET", "/api/v1/project/{p}/labels-schema", None),
    "directories": ("POST", "/api/v1/project/{p}/directory/list", {"limit": 1}),
    "inputs": ("POST", INPUTS, {"limit": 1}),
    "attributes": ("POST", "/api/v1/project/{p}/attribute/template/list", {"mode": "from_project"}),
}


@pytest.mark.parametrize("call", READERS.values(), ids=READERS)
def test_a_viewer_may_read(wire, call):
    """Labels, directories, inputs, attributes."""
    if wire.viewer is None:
        pytest.skip("BOXFERRY_LIVE_VIEWER_ID and _SECRET are not set")
    method, path, body = call
    assert wire.call(method, path, json=body, auth=wire.viewer).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/api/v1/project/{p}/model-runs/list", "/api/v1/project/{p}/input-batch/new", "/api/v1/project/{p}/label/new"],
    ids=["runs", "batch", "label"],
)
def test_what_a_viewer_may_not(wire, path):
    """Listing runs, for one; batches and labels are made by those who may write."""
    if wire.viewer is None:
        pytest.skip("BOXFERRY_LIVE_VIEWER_ID and _SECRET are not set")
    assert wire.post(path, {}, auth=wire.viewer).status_code == 403
