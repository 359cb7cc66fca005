"""The wire contract: labels, directories, files, attributes, corrections and exports."""

import time

import pytest

from contract.wire import corners, picture, unique, words


def names_to_ids(wire):
    answer = wire.call("GET", f"/api/v1/project/{{p}}/labels/view/name_to_file_id?schema_id={wire.schema()}")
    return answer.json()["name_to_file_id"]


def test_schemas_are_a_list(wire):
    """With id, name, is_default and archived."""
    schemas = wire.call("GET", "/api/v1/project/{p}/labels-schema").json()
    assert schemas
    assert {"id", "name", "is_default", "archived"} <= set(schemas[0])


def test_a_new_label_is_found_by_its_name(wire):
    """label.id is the label_file_id that boxes need."""
    name = unique("label", "")
    label_file_id = wire.new_label(name)
    assert names_to_ids(wire)[name] == label_file_id
    record = wire.update(wire.new_file(), [wire.box(label_file_id=label_file_id)])
    assert record["status"] == "success", words(record)


def test_making_a_label_twice_makes_a_second_one(wire):
    """The name then maps to the newer: look before you create."""
    name = unique("label", "")
    first, second = wire.new_label(name), wire.new_label(name)
    assert first != second
    assert names_to_ids(wire)[name] == second


def test_a_new_directory_is_listed(wire):
    """With id and nickname."""
    nickname = unique("directory", "")
    body = {"nickname": nickname, "access_type": "project"}
    made = wire.post("/api/v1/project/{p}/directory/new", body).json()["new_directory"]
    listed = wire.post("/api/v1/project/{p}/directory/list", {"limit": 1000}).json()["directory_list"]
    assert nickname in {d["nickname"] for d in listed if d["id"] == made["id"]}


def test_files_are_listed_by_pages(wire):
    """file_list, and metadata with next_page, total_pages and file_count."""
    body = {"nickname": unique("directory", ""), "access_type": "project"}
    directory = wire.post("/api/v1/project/{p}/directory/new", body).json()["new_directory"]["id"]
    names = [unique() for _ in range(3)]
    for name in names:
        assert wire.upload(name, picture(), {"directory_id": directory}).status_code == 200
    first, second = (wire.files(directory_id=directory, limit=2, page=page) for page in (1, 2))
    found = [f["original_filename"] for page in (first, second) for f in page["file_list"]]
    assert sorted(found) == sorted(names)
    assert first["metadata"]["file_count"] == 3
    assert first["metadata"]["total_pages"] == 2
    assert first["metadata"]["next_page"] == 2
    assert not second["metadata"]["next_page"]


def test_a_search_term_finds_a_file(wire):
    """By a part of its name."""
    name = unique("needle")
    file_id = wire.new_file(name=name)
    assert [f["id"] for f in wire.files(search_term=name)["file_list"]] == [file_id]


def test_a_file_has_its_size_and_a_url(wire):
    """file.image with width, height and url_signed."""
    image = wire.file(wire.new_file())["image"]
    assert (image["width"], image["height"]) == (64, 48)
    assert image["url_signed"]


def test_unknown_files(wire):
    """annotation/list 400, file/view 500."""
    answer = wire.post("/api/project/{p}/file/2147483640/annotation/list", {"directory_id": wire.directory_id})
    assert answer.status_code == 400
    body = {"file_id": 2147483640, "project_string_id": wire.project}
    assert wire.post("/api/v1/file/view", body).status_code == 500


def test_attribute_groups_are_made_and_listed(wire):
    """A select with one option, for one label."""
    prefix, schema = "/api/v1/project/{p}/attribute", wire.schema()
    made = wire.post(f"{prefix}/group/new", {"schema_id": schema})
    assert made.status_code == 200, made.text
    before = wire.post(f"{prefix}/template/list", {"schema_id": schema, "mode": "from_project"}).json()
    group_id = max(g["id"] for g in before["attribute_group_list"])
    name = unique("attribute", "")
    body = {
        "group_id": group_id, "mode": "UPDATE", "name": name, "prompt": name, "kind": "select", "is_global": False,
        "label_file_list": [{"id": wire.label()}], "global_type": "file", "is_read_only": False,
    }  # fmt: skip
    assert wire.post(f"{prefix}/group/update", body).status_code == 200
    option = {"group_id": group_id, "name": "often", "value_type": None, "display_order": 0}
    assert wire.post(prefix, {"attribute": option, "mode": "NEW"}).status_code == 200
    after = wire.post(f"{prefix}/template/list", {"schema_id": schema, "mode": "from_project"}).json()
    (group,) = [g for g in after["attribute_group_list"] if g["id"] == group_id]
    assert group["kind"] == "select"
    assert [t["name"] for t in group["attribute_template_list"]] == ["often"]


# What a correction leaves behind


def save(wire, file_id, boxes):
    """A reviewer's save of a whole file."""
    body = {"instance_list": boxes, "directory_id": wire.directory_id, "and_complete": False}
    answer = wire.post(f"/api/project/{{p}}/file/{file_id}/annotation/update", body)
    assert answer.status_code == 200, answer.text
    assert "added_instances" in answer.json()


@pytest.fixture
def predicted(wire):
    """A file with two predictions of ours."""
    box = {"score": 0.5, "model_ref": "m", "model_run_ref": "r"}
    return wire.new_file(
        [wire.box(creation_ref_id="boxferry:1", **box), wire.box(5, 5, 9, 9, creation_ref_id="boxferry:2", **box)]
    )


def by_reference(wire, file_id):
    return {b["creation_ref_id"]: b for b in wire.boxes(file_id)}


@pytest.mark.parametrize("how", ["moved", "relabelled"])
def test_a_changed_box_is_a_new_row_that_names_the_old_one(wire, predicted, how):
    """version 2, previous_id and root_id; reference, score and machine_made are kept."""
    boxes = wire.boxes(predicted)
    old = next(b for b in boxes if b["creation_ref_id"] == "boxferry:1")
    change = {"x_max": 33} if how == "moved" else {"label_file_id": wire.label("second")}
    save(wire, predicted, [b | change if b is old else b for b in boxes])
    new = by_reference(wire, predicted)["boxferry:1"]
    assert new["id"] != old["id"]
    assert new["version"] == 2
    assert new["previous_id"] == old["id"]
    assert new["root_id"] == old["id"]
    assert new["action_type"] == "edited"
    assert {name: new[name] for name in change} == change
    assert (new["score"], new["machine_made"]) == (old["score"], old["machine_made"])
    untouched = by_reference(wire, predicted)["boxferry:2"]
    assert untouched["id"] in {b["id"] for b in boxes}


def test_a_drawn_box_is_nobodys_prediction(wire, predicted):
    """machine_made false, and no reference of ours."""
    drawn = wire.box(11, 11, 22, 22, machine_made=False)
    save(wire, predicted, [*wire.boxes(predicted), drawn])
    (found,) = [b for b in wire.boxes(predicted) if b["x_min"] == 11]
    assert not found["machine_made"]
    assert not str(found["creation_ref_id"]).startswith("boxferry:")


def test_a_deleted_box_is_gone_from_the_list(wire, predicted):
    """annotation/list leaves deleted boxes out."""
    boxes = wire.boxes(predicted)
    save(wire, predicted, [b | {"soft_delete": True} if b["x_min"] == 5 else b for b in boxes])
    assert set(by_reference(wire, predicted)) == {"boxferry:1"}


def test_replacing_only_ones_own_predictions(wire, predicted):
    """Rows sent back as they were read keep id, version and root_id; the old prediction goes, the new one comes."""
    boxes = wire.boxes(predicted)
    save(wire, predicted, [b | {"x_max": 33} if b["x_min"] == 1 else b for b in boxes])
    moved = by_reference(wire, predicted)["boxferry:1"]
    kept = {name: value for name, value in moved.items() if value is not None}
    new = wire.box(20, 20, 40, 40, creation_ref_id="boxferry:3")
    record = wire.update(predicted, [kept, new], mode="update_with_existing")
    assert record["status"] == "success", words(record)
    after = by_reference(wire, predicted)
    assert set(after) == {"boxferry:1", "boxferry:3"}
    assert {k: after["boxferry:1"][k] for k in ("id", "version", "root_id")} == {
        k: moved[k] for k in ("id", "version", "root_id")
    }


def test_soft_delete_in_an_update_deletes_nothing(wire, predicted):
    """mode update with soft_delete: true."""
    gone = {name: value for name, value in wire.boxes(predicted)[0].items() if value is not None}
    wire.update(predicted, [gone | {"soft_delete": True}])
    assert {(1, 2, 30, 40), (5, 5, 9, 9)} <= set(corners(wire.boxes(predicted)))


def test_an_export_has_the_boxes_without_score_and_reference(wire):
    """to_file, status until complete, link."""
    body = {"nickname": unique("directory", ""), "access_type": "project"}
    directory = wire.post("/api/v1/project/{p}/directory/new", body).json()["new_directory"]["id"]
    fields = {"directory_id": directory, "instance_list": [wire.box(score=0.5, creation_ref_id="boxferry:1")]}
    file_id = wire.upload(unique(), picture(), fields).json()["file"]["id"]
    prefix = "/api/walrus/project/{p}/export"
    wanted = {
        "kind": "Annotations", "source": "directory", "directory_id": directory, "file_comparison_mode": "latest",
        "masks": False,
    }  # fmt: skip
    export_id = wire.post(f"{prefix}/to_file", wanted).json()["export"]["id"]
    deadline = time.monotonic() + wire.patience_s
    while wire.call("GET", f"{prefix}/{export_id}/status").json()["export"]["status"] != "complete":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    answer = wire.post(f"{prefix}/link", {"id": export_id, "return_type": "data", "format": "JSON"}).json()
    exported = answer[str(file_id)]
    assert (exported["image"]["width"], exported["image"]["height"]) == (64, 48)
    (box,) = exported["instance_list"]
    assert corners([box]) == [(1, 2, 30, 40)]
    assert "score" not in box
    assert "creation_ref_id" not in box


def test_a_project_names_its_members(wire):
    """Those who are people: number, kind, and names that may be null; a key is a member that is not listed."""
    listed = wire.call("GET", "/api/project/{p}/view").json()["project"]["member_list"]
    assert listed
    for each in listed:
        assert {"id", "member_id", "member_kind", "first_name", "last_name", "username", "email"} <= each.keys()
        assert (type(each["member_id"]), each["member_kind"]) == (int, "human")
