"""The wire contract: sending packets, learning what became of them, and what the modes do."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from contract.wire import corners, unique, words

PACKET = "/api/walrus/v1/project/{p}/input/packet"


def test_new_media_makes_a_file_with_its_boxes(wire):
    """No mode, directory_id in the body: the file is made and the boxes are attached."""
    url, name = wire.media(), unique()
    record = wire.new_media(
        media={"url": url, "type": "image"}, original_filename=name, instance_list=[wire.box(), wire.box(5, 5, 9, 9)]
    )
    assert record["status"] == "success", words(record)
    assert corners(wire.boxes(record["file_id"])) == [(1, 2, 30, 40), (5, 5, 9, 9)]
    assert wire.files(search_term=name)["file_list"][0]["original_filename"] == name


def test_acceptance_means_queued_and_names_no_id_or_an_int(wire):
    """200 with log.success; the id that the API page promises is null here."""
    media = {"url": wire.media(), "type": "image"}
    answer = wire.packet({"media": media, "original_filename": unique(), "directory_id": wire.directory_id})
    assert answer.status_code == 200
    assert answer.json()["log"]["success"] is True
    assert answer.json()["input_id"] is None or isinstance(answer.json()["input_id"], int)


def test_raw_data_alone_is_taken_without_the_key(wire):
    """instance_list is left out, or null."""
    for extra in ({}, {"instance_list": None}):
        record = wire.new_media(media={"url": wire.media(), "type": "image"}, original_filename=unique(), **extra)
        assert record["status"] == "success", words(record)
        assert wire.boxes(record["file_id"]) == []


REFUSED = {
    "directory-missing": (lambda w: {"media": {"url": w.media(), "type": "image"}}, "directory_id"),
    "empty-list": (lambda w: {"directory_id": w.directory_id, "instance_list": []}, "List must not be empty"),
    "file-name-unknown": (
        lambda w: {"directory_id": w.directory_id, "file_name": unique(), "mode": "update", "instance_list": [w.box()]},
        "Please check that filename exists in given project and directory.",
    ),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_at_once(wire, body, message):
    """400, and the reason in log.error."""
    answer = wire.packet(body(wire))
    assert answer.status_code == 400
    assert answer.json()["log"]["success"] is False
    assert message in str(answer.json()["log"]["error"])


def test_directory_id_counts_in_the_body_only(wire):
    """As a header it is dropped on the way."""
    body = {"media": {"url": wire.media(), "type": "image"}, "original_filename": unique()}
    answer = requests.post(
        wire.host + PACKET.format(p=wire.project),
        json=body,
        headers={"directory_id": str(wire.directory_id)},
        auth=wire.auth,
        timeout=60,
    )
    assert answer.status_code in {400, 429}


def test_a_body_that_is_no_json(wire):
    """400 'Expecting json in request'."""
    answer = wire.call("POST", PACKET, raw=b"this is no json")
    assert answer.status_code == 400
    assert "Expecting json in request" in answer.text


UNKNOWN = {
    "file": lambda w: {"file_id": 2**31 - 7, "mode": "update", "instance_list": [w.box()]},
    "file-word": lambda w: {"file_id": "x", "mode": "update", "instance_list": [w.box()]},
    "directory": lambda w: {"media": {"url": w.media(), "type": "image"}, "directory_id": 2**31 - 7},
    "batch": lambda w: {"batch_id": 2**31 - 7} | new(w),
    "job": lambda w: {"job_id": 2**31 - 7} | new(w),
}


def new(wire, **media):
    """A packet of new media that is taken."""
    found = {"media": {"url": wire.media(), "type": "image"} | media, "original_filename": unique()}
    return found | {"directory_id": wire.directory_id}


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=UNKNOWN)
def test_what_names_something_unknown_breaks_the_call(wire, body):
    """A 500, or an answer whose status line is none (`HTTP/1.1 0 gkpj`): nothing is stored."""
    before = wire.inputs(limit=1)
    try:
        answer = wire.packet(body(wire))
    except requests.ConnectionError:
        pass
    else:
        assert answer.status_code == 500
    assert wire.inputs(limit=1) == before


WRONG = {
    "body-list": (lambda w: [], "Expecting dict"),
    "list-dict": (lambda w: new(w) | {"instance_list": {}}, "Must be a list"),
    "no-type": (lambda w: new(w, type=None), "Provide file_name along with directory_id"),
    "no-url": (lambda w: new(w, url=None), "Provide file_name along with directory_id"),
    "split-1": (lambda w: new(w) | {"video_split_duration": 1}, "Provide file_name along with directory_id"),
    "split-181": (lambda w: new(w) | {"video_split_duration": 181}, "Provide file_name along with directory_id"),
    "split-text": (lambda w: new(w) | {"video_split_duration": "30"}, "Must be an int"),
    "update-of-nothing": (
        lambda w: {"mode": "update", "directory_id": w.directory_id, "instance_list": [w.box()]},
        "Provide file_name along with directory_id",
    ),
    "blob-unreachable": (
        lambda w: new(w) | {"type": "from_blob_path", "raw_data_blob_path": "a.png", "connection_id": 2**31 - 7},
        "Connection ID does not exist",
    ),
}


@pytest.mark.parametrize(("body", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_understood_is_refused_at_once(wire, body, message):
    """400, in log.error."""
    answer = wire.packet(body(wire))
    assert answer.status_code == 400
    assert message in str(answer.json()["log"]["error"])


def test_ids_may_be_texts(wire):
    """As long as they are digits."""
    file_id = wire.new_file()
    texts = {"file_id": str(file_id), "directory_id": str(wire.directory_id)}
    record = wire.outcome(**texts, mode="update", instance_list=[wire.box()])
    assert record["status"] == "success", words(record)
    assert len(wire.boxes(file_id)) == 1


def test_a_file_id_without_a_mode_is_taken_and_fails(wire):
    """It is treated as new media without a URL."""
    file_id = wire.new_file()
    record = wire.new_media(file_id=file_id, instance_list=[wire.box()])
    assert record["status"] == "failed"
    assert "Invalid url (None provided)" in words(record)
    assert wire.boxes(file_id) == []


@pytest.mark.parametrize("who", ["nobody", "wrong-secret", "wrong-project"])
def test_who_may_not_come_in_gets_403_never_401(wire, who):
    """With the reason under 'error'."""
    auth = {"nobody": ("", ""), "wrong-secret": (wire.auth[0], "wrong")}.get(who, wire.auth)
    project = unique("no-such-project", "") if who == "wrong-project" else wire.project
    answer = requests.post(wire.host + PACKET.format(p=project), json={}, auth=auth, timeout=60)
    assert answer.status_code == 403
    assert "403 Forbidden" in answer.json()["error"]


def test_a_viewer_may_not_write(wire):
    """403 on the packet call."""
    if wire.viewer is None:
        pytest.skip("BOXFERRY_LIVE_VIEWER_ID and _SECRET are not set")
    assert wire.packet({"directory_id": wire.directory_id}, auth=wire.viewer).status_code == 403


def test_the_api_pages_spelling_answers_405(wire):
    """'Not found.': the path is not the one that servers answer to."""
    answer = wire.post("/api/v1/walrus/project/{p}/input/packet", {})
    assert answer.status_code == 405
    assert "Not found." in answer.text


def test_more_than_the_limit_in_a_second_is_a_429(limited):
    """A fixed window; every answer carries the headers."""
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: limited.post(PACKET, {}), range(60)))
    refused = [a for a in answers if a.status_code == 429]
    assert refused
    assert "429 Too Many Requests" in refused[0].json()["error"]
    for answer in answers:
        assert int(answer.headers["X-RateLimit-Limit"]) >= 1
        assert int(answer.headers["X-RateLimit-Remaining"]) >= 0
        assert float(answer.headers["X-RateLimit-Reset"]) > 1e9
        assert "Retry-After" in answer.headers
    time.sleep(1.1)
    assert limited.post(PACKET, {}).status_code != 429


def test_other_routes_say_ten_thousand(limited):
    """The narrow limit is the packet call's alone."""
    answer = limited.post("/api/walrus/v1/project/{p}/input/view/list", {"limit": 1})
    assert int(answer.headers["X-RateLimit-Limit"]) == 10_000


# What became of it


def test_a_batch_finds_packets_of_new_media_and_of_updates(wire):
    """Both kinds carry its id; the boxes come back exactly as they were sent."""
    batch_id, file_id, name = wire.batch(), wire.new_file(), unique()
    first, second = wire.box(score=0.5, creation_ref_id="boxferry:x"), wire.box(3, 3, 9, 9)
    media = {"url": wire.media(), "type": "image"}
    new = {"media": media, "original_filename": name, "directory_id": wire.directory_id, "instance_list": [first]}
    assert wire.packet(new | {"batch_id": batch_id}).status_code == 200
    update = {"file_id": file_id, "mode": "update", "instance_list": [second], "batch_id": batch_id}
    assert wire.packet(update).status_code == 200
    found = wire.outcomes(batch_id, count=2)
    assert [i["id"] for i in found] == sorted((i["id"] for i in found), reverse=True), "the newest first"
    by_mode = {i["mode"]: i for i in found}
    assert by_mode["update"]["file_id"] == file_id
    assert by_mode["update"]["instance_list"]["list"] == [second]
    created = next(i for i in found if i["mode"] != "update")
    assert created["original_filename"] == name
    assert created["instance_list"]["list"] == [first]
    assert {i["status"] for i in found} == {"success"}


def test_a_batch_of_nobody_is_an_empty_list(wire):
    """A new batch has no inputs."""
    assert wire.inputs(batch_id=wire.batch()) == []


def test_the_list_is_filtered_by_file_and_by_status(wire):
    """file_id and status_filter."""
    file_id = wire.new_file()
    good, bad = wire.update(file_id, [wire.box()]), wire.update(file_id, [wire.box(x_min=1.5)])
    ids = {i["id"] for i in wire.inputs(file_id=file_id)}
    assert {good["id"], bad["id"]} <= ids
    assert bad["id"] in {i["id"] for i in wire.inputs(file_id=file_id, status_filter="Failed")}
    assert good["id"] not in {i["id"] for i in wire.inputs(file_id=file_id, status_filter="Failed")}


def test_the_limit_of_the_list_holds(wire):
    """As many as asked for, the newest."""
    file_id = wire.new_file()
    wire.update(file_id, [wire.box()])
    newest = wire.update(file_id, [wire.box(3, 3, 9, 9)])
    found = wire.inputs(file_id=file_id, limit=1)
    assert [i["id"] for i in found] == [newest["id"]]


def test_one_input_by_its_id(wire):
    """The same record alone; an unknown id is a 500."""
    record = wire.update(wire.new_file(), [wire.box()])
    answer = wire.post(f"/api/walrus/v1/project/{{p}}/input/view/{record['id']}")
    assert answer.status_code == 200
    assert str(record["id"]) in answer.text
    assert wire.post("/api/walrus/v1/project/{p}/input/view/2147483640").status_code == 500


# Modes


def test_new_media_sent_twice_is_harmless_and_names_the_file(wire):
    """The second fails with the id of the file that is there."""
    body = {"media": {"url": wire.media(), "type": "image"}, "original_filename": unique()}
    first = wire.new_media(**body, instance_list=[wire.box()])
    second = wire.new_media(**body, instance_list=[wire.box()])
    assert second["status"] == "failed"
    assert "Already Exists in Dir" in words(second)
    assert str(first["file_id"]) in words(second)
    assert len(wire.boxes(first["file_id"])) == 1


def test_update_appends_and_sent_twice_doubles(wire):
    """Every box once more."""
    file_id = wire.new_file([wire.box(7, 7, 20, 20)])
    assert wire.update(file_id, [wire.box()])["status"] == "success"
    assert corners(wire.boxes(file_id)) == [(1, 2, 30, 40), (7, 7, 20, 20)]
    wire.update(file_id, [wire.box()])
    assert corners(wire.boxes(file_id)) == [(1, 2, 30, 40), (1, 2, 30, 40), (7, 7, 20, 20)]


def test_update_finds_a_file_by_name_in_a_directory(wire):
    """file_name with directory_id in place of file_id."""
    name = unique()
    file_id = wire.new_file(name=name)
    record = wire.outcome(file_name=name, directory_id=wire.directory_id, mode="update", instance_list=[wire.box()])
    assert record["status"] == "success", words(record)
    assert len(wire.boxes(file_id)) == 1


def test_update_with_existing_replaces_and_equal_boxes_keep_their_ids(wire):
    """Boxes that are not in the list are deleted."""
    file_id = wire.new_file([wire.box(), wire.box(7, 7, 20, 20)])
    before = {(b["x_min"], b["y_min"]): b["id"] for b in wire.boxes(file_id)}
    wanted = [wire.box(), wire.box(11, 11, 22, 22)]
    record = wire.update(file_id, wanted, mode="update_with_existing")
    assert record["status"] == "success", words(record)
    after = {(b["x_min"], b["y_min"]): b["id"] for b in wire.boxes(file_id)}
    assert set(after) == {(1, 2), (11, 11)}
    assert after[1, 2] == before[1, 2]
    wire.update(file_id, wanted, mode="update_with_existing")
    assert {(b["x_min"], b["y_min"]): b["id"] for b in wire.boxes(file_id)} == after, "twice changes nothing"


def test_an_input_keeps_a_key_of_a_box_that_the_server_does_not_know(wire):
    """Of a new box, and of a row that is sent back; nothing of it is stored with the box."""
    file_id, note = wire.new_file([wire.box()]), {"nobody_knows": ["this", "that"]}
    (row,) = wire.boxes(file_id)
    for boxes in ([{**row, **note}, wire.box(5, 5, 9, 9)], [wire.box(3, 3, 9, 9) | note]):
        record = wire.update(file_id, boxes, mode="update_with_existing")
        assert record["status"] == "success", record
        (listed,) = [found for found in wire.inputs(file_id=file_id) if found["id"] == record["id"]]
        assert listed["instance_list"]["list"][0]["nobody_knows"] == ["this", "that"]
    assert all("nobody_knows" not in stored for stored in wire.boxes(file_id))


def test_update_with_existing_without_a_list_changes_nothing(wire):
    """And succeeds."""
    file_id = wire.new_file([wire.box()])
    record = wire.outcome(file_id=file_id, mode="update_with_existing", directory_id=wire.directory_id)
    assert record["status"] == "success", words(record)
    assert len(wire.boxes(file_id)) == 1


def test_update_with_existing_needs_a_directory(wire):
    """400 without."""
    body = {"file_id": wire.new_file(), "mode": "update_with_existing", "instance_list": [wire.box()]}
    assert wire.packet(body).status_code == 400


def test_two_models_with_one_box_in_a_packet_leave_one(wire):
    """Score, run and reference do not tell boxes apart."""
    file_id = wire.new_file()
    one = wire.box(score=0.9, model_ref="m1", model_run_ref="r", creation_ref_id="a")
    other = wire.box(score=0.1, model_ref="m2", model_run_ref="r", creation_ref_id="b")
    wire.update(file_id, [one, other])
    assert len(wire.boxes(file_id)) == 1


@pytest.mark.parametrize(
    "change", [{"label_file_id": 0}, {"machine_made": False}, {"number": 5}], ids=["label", "machine_made", "number"]
)
def test_what_does_tell_boxes_apart(wire, change):
    """Label, who made it, sequence number."""
    change = {"label_file_id": wire.label("second")} if "label_file_id" in change else change
    file_id = wire.new_file()
    wire.update(file_id, [wire.box(), wire.box(**change)])
    assert len(wire.boxes(file_id)) == 2
