"""What lists of boxes do to those of a file, as far as the recorded answers leave it open."""

import itertools

import pytest

from sandbox.test_lists import listed
from sandbox.test_sandbox import PACKET, a_box, a_label, call, upload


def stored(sandbox):
    return [(box["x_min"], box.get("creation_ref_id")) for box in sandbox.boxes("a.png")]


def send(sandbox, file_id, boxes, mode="update"):
    body = {"file_id": file_id, "mode": mode, "directory_id": sandbox.directory_id, "instance_list": boxes}
    assert call(sandbox, PACKET, body).status_code == 200
    assert sandbox.wait_idle()


def rows(sandbox, file_id):
    path = f"/api/project/{{}}/file/{file_id}/annotation/list"
    found = call(sandbox, path, {"directory_id": sandbox.directory_id}).json()["file_serialized"]
    return sorted(found["instance_list"], key=lambda row: row["id"])


def save(sandbox, file_id, boxes, *, complete=False):
    body = {"instance_list": boxes, "directory_id": sandbox.directory_id, "and_complete": complete}
    return call(sandbox, f"/api/project/{{}}/file/{file_id}/annotation/update", body)


def test_replacing_heals_doubles_and_the_newest_stays(sandbox):
    """A packet that was sent twice leaves each box twice; sent once more as a replacement, it leaves each once."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png")
    for attempt in ("first", "second"):
        send(sandbox, file_id, [a_box(label, 1, creation_ref_id=attempt), a_box(label, 30, creation_ref_id=attempt)])
    send(sandbox, file_id, [a_box(label, 1), a_box(label, 30)], mode="update_with_existing")
    assert stored(sandbox) == [(1, "second"), (30, "second")]


def test_replacing_deletes_nothing_when_a_box_is_refused(sandbox):
    """The good boxes before it come, and what was there stays."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label, 1, creation_ref_id="old")])
    boxes = [a_box(label, 10, creation_ref_id="new"), a_box(label, 1.5), a_box(label, 30)]
    send(sandbox, file_id, boxes, mode="update_with_existing")
    assert stored(sandbox) == [(1, "old"), (10, "new")]


def test_a_save_with_a_refused_box_changes_nothing(sandbox):
    """Unlike a packet: the boxes before it are not stored either."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label, 1)])
    answer = save(sandbox, file_id, [a_box(label, 10), a_box(label, 1.5)])
    assert answer.status_code == 400
    assert answer.json()["log"]["error"] == {"x_min": "Must be an int", "x_max": "Must be an int"}
    assert stored(sandbox) == [(1, None)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_boxes_moved_onto_each_other_one_stays_whatever_the_order(sandbox, order):
    """The one that was there first at this place."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label, 1, creation_ref_id="a"), a_box(label, 30, creation_ref_id="b")])
    first, second = rows(sandbox, file_id)
    second |= {name: first[name] for name in ("x_min", "x_max")}
    save(sandbox, file_id, [(first, second)[place] for place in order])
    assert stored(sandbox) == [(1, "a")]


def test_a_box_that_is_sent_as_deleted_becomes_a_row_and_can_come_back(sandbox):
    """Its chain goes on: deleted, then undeleted, each with the next version."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label, 1), a_box(label, 30)])
    one, other = rows(sandbox, file_id)
    (gone,) = save(sandbox, file_id, [one | {"soft_delete": True}, other]).json()["added_instances"]
    assert (gone["action_type"], gone["version"], gone["previous_id"]) == ("deleted", 2, one["id"])
    assert [row["id"] for row in rows(sandbox, file_id)] == [other["id"]]
    (back,) = save(sandbox, file_id, [gone | {"soft_delete": False}, other]).json()["added_instances"]
    assert (back["action_type"], back["version"], back["root_id"]) == ("undeleted", 3, one["id"])
    assert sorted(row["x_min"] for row in rows(sandbox, file_id)) == [1, 30]


def test_done_twice_is_not_done(sandbox):
    """`and_complete: true` turns the mark over; before the first time it is null, and false never sets it."""
    file_id = upload(sandbox, "a.png")
    marks = []
    for complete in (False, True, False, True):
        assert save(sandbox, file_id, [], complete=complete).status_code == 200
        (file,) = listed(sandbox)["file_list"]
        marks.append(file["ann_is_complete"])
    assert marks == [None, True, True, False]


@pytest.mark.parametrize("nothing", [[], None, {}])
def test_a_save_without_boxes_deletes_nothing(sandbox, nothing):
    """Its log says that it was no success, its status does not."""
    file_id = upload(sandbox, "a.png", [a_box(a_label(sandbox))])
    answer = save(sandbox, file_id, nothing)
    assert answer.status_code == 200
    assert answer.json()["log"]["success"] is False
    assert len(stored(sandbox)) == 1


def test_a_list_that_leaves_out_a_row_is_told_to_be_outdated(sandbox):
    """And the row goes, another person's newer one too."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label, 1)])
    read = rows(sandbox, file_id)
    assert "warning" not in save(sandbox, file_id, [*read, a_box(label, 30)]).json()["log"]
    assert "outdated" in save(sandbox, file_id, read).json()["log"]["warning"]["information"]
    assert stored(sandbox) == [(1, None)]


def test_reading_and_saving_over_and_over_changes_nothing(sandbox):
    """Rows as they were read, with null fields or without, by a person or a packet: the ids stay."""
    label = a_label(sandbox)
    file_id = upload(sandbox, "a.png", [a_box(label, x, score=0.5, number=x) for x in (1, 10, 30)])
    before = rows(sandbox, file_id)
    for _, blank in itertools.product(range(2), (None, 0)):
        kept = [{name: value for name, value in row.items() if value is not blank} for row in rows(sandbox, file_id)]
        save(sandbox, file_id, kept)
        send(sandbox, file_id, kept, mode="update_with_existing")
    assert rows(sandbox, file_id) == before
