"""The wire contract: what becomes of boxes, minutes later, in the background."""

import pytest

from contract.wire import corners, unique, words

FAILS = {
    "float": ({"x_min": 1.5}, "Must be an int"),
    "integral-float": ({"y_max": 40.0}, "Must be an int"),
    "numeric-string": ({"x_max": "30"}, "Must be an int"),
    "no-width": ({"x_max": 1}, "less than 1 pixels or negative"),
    "no-height": ({"y_max": 2}, "less than 1 pixels or negative"),
    "negative-width": ({"x_min": 30, "x_max": 1}, "less than 1 pixels or negative"),
    "label-missing": ({"label_file_id": None}, "Missing label_file_id"),
    "label-by-name": ({"label_file_id": None, "name": "cat"}, "Missing label_file_id"),
    "label-of-another-project": ({"label_file_id": 2**31 - 7}, "does not belong to project"),
    "label-text": ({"label_file_id": "1"}, "Must be an int"),
    "type-unknown": ({"type": "blob"}, "blob not in ["),
    "reference-empty": ({"creation_ref_id": ""}, "must not be of length zero"),
    "reference-number": ({"creation_ref_id": 5}, "Must be string"),
    "number-float": ({"number": 1.5}, "Must be an int"),
    "number-text": ({"number": "1"}, "Must be an int"),
    "attributes-list": ({"attribute_groups": []}, "does not accept objects of type"),
    "deleted-text": ({"soft_delete": "yes"}, "yes not in [True, False]"),
    "polygon-of-nothing": ({"type": "polygon", "points": []}, "List must not be empty"),
    "polygon-of-a-point": ({"type": "polygon", "points": [{"x": 1, "y": 2}]}, "1 or less points."),
    "polygon-of-pairs": ({"type": "polygon", "points": [[1, 2], [3, 4], [5, 9]]}, "1 or less points."),
}


@pytest.mark.parametrize(("changes", "message"), FAILS.values(), ids=FAILS)
def test_a_bad_box_fails_its_input(wire, changes, message):
    """Accepted at first, failed later, and nothing of it is stored."""
    file_id = wire.new_file()
    record = wire.update(file_id, [wire.box(**changes)])
    assert record["status"] == "failed"
    assert message in words(record)
    assert wire.boxes(file_id) == []


@pytest.mark.parametrize("name", ["x_min", "y_min", "x_max", "y_max"])
def test_a_missing_coordinate_fails(wire, name):
    """With a traceback of the server as the reason."""
    file_id = wire.new_file()
    record = wire.update(file_id, [wire.box(**{name: None})])
    assert record["status"] == "failed"
    assert wire.boxes(file_id) == []


TAKEN = {
    "score-37.5": ({"score": 37.5}, {"score": 37.5}),
    "score-int": ({"score": 1}, {"score": 1}),
    "unknown-key": ({"nobody_knows": "this"}, {}),
    "reference": ({"creation_ref_id": "boxferry:abc"}, {"creation_ref_id": "boxferry:abc"}),
    "human": ({"machine_made": False}, {"machine_made": False}),
    "no-machine_made": ({"machine_made": None}, {"machine_made": False}),
    "negative": ({"x_min": -5, "y_min": -9}, {"x_min": 0, "y_min": 0}),
    "beyond-the-edge": ({"x_max": 99999}, {"x_max": 99999}),
    "number": ({"number": 3}, {"number": 3}),
}


@pytest.mark.parametrize(("changes", "stored"), TAKEN.values(), ids=TAKEN)
def test_what_is_taken_and_how_it_is_stored(wire, changes, stored):
    """Negative corners are clamped, the others are kept as they were sent."""
    file_id = wire.new_file()
    record = wire.update(file_id, [wire.box(**changes)])
    assert record["status"] == "success", words(record)
    (box,) = wire.boxes(file_id)
    assert {name: box[name] for name in stored} == stored


TRIANGLE = [{"x": 1, "y": 2}, {"x": 30, "y": 4}, {"x": 20, "y": 40}]
SHAPES = {
    "polygon": ({"points": TRIANGLE}, (1, 2, 30, 40), (29, 38)),
    "polygon-of-two": ({"points": TRIANGLE[:2]}, (1, 2, 30, 4), (29, 2)),
    "polygon-of-floats": ({"points": [{"x": 1.5, "y": 2.5}, {"x": 30.5, "y": 4}]}, (2, 2, 30, 4), (28, 2)),
    "polygon-beyond-the-edge": ({"points": [{"x": -5, "y": 2}, *TRIANGLE]}, (0, 2, 30, 40), (30, 38)),
    "point": ({"points": TRIANGLE[:1]}, (1, 2, 1, 2), (None, None)),
    "line": ({"points": TRIANGLE[:2]}, (1, 2, 30, 4), (None, None)),
    "keypoints": ({"nodes": [{"x": 1, "y": 2, "ordinal": 1}], "edges": []}, (1, 2, 1, 2), (None, None)),
    "ellipse": ({"center_x": 30, "center_y": 30, "width": 10, "height": 12, "angle": 0.5}, (20, 18, 40, 42), (10, 12)),
    "tag": ({}, (0, 0, 0, 0), (None, None)),
}


@pytest.mark.parametrize(
    ("kind", "more", "bounds", "sides"), [(k.split("-")[0], *v) for k, v in SHAPES.items()], ids=SHAPES
)
def test_other_shapes_are_taken_and_get_their_bounds(wire, kind, more, bounds, sides):
    """In whole pixels, from their points; so what is stored and what was sent differ in them."""
    file_id = wire.new_file()
    record = wire.update(file_id, [{"type": kind, "label_file_id": wire.label(), "machine_made": True, **more}])
    assert record["status"] == "success", words(record)
    (row,) = wire.boxes(file_id)
    assert corners([row]) == [bounds]
    assert (row["width"], row["height"]) == sides
    points = [(p["x"], p["y"]) for p in row["points"]]
    assert points == [(p["x"], p["y"]) for p in more.get("points", [])], "as they were sent"


def test_a_box_keeps_no_points_and_one_that_comes_deleted_is(wire):
    """Neither fails."""
    file_id = wire.new_file()
    assert (
        wire.update(file_id, [wire.box(points=TRIANGLE), wire.box(5, 5, 9, 9, soft_delete=True)])["status"] == "success"
    )
    (row,) = wire.boxes(file_id)
    assert not row["points"]


def test_one_bad_box_costs_those_after_it(wire):
    """The good ones before it are stored, the input fails."""
    file_id = wire.new_file()
    boxes = [wire.box(1, 1, 9, 9), wire.box(2, 2, 9, 9), wire.box(x_min=3.5), wire.box(4, 4, 9, 9)]
    record = wire.update(file_id, boxes)
    assert record["status"] == "failed"
    assert corners(wire.boxes(file_id)) == [(1, 1, 9, 9), (2, 2, 9, 9)]


def test_the_same_box_twice_in_a_packet_is_stored_once(wire):
    """Silently."""
    file_id = wire.new_file()
    assert wire.update(file_id, [wire.box(), wire.box()])["status"] == "success"
    assert len(wire.boxes(file_id)) == 1


def test_a_thousand_boxes_are_fine(wire):
    """In one packet."""
    file_id = wire.new_file()
    boxes = [wire.box(x, y, x + 2, y + 2) for x in range(40) for y in range(25)]
    assert wire.update(file_id, boxes)["status"] == "success"
    assert len(wire.boxes(file_id)) == 1000


def test_model_and_run_are_made_at_first_sight(wire):
    """model_ref and model_run_ref show in the list of runs, and on the box."""
    run = unique("run", "")
    file_id = wire.new_file()
    wire.update(file_id, [wire.box(model_ref=unique("model", ""), model_run_ref=run)])
    assert run in wire.post("/api/v1/project/{p}/model-runs/list").text
    assert wire.boxes(file_id)[0]["model_run_id"] is not None


def test_attributes_are_stored_as_sent_unchecked(wire):
    """Of a group that does not exist too."""
    file_id = wire.new_file()
    wire.update(file_id, [wire.box(attribute_groups={"2147483640": "anything"})])
    assert wire.boxes(file_id)[0]["attribute_groups"] == {"2147483640": "anything"}
