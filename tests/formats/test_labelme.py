"""The format `labelme`: LabelMe's shapes are boxes with outlines, and what is written is read the same."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from boxferry import read as read_source
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from formats.reading import FORMATS, a_context, assert_same, detections, images_of, read, rows_of, write_json
from formats.samples import LABELME


def a_file(*shapes, **keys):
    return {**LABELME, "shapes": list(shapes), **keys}


def a_shape(kind, *points, label="cat", **keys):
    return {"label": label, "shape_type": kind, "points": [list(point) for point in points], **keys}


@pytest.mark.parametrize(
    ("shape", "corners"),
    [
        (a_shape("rectangle", (40, 60), (10, 20)), (10, 20, 40, 60)),
        (a_shape("rectangle", (10, 20), (40, 20), (40, 60), (10, 60)), (10, 20, 40, 60)),
        (a_shape("polygon", (10, 20), (40, 30), (20, 60)), (10, 20, 40, 60)),
        (a_shape(None, (10, 20), (40, 30), (20, 60)), (10, 20, 40, 60)),
        (a_shape("rotation", (25, 20), (40, 40), (25, 60), (10, 40)), (10, 20, 40, 60)),
        (a_shape("circle", (25, 40), (25, 50)), (15, 30, 35, 50)),
        (a_shape("mask", (10, 20), (39, 59), mask="aGVsbG8="), (10, 20, 40, 60)),
    ],
)
def test_every_shape_that_has_an_area_is_a_box(tmp_path, shape, corners):
    """A mask's points are its first and its last pixel."""
    write_json(tmp_path / "a.json", a_file(shape))
    rows, _ = read("labelme", tmp_path)
    assert [row[:2] for row in rows] == [("a.jpg", "cat")]
    assert rows[0][2:6] == pytest.approx(corners)


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        (a_shape("point", (1, 2)), "no-area"),
        (a_shape("linestrip", (1, 2), (3, 4), (5, 6)), "no-area"),
        (a_shape("polygon", (1, 2), (3, 4)), "bad-box"),
        (a_shape("rectangle", (1, 2)), "bad-box"),
        (a_shape("rectangle", (1, "x"), (3, 4)), "bad-box"),
        (a_shape("star", (1, 2), (3, 4)), "bad-box"),
        (a_shape("rectangle", (1, 2), (3, 4), label=None), "bad-box"),
        (a_shape("rectangle", (1, 2), (3, 4), score="high"), "bad-box"),
        ("no shape", "bad-box"),
    ],
)
def test_a_shape_that_is_no_box_costs_itself_alone(tmp_path, shape, code):
    """It is counted, with the file and its number."""
    write_json(tmp_path / "a.json", a_file(shape, a_shape("rectangle", (1, 2), (3, 4))))
    rows, tally = read("labelme", tmp_path)
    assert len(rows) == 1
    assert tally.dropped == {code: 1}
    assert "item 0" in tally.examples[code][0].message


def test_outlines_of_one_group_and_label_are_one_object(tmp_path):
    """As LabelMe's own converters take them; rectangles and other labels stay apart."""
    one, other = ((0, 0), (10, 0), (5, 10)), ((20, 20), (30, 20), (25, 40))
    shapes = [
        a_shape("polygon", *one, group_id=1),
        a_shape("polygon", *other, group_id=1),
        a_shape("polygon", *other, group_id=1, label="dog"),
        a_shape("rectangle", (1, 2), (3, 4), group_id=1),
        a_shape("polygon", *one, group_id=None),
    ]
    write_json(tmp_path / "a.json", a_file(*shapes))
    predictions = read_source(tmp_path, polygons=True, attributes=["group_id"])
    (chunk,) = predictions.chunks(tally := Tally())
    assert [row[1:6] for row in rows_of([chunk])] == [
        ("cat", 0, 0, 30, 40), ("dog", 20, 20, 30, 40), ("cat", 1, 2, 3, 4), ("cat", 0, 0, 10, 10)
    ]  # fmt: skip
    assert [len(rings or ()) for rings in chunk.polygons] == [2, 1, 0, 1]
    assert chunk.attributes.tolist() == [{"group_id": 1}, {"group_id": 1}, {"group_id": 1}, None]
    assert tally.noted == {"derived": 1, "joined": 1}


@pytest.mark.parametrize(
    ("path", "key"),
    [("a.jpg", "sub/a.jpg"), ("..\\sub\\a.jpg", "sub/a.jpg"), ("D:\\data\\sub\\a.jpg", "sub/a.jpg"), (None, "sub/a")],
)
def test_the_image_is_found_from_the_files_own_folder_on(tmp_path, path, key):
    """Or by the end of its path; without a path it is called as the file is."""
    write_json(tmp_path / "labels" / "sub" / "a.json", a_file(imagePath=path))
    images = None if path is None else images_of(tmp_path / "images", "sub/a.jpg", "other/a.jpg")
    (chunk,) = read_source(tmp_path / "labels", format="labelme", images=images).unrefined(Tally())
    assert [image.key for image in chunk.images] == [key]


def test_an_image_of_another_size_fails_with_its_boxes(tmp_path):
    """They cannot be trusted; the others go on."""
    images = images_of(tmp_path / "images", "a.jpg", "b.jpg", size=(50, 40))
    box = a_shape("rectangle", (1, 2), (3, 4))
    write_json(tmp_path / "l" / "a.json", a_file(box, box))
    write_json(tmp_path / "l" / "b.json", a_file(box, imagePath="b.jpg", imageWidth=50, imageHeight=40))
    rows, tally = read("labelme", tmp_path / "l", folder=images)
    assert [row[0] for row in rows] == ["b.jpg"]
    assert (tally.failed, tally.dropped) == ({"size-mismatch": 1}, {"size-mismatch": 2})


def test_a_file_that_is_none_fails_alone(tmp_path):
    """UTF-16 is read."""
    (tmp_path / "a.json").write_bytes(json.dumps(a_file(a_shape("rectangle", (1, 2), (3, 4)))).encode("utf-16"))
    (tmp_path / "b.json").write_bytes(b'{"shapes": [')
    (tmp_path / "c.json").write_bytes(b"[1]")
    rows, tally = read("labelme", tmp_path)
    assert len(rows) == 1
    assert tally.failed == {"bad-json": 2}


@settings(deadline=None, max_examples=60)
@given(chunk=detections())
def test_what_is_written_is_read_the_same(tmp_path_factory, chunk):
    """To the nine digits after the point that are written, images without boxes too."""
    folder = tmp_path_factory.mktemp("labelme")
    FORMATS["labelme"].write([chunk], folder, a_context("labelme"))
    rows, tally = read("labelme", folder)
    expected = [(row[0].removeprefix("sub "), *row[1:]) for row in rows_of([chunk])]
    assert_same([(row[0].removeprefix("sub "), *row[1:]) for row in rows], expected, tolerance=1e-9)
    assert tally.images == len(chunk.images)


def test_outlines_and_attributes_come_back(tmp_path):
    """Several rings of one box stay one box."""
    rings = (np.array([[0, 0], [4, 0], [4, 4.5]]), np.array([[6, 6], [9, 6], [9, 9.0]]))
    chunk = Detections.from_counts(
        [Image("a.jpg", 9, 9)], [2], [[0, 0, 9, 9], [1, 1, 2, 2]], [0, 0], ["car"], score=[0.5, np.nan],
        polygons=objects([rings, None]), attributes=objects([{"pose": "left"}, None]),
    )  # fmt: skip
    FORMATS["labelme"].write([chunk], tmp_path, a_context("labelme"))
    (back,) = read_source(tmp_path, polygons=True, attributes=["pose"]).unrefined(Tally())
    assert all(np.array_equal(a, b) for a, b in zip(back.polygons[0], rings, strict=True))
    assert (back.polygons[1], back.attributes.tolist()) == (None, [{"pose": "left"}, None])
    assert np.array_equal(back.xyxy, chunk.xyxy)


def test_an_image_without_a_size_cannot_be_written(tmp_path):
    """LabelMe's files hold it."""
    chunk = Detections.from_counts([Image("a.jpg")], [0], [], [], [])
    with pytest.raises(InputError, match="its size is not known"):
        FORMATS["labelme"].write([chunk], tmp_path, a_context("labelme"))
