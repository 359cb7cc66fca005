"""The format `labelstudio`: which result of a task is meant, regions of every kind, and names out of addresses."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings

from boxferry import read as read_source
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from formats.reading import (
    FORMATS,
    a_context,
    assert_same,
    detections,
    images_of,
    read,
    rows_of,
    write_json,
    write_text,
)
from formats.samples import LABELSTUDIO, SIDES, as_json


def a_region(kind="rectanglelabels", **value):
    value = value or {"x": 10, "y": 25, "width": 30, "height": 50}
    return {**SIDES, "id": "r", "type": kind, "value": {**value, kind: ["cat"]}}


def a_task(*result, image="a.jpg", kind="predictions", **entry):
    return {"data": {"image": image}, kind: [{"result": list(result), **entry}]}


def packed(*runs):
    """(count, value) runs of bytes, as rle-pack writes them: 32 bits, 5, four times 4, and the runs."""
    bits = f"{sum(n for n, _ in runs):032b}{7:05b}" + f"{7:04b}" * 4
    for count, value in runs:
        bits += f"1{0:02b}{count - 1:08b}{value:08b}"
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


@pytest.mark.parametrize(
    ("region", "corners"),
    [
        (a_region(), (10, 20, 40, 60)),
        (a_region(x=10, y=25, width=30, height=50, rotation=90), (-30, 20, 10, 50)),
        (a_region("polygonlabels", points=[[10, 25], [40, 50], [20, 75]]), (10, 20, 40, 60)),
        (a_region("ellipselabels", x=25, y=50, radiusX=15, radiusY=25), (10, 20, 40, 60)),
        (a_region("ellipselabels", x=25, y=50, radiusX=20, radiusY=18.75, rotation=90), (10, 20, 40, 60)),
        (
            {
                **a_region("brushlabels", format="rle", rle=packed((4, 0), (8, 255), (8, 0), (4, 255), (8, 0))),
                "original_width": 4, "original_height": 2,
            },
            (1, 0, 3, 2),
        ),
    ],
)  # fmt: skip
def test_every_region_that_has_an_area_is_a_box(tmp_path, region, corners):
    """A region is turned about its corner, an ellipse about its centre."""
    rows, _ = read("labelstudio", write_json(tmp_path / "x.json", [a_task(region)]))
    assert [row[:2] for row in rows] == [("a.jpg", "cat")]
    assert rows[0][2:6] == pytest.approx(corners, abs=0.11)


@pytest.mark.parametrize(
    ("region", "code"),
    [
        (a_region("keypointlabels", x=1, y=2), "no-area"),
        (a_region("videorectangle", sequence=[]), "video"),
        ({**a_region(), "image_rotation": 90}, "turned-image"),
        ({**a_region(), "value": {"x": 1, "y": 2, "width": 3, "height": 4}}, "bad-box"),
        (a_region(x=1, y=2, width=-3, height=4), "bad-box"),
        (a_region("polygonlabels", points=[[1, 2]]), "bad-box"),
        (a_region("brushlabels", rle=[1, 2, 3]), "bad-box"),
        (a_region("brushlabels", rle=packed((32, 0))), "bad-box"),
        ({**a_region(), "score": "high"}, "bad-box"),
        (7, "no-area"),
    ],
)
def test_a_region_that_is_no_box_costs_itself_alone(tmp_path, region, code):
    """It is counted, with its task; what says something of a whole task is no region."""
    choice = {"type": "choices", "value": {"choices": ["indoor"]}, "from_name": "scene"}
    rows, tally = read(
        "labelstudio", write_json(tmp_path / "x.json", [a_task(region, {**a_region(), "id": "s"}, choice)])
    )
    assert len(rows) == 1
    assert tally.dropped == {code: 1}
    assert tally.examples[code][0].item == 0


def test_items_of_one_id_say_more_of_one_region(tmp_path):
    """Its label, and its fields; a region of two labels is two boxes."""
    shape = {**SIDES, "id": "r", "type": "rectangle", "value": {"x": 10, "y": 25, "width": 30, "height": 50}}
    more = [
        {"id": "r", "type": "choices", "from_name": "state", "value": {"choices": ["wet"]}},
        {"id": "r", "type": "labels", "from_name": "label", "value": {"labels": ["cat", "pet"]}},
        {"id": "r", "type": "textarea", "from_name": "note", "value": {"text": ["a", "b"]}},
        {"id": "r", "type": "rating", "from_name": "stars", "value": {"rating": 4}},
    ]
    path = write_json(tmp_path / "x.json", [a_task(shape, *more)])
    (chunk,) = read_source(path, attributes=["state", "note", "stars"]).chunks(Tally())
    assert [chunk.labels[code] for code in chunk.label] == ["cat", "pet"]
    assert chunk.attributes[0] == {"state": "wet", "note": ["a", "b"], "stars": 4}


def test_a_task_with_predictions_and_annotations_needs_to_be_told(tmp_path):
    """Two readings: an error that names both and the option."""
    both = {**a_task(a_region()), "annotations": [{"result": [a_region(x=0, y=0, width=1, height=1)]}]}
    path = write_json(tmp_path / "x.json", [both])
    with pytest.raises(InputError, match="--labelstudio-take predictions or --labelstudio-take annotations"):
        read("labelstudio", path)
    assert read("labelstudio", path, labelstudio_take="predictions")[0][0][2:4] == (10, 20)
    assert read("labelstudio", path, labelstudio_take="annotations")[0][0][2:4] == (0, 0)
    assert read("labelstudio", write_json(path, [{**both, "annotations": []}]))[0][0][2:4] == (10, 20)


def test_of_several_results_one_is_to_be_chosen(tmp_path):
    """Else the task fails, and the others go on; what was cancelled is dropped."""
    entries = [{"model_version": f"m{n}", "result": [a_region(x=n, y=0, width=1, height=1)]} for n in (1, 2)]
    task = {"data": {"image": "a.jpg"}, "predictions": entries}
    path = write_json(tmp_path / "x.json", [task, a_task(a_region(), image="b.jpg")])
    rows, tally = read("labelstudio", path)
    assert [row[0] for row in rows] == ["b.jpg"]
    assert (tally.failed, tally.dropped) == ({"several-results": 1}, {"several-results": 2})
    assert [row[2] for row in read("labelstudio", path, labelstudio_several="last")[0]] == [2, 10]
    assert [row[2] for row in read("labelstudio", path, labelstudio_several="all")[0]] == [1, 2, 10]
    assert [row[2] for row in read("labelstudio", path, labelstudio_model="m1")[0]] == [1, 10]
    cancelled = a_task(a_region(), kind="annotations", was_cancelled=True)
    assert read("labelstudio", write_json(path, [cancelled]))[1].dropped == {"cancelled": 1}


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"image": "/data/upload/3/5b9c7dbd-a%20b.jpg"}, "sub/a b.jpg"),
        ({"image": "/data/local-files/?d=sub%2Fa%20b.jpg"}, "sub/a b.jpg"),
        ({"image": "http://host:8080/data/local-files/?d=sub/a b.jpg"}, "sub/a b.jpg"),
        ({"image": "https://host/x/sub/a%20b.jpg?token=1"}, "sub/a b.jpg"),
        ({"image": "s3://bucket/sub/a%20b.jpg"}, "sub/a b.jpg"),
        ({"text": "no image", "photo_of_it": "sub/a b.jpg"}, "sub/a b.jpg"),
        ({"image": "C:\\data\\sub\\a b.jpg"}, "sub/a b.jpg"),
    ],
)
def test_the_image_is_found_by_its_address(tmp_path, data, key):
    """Without its host, the prefix of an upload, and what a URL escapes."""
    task = {"data": data, "annotations": [{"result": [a_region()]}]}
    images = images_of(tmp_path / "images", "sub/a b.jpg", "other.jpg")
    rows, _ = read("labelstudio", write_json(tmp_path / "x.json", [task]), folder=images)
    assert [row[0] for row in rows] == [key]


@pytest.mark.parametrize("data", [{}, {"text": "a", "more": "b"}, {"image": ["a.jpg"]}])
def test_a_task_without_one_image_fails_alone(tmp_path, data):
    """With its regions."""
    task = {"data": data, "annotations": [{"result": [a_region()]}]}
    _, tally = read("labelstudio", write_json(tmp_path / "x.json", [task, 7]))
    assert tally.failed == {"no-image": 1, "bad-task": 1}
    assert tally.dropped == {"no-image": 1}


def test_json_min_and_lines_are_read_too(tmp_path):
    """Regions without the task around them; a task a line."""
    least = [
        {
            "image": "a.jpg",
            "id": 1,
            "box": [{**SIDES, "x": 10, "y": 25, "width": 30, "height": 50, "rectanglelabels": ["cat"]}],
        }
    ]
    predictions = read_source(write_json(tmp_path / "x.json", least))
    assert rows_of(predictions.chunks(Tally())) == [("a.jpg", "cat", 10, 20, 40, 60, None)]
    lines = b"\n".join(as_json(a_task(a_region(), image=name)) for name in ("a.jpg", "b.jpg"))
    assert len(rows_of(read_source(write_text(tmp_path / "x.jsonl", lines)).chunks(Tally()))) == 2


def test_a_score_of_a_whole_prediction_is_no_boxs_score(tmp_path):
    """It is left out, and that is noted; a size that no region has comes from the image, or the task fails."""
    task = copy.deepcopy(LABELSTUDIO[0])
    for region in task["predictions"][0]["result"]:
        del region["original_width"]
        region.pop("score", None)
    path = write_json(tmp_path / "x.json", [task])
    assert read("labelstudio", path)[1].failed == {"no-size": 1}
    rows, tally = read("labelstudio", path, size=(100, 80))
    assert [row[6] for row in rows] == [None, None]
    assert "whole-scores" in tally.noted


@settings(deadline=None, max_examples=60)
@given(chunk=detections())
@pytest.mark.parametrize("kind", ["predictions", "annotations"])
def test_what_is_written_is_read_the_same(tmp_path_factory, kind, chunk):
    """Within a millionth of a pixel, images without boxes too."""
    path = tmp_path_factory.mktemp("labelstudio") / "x.json"
    prefix = "/data/local-files/?d="
    context = a_context("labelstudio", labelstudio_write=kind, labelstudio_prefix=prefix)
    FORMATS["labelstudio"].write([chunk], path, context)
    rows, tally = read("labelstudio", path)
    assert_same(rows, rows_of([chunk]), tolerance=1e-6)
    assert tally.images == len(chunk.images)


def test_outlines_come_back(tmp_path):
    """One of several rings is a rectangle, and that is noted."""
    ring, other = np.array([[0, 0], [4, 0], [4, 4.5]]), np.array([[6, 6], [9, 6], [9, 9.0]])
    chunk = Detections.from_counts(
        [Image("a.jpg", 9, 9)], [2], [[0, 0, 4, 4.5], [0, 0, 9, 9]], [0, 0], ["car"], score=[0.5, np.nan],
        polygons=objects([(ring,), (ring, other)]),
    )  # fmt: skip
    context = a_context("labelstudio")
    FORMATS["labelstudio"].write([chunk], tmp_path / "x.json", context)
    (back,) = read_source(tmp_path / "x.json", polygons=True).unrefined(Tally())
    assert np.allclose(back.polygons[0][0], ring)
    assert back.polygons[1] is None
    assert context.tally.noted == {"no-outline": 1}


def test_an_image_without_a_size_cannot_be_written(tmp_path):
    """Boxes are shares of it; an image without boxes can."""
    chunk = Detections.from_counts([Image("a.jpg"), Image("b.jpg")], [0, 1], [[1, 2, 3, 4]], [0], ["car"])
    with pytest.raises(InputError, match=r"b\.jpg: its size is not known"):
        FORMATS["labelstudio"].write([chunk], tmp_path / "x.json", a_context("labelstudio"))
