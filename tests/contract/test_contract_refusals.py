"""The wire contract: what is refused or stored in the margins, row by row; nothing here ends a worker of a server."""

import json

import pytest
import requests

from contract.wire import broken, corners, picture, unique, words

PACKET = "/api/walrus/v1/project/{p}/input/packet"
NEW_DIRECTORY = "/api/v1/project/{p}/directory/new"


def new(wire, **changes):
    """A packet of new media, not sent; a change to None leaves the key out."""
    media = {"url": f"{wire.media_url}/{unique('never-fetched')}", "type": "image"}
    whole = {"media": media, "original_filename": unique(), "directory_id": wire.directory_id} | changes
    return {name: value for name, value in whole.items() if value is not None}


REFUSED = {
    "no-media": {"media": None},
    "no-url": {"media": {"type": "image"}},
    "no-type": {"media": {"url": "http://127.0.0.1:9/a.png"}},
    "split-1": {"video_split_duration": 1},
    "split-181": {"video_split_duration": 181},
    "split-text": {"video_split_duration": "30"},
    "boxes-object": {"instance_list": {}},
    "update-of-nothing": {"media": None, "mode": "update", "original_filename": None},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_packets_that_are_refused_at_once(wire, changes):
    """400, and the reason in log.error."""
    answer = wire.packet(new(wire, **changes))
    assert answer.status_code == 400, answer.text
    assert answer.json()["log"]["error"]


UNKNOWN = {"directory": {"directory_id": 2**31 - 7}, "batch": {"batch_id": 2**31 - 7}, "job": {"job_id": 2**31 - 7}}


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN)
def test_a_reference_to_nothing_breaks_the_answer(wire, changes):
    """The status line is none, or a gateway makes a 5xx of it; nothing is stored."""
    name = unique()
    assert broken(lambda: wire.packet(new(wire, original_filename=name, **changes)))
    assert name not in {record["original_filename"] for record in wire.inputs(limit=50)}


def test_ids_as_text_are_taken(wire):
    """directory_id and file_id."""
    file_id = wire.new_file()
    record = wire.outcome(file_id=str(file_id), mode="update", instance_list=[wire.box()])
    assert record["status"] == "success", words(record)
    assert len(wire.boxes(file_id)) == 1


def test_a_directory_in_a_header_with_a_hyphen_is_taken(wire):
    """directory_id with an underscore is dropped on the way; directory-id is not."""
    body = new(wire, directory_id=None, media={"url": wire.media(), "type": "image"})
    headers = {"directory-id": str(wire.directory_id)}
    answer = requests.post(
        wire.host + PACKET.format(p=wire.project), json=body, headers=headers, auth=wire.auth, timeout=60
    )
    assert answer.status_code in {200, 429}, answer.text


def test_a_media_type_that_is_none(wire):
    """Accepted at first, failed later."""
    record = wire.new_media(media={"url": wire.media(), "type": "zzz"}, original_filename=unique())
    assert record["status"] == "failed"
    assert "Invalid media type" in words(record)


def test_routes_that_are_not_there_answer_405(wire):
    """And a GET of a POST too."""
    assert wire.post("/api/walrus/v1/project/{p}/no/such/route", {}).status_code in {404, 405}
    assert wire.call("GET", PACKET).status_code == 405


def test_any_exception_is_a_500_in_json(wire):
    """{"error": "<exception>"}."""
    answer = wire.post("/api/v1/file/view", {"file_id": 2**31 - 7, "project_string_id": wire.project})
    assert answer.status_code == 500
    assert answer.json()["error"]


# Boxes


BAD_BOXES = {
    "reference-empty": {"creation_ref_id": ""},
    "reference-number": {"creation_ref_id": 5},
    "number-float": {"number": 1.5},
    "number-text": {"number": "1"},
    "attributes-list": {"attribute_groups": []},
    "soft-delete-text": {"soft_delete": "yes"},
}


@pytest.mark.parametrize("changes", BAD_BOXES.values(), ids=BAD_BOXES)
def test_boxes_that_fail_their_input(wire, changes):
    """Nothing of them is stored."""
    file_id = wire.new_file()
    assert wire.update(file_id, [wire.box(**changes)])["status"] == "failed"
    assert wire.boxes(file_id) == []


def a_polygon(wire, *points):
    return {"type": "polygon", "label_file_id": wire.label(), "points": [{"x": x, "y": y} for x, y in points]}


def test_the_corners_of_a_polygon_are_filled_from_its_points(wire):
    """So what is stored differs from what was sent."""
    file_id = wire.new_file()
    assert wire.update(file_id, [a_polygon(wire, (1, 4), (20, 3), (9, 30))])["status"] == "success"
    (found,) = wire.boxes(file_id)
    assert corners([found]) == [(1, 3, 20, 30)]
    assert (found["width"], found["height"]) == (19, 27)
    assert [(point["x"], point["y"]) for point in found["points"]] == [(1, 4), (20, 3), (9, 30)]


@pytest.mark.parametrize("count", [0, 1])
def test_a_polygon_needs_points(wire, count):
    """Of none or one it fails."""
    file_id = wire.new_file()
    assert wire.update(file_id, [a_polygon(wire, *[(1, 1)] * count)])["status"] == "failed"
    assert wire.boxes(file_id) == []


def test_keys_that_are_not_sent_come_back_null(wire):
    """score, creation_ref_id, number and attribute_groups; a new row is its own root, of version 1."""
    file_id = wire.new_file()
    wire.update(file_id, [wire.box()])
    (found,) = wire.boxes(file_id)
    assert [found[name] for name in ("score", "creation_ref_id", "number", "attribute_groups")] == [None] * 4
    assert found["root_id"] == found["id"]
    assert (found["version"], found["previous_id"], found["action_type"]) == (1, None, "created")


# Modes


def test_update_with_existing_heals_doubles(wire):
    """Of boxes that are there twice one of each stays."""
    file_id = wire.new_file([wire.box(), wire.box(5, 5, 9, 9)])
    wire.update(file_id, [wire.box(), wire.box(5, 5, 9, 9)])
    assert len(wire.boxes(file_id)) == 4
    wire.update(file_id, [wire.box(), wire.box(5, 5, 9, 9)], mode="update_with_existing")
    assert corners(wire.boxes(file_id)) == [(1, 2, 30, 40), (5, 5, 9, 9)]


def test_update_with_existing_takes_a_changed_row_with_its_id(wire):
    """It is edited: version 2, and the chain goes on."""
    file_id = wire.new_file([wire.box(), wire.box(5, 5, 9, 9)])
    rows = sorted(wire.boxes(file_id), key=lambda row: row["x_min"])
    sent = [{name: value for name, value in row.items() if value is not None} for row in rows]
    sent[0]["x_max"] = 33
    record = wire.update(file_id, sent, mode="update_with_existing")
    assert record["status"] == "success", words(record)
    changed, other = sorted(wire.boxes(file_id), key=lambda row: row["x_min"])
    assert (changed["x_max"], changed["version"], changed["action_type"]) == (33, 2, "edited")
    assert (changed["previous_id"], changed["root_id"]) == (rows[0]["id"], rows[0]["id"])
    assert other["id"] == rows[1]["id"]


# A reviewer's save


@pytest.fixture
def two(wire):
    """A file with two boxes."""
    return wire.new_file([wire.box(creation_ref_id="boxferry:1"), wire.box(5, 5, 9, 9, creation_ref_id="boxferry:2")])


@pytest.mark.parametrize("boxes", [[], None, "omitted"], ids=["empty", "null", "omitted"])
def test_a_save_without_boxes_deletes_nothing(wire, two, boxes):
    """200, and log.success is false."""
    body = {"directory_id": wire.directory_id, "and_complete": False}
    body |= {} if boxes == "omitted" else {"instance_list": boxes}
    answer = wire.post(f"/api/project/{{p}}/file/{two}/annotation/update", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["log"]["success"] is False
    assert len(wire.boxes(two)) == 2


def test_a_save_that_leaves_a_box_out_keeps_it(wire, two):
    """The server warns of an outdated page and undeletes what is missing, or deletes it: both were seen."""
    first = next(box for box in wire.boxes(two) if box["x_min"] == 1)
    wire.save(two, [first])
    assert corners(wire.boxes(two)) in ([(1, 2, 30, 40)], [(1, 2, 30, 40), (5, 5, 9, 9)])


def test_a_save_with_an_outdated_row_is_warned_of(wire, two):
    """The row that another save has replaced comes back as 'undeleted', of the same chain."""
    before = wire.boxes(two)
    wire.save(two, [box | ({"x_max": 33} if box["x_min"] == 1 else {}) for box in before])
    answer = wire.save(two, [box | ({"x_max": 36} if box["x_min"] == 1 else {}) for box in before])
    assert answer["log"].get("warning")
    found = [box for box in wire.boxes(two) if box["creation_ref_id"] == "boxferry:1"]
    assert 36 in {box["x_max"] for box in found}
    assert {box["root_id"] for box in found} == {next(b["id"] for b in before if b["x_min"] == 1)}


def test_a_save_with_two_equal_boxes_keeps_one(wire, two):
    """Of two that are drawn one over the other."""
    drawn = wire.box(11, 11, 22, 22, machine_made=False)
    wire.save(two, [*wire.boxes(two), drawn, drawn])
    assert corners(wire.boxes(two)).count((11, 11, 22, 22)) == 1


def test_a_box_moved_onto_an_equal_one_goes(wire, two):
    """One stays, the moved one is deleted."""
    onto = {"x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40}
    wire.save(two, [box | (onto if box["x_min"] == 5 else {}) for box in wire.boxes(two)])
    assert corners(wire.boxes(two)) == [(1, 2, 30, 40)]


@pytest.mark.parametrize("change", [{"x_min": 1.5}, {"x_max": 1}, {"label_file_id": 2**31 - 7}])
def test_a_save_with_a_bad_box_is_refused_at_once(wire, two, change):
    """400, and everything stays."""
    boxes = [box | (change if box["x_min"] == 1 else {}) for box in wire.boxes(two)]
    body = {"instance_list": boxes, "directory_id": wire.directory_id, "and_complete": False}
    assert wire.post(f"/api/project/{{p}}/file/{two}/annotation/update", body).status_code == 400
    assert corners(wire.boxes(two)) == [(1, 2, 30, 40), (5, 5, 9, 9)]


# Uploads


def upload(wire, name, data, fields):
    """An upload whose part `json` is just this."""
    parts = {"file": (name, data), "json": (None, json.dumps(fields), "application/json")}
    path = f"/api/walrus/v1/project/{wire.project}/input/from_local"
    return requests.post(wire.host + path, files=parts, auth=wire.auth, timeout=120)


def test_an_upload_without_a_directory_is_in_the_default_one(wire):
    """Where the part `json` holds anything at all."""
    name = unique()
    answer = upload(wire, name, picture(), {"ordinal": 0})
    assert answer.status_code == 200, answer.text
    assert answer.json()["input"]["status"] == "success"


@pytest.mark.parametrize(
    "data", [b"", b"this is no image", picture(200, 150)[:120]], ids=["empty", "no-image", "cut-in-half"]
)
def test_an_upload_that_cannot_be_opened_leaves_a_failed_input(wire, data):
    """500, or a 200 that says so; no file is made: a refusal, not a doubt."""
    name = unique("broken")
    answer = upload(wire, name, data, {"directory_id": wire.directory_id})
    assert answer.status_code in {200, 400, 500}
    assert wire.files(search_term=name)["file_list"] == []
    (record,) = [record for record in wire.inputs(limit=20) if record["original_filename"] == name]
    assert record["status"] == "failed"
    assert record["file_id"] is None


@pytest.mark.parametrize("name", ["notes.pdf", "noextension", "猫.png"], ids=["pdf", "none", "nothing-left"])
def test_an_upload_of_no_known_kind_is_a_400(wire, name):
    """And makes no input that could be looked up."""
    answer = upload(wire, name, picture(), {"directory_id": wire.directory_id})
    assert answer.status_code == 400
    assert answer.json()["input"]["id"] is None


def test_a_name_of_250_characters_is_fine(wire):
    """One more ends a worker."""
    name = unique("n").removesuffix(".png")
    name += "x" * (246 - len(name)) + ".png"
    answer = wire.upload(name, picture())
    assert answer.status_code == 200, answer.text
    assert answer.json()["input"]["status"] == "success"


def test_an_upload_keeps_the_model_and_the_run(wire):
    """As an update does."""
    file_id = wire.new_file([wire.box(model_ref="m", model_run_ref="r", score=0.25)])
    (found,) = wire.boxes(file_id)
    assert found["score"] == 0.25
    assert found["model_run_id"] is not None


# Labels, directories, attributes


def label(wire, **body):
    return wire.post("/api/v1/project/{p}/label/new", body)


def test_a_label_of_200_characters_is_fine(wire):
    """One more breaks the answer, and makes no label."""
    name = unique("l", "")
    name += "x" * (200 - len(name))
    assert label(wire, name=name, schema_id=wire.schema()).status_code == 200
    assert broken(lambda: label(wire, name=name + "x", schema_id=wire.schema()))
    ids = wire.call("GET", "/api/v1/project/{p}/labels/view/name_to_file_id").json()["name_to_file_id"]
    assert name in ids
    assert name + "x" not in ids


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 5}], ids=["none", "empty", "number"])
def test_labels_that_are_refused(wire, body):
    """400."""
    assert label(wire, **body).status_code == 400


def test_names_of_an_unknown_schema(wire):
    """400; without a schema those of the default one."""
    path = "/api/v1/project/{p}/labels/view/name_to_file_id"
    assert wire.call("GET", f"{path}?schema_id=999999").status_code == 400
    assert wire.call("GET", path).status_code == 200


BAD_DIRECTORIES = {
    "empty": {"nickname": "", "access_type": "project"},
    "none": {"access_type": "project"},
    "number": {"nickname": 5, "access_type": "project"},
    "no-access-type": {"nickname": "never made"},
    "access-type-unknown": {"nickname": "never made", "access_type": "zzz"},
}


@pytest.mark.parametrize("body", BAD_DIRECTORIES.values(), ids=BAD_DIRECTORIES)
def test_directories_that_are_refused(wire, body):
    """400."""
    assert wire.post(NEW_DIRECTORY, body).status_code == 400


def test_a_directory_of_a_name_that_is_there_is_refused(wire):
    """400: unlike labels, directories are not doubled."""
    body = {"nickname": unique("directory", ""), "access_type": "project"}
    assert wire.post(NEW_DIRECTORY, body).status_code == 200
    assert wire.post(NEW_DIRECTORY, body).status_code == 400


def test_directories_come_newest_first(wire):
    """Ten of them where no limit is given."""
    made = [wire.new_directory() for _ in range(2)]
    listed = wire.post("/api/v1/project/{p}/directory/list", {"limit": 2}).json()["directory_list"]
    assert [found["id"] for found in listed] == made[::-1]
    assert listed[0]["directory_id"] == listed[0]["id"]


def test_attributes_that_are_refused(wire):
    """An option of an unknown group, without a name, without a mode: 400."""
    prefix = "/api/v1/project/{p}/attribute"
    group = wire.post(f"{prefix}/group/new", {"schema_id": wire.schema()}).json()["attribute_template_group"]["id"]
    option = {"group_id": group, "name": "often", "value_type": None, "display_order": 0}
    for changes, mode in (({"group_id": 2**31 - 7}, "NEW"), ({"name": ""}, "NEW"), ({}, None)):
        body = {"attribute": option | changes} | ({"mode": mode} if mode else {})
        assert wire.post(prefix, body).status_code == 400
    assert wire.post(f"{prefix}/template/list", {"mode": "zzz"}).status_code == 400


# Exports and the directory that the SDK asks for


def test_an_export_without_a_directory_is_of_the_default_one(wire):
    """And one of too little is refused."""
    prefix = "/api/walrus/project/{p}/export"
    whole = {"kind": "Annotations", "source": "directory", "file_comparison_mode": "latest", "masks": False}
    assert wire.post(f"{prefix}/to_file", whole).status_code == 200
    assert wire.post(f"{prefix}/to_file", {"kind": "Annotations"}).status_code == 400
    assert wire.call("GET", f"{prefix}/2147483640/status").status_code == 500


def test_a_directory_is_found_by_name(wire):
    """As Diffgram's SDK asks at its start; without a name the project's default one."""
    nickname = unique("directory", "")
    made = wire.post(NEW_DIRECTORY, {"nickname": nickname, "access_type": "project"}).json()["new_directory"]["id"]
    path = "/api/project/{p}/user/legacy/working_dir/view"
    assert wire.call("GET", path, params={"name": nickname}).json()["working_dir"]["directory_id"] == made
    assert wire.call("GET", path).json()["working_dir"]["nickname"] == "Default"
    assert wire.call("GET", path, params={"name": unique("no", "")}).status_code == 400


def test_files_can_be_asked_for_at_once(wire):
    """Whether all of these ids are files of the project, and which are not."""
    file_id = wire.new_file()
    path = "/api/v1/project/{p}/file/exists"
    assert wire.post(path, {"file_id_list": [file_id]}).json()["result"]["exists"] is True
    result = wire.post(path, {"file_id_list": [file_id, 2**31 - 7]}).json()["result"]
    assert (result["exists"], result["missing_files"]) == (False, [2**31 - 7])


def test_labels_are_listed_with_their_names(wire):
    """As Diffgram's SDK lists them."""
    name = unique("label", "")
    made = wire.new_label(name)
    listed = wire.call("GET", "/api/project/{p}/labels", params={"schema_id": wire.schema()}).json()["labels_out"]
    assert {found["id"]: found["label"]["name"] for found in listed}[made] == name


def test_a_labels_schema_is_made_once(wire):
    """A second of the name is refused."""
    name = unique("schema", "")
    made = wire.post("/api/v1/project/{p}/labels-schema/new", {"name": name})
    assert made.status_code == 200, made.text
    assert made.json()["name"] == name
    assert wire.post("/api/v1/project/{p}/labels-schema/new", {"name": name}).status_code == 400


def test_exports_are_listed(wire):
    """Newest first."""
    prefix = "/api/walrus/project/{p}/export"
    whole = {"kind": "Annotations", "source": "directory", "file_comparison_mode": "latest", "masks": False}
    made = wire.post(f"{prefix}/to_file", whole | {"directory_id": wire.directory_id}).json()["export"]["id"]
    assert wire.call("GET", f"{prefix}/working_dir/list").json()["export_list"][0]["id"] == made
