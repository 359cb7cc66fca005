"""The formats `kitti`, `dota` and `createml`: what each has besides boxes, and what is no box in it."""

import pytest

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from formats.reading import images_of, read, write_json, write_text
from formats.samples import CREATEML, DOTA, KITTI, SAMPLES

TAIL = "1 1 1 0 0 0 0"


def test_kitti_keeps_its_fields_and_leaves_dontcare_out(tmp_path):
    """What results hold in place of a field is none."""
    write_text(tmp_path / "a.txt", KITTI)
    names = ["truncated", "occluded", "alpha", "rotation_y", "height", "z"]
    (chunk,) = read_source(tmp_path, attributes=names).chunks(tally := Tally())
    truth = {"truncated": 0.0, "occluded": 1.0, "alpha": -1.57, "height": 1.65, "z": 46.7, "rotation_y": -1.59}
    assert chunk.attributes[0] == truth
    assert chunk.attributes[1] == {"height": -1.0, "z": -1000.0, "rotation_y": -10.0}
    assert tally.dropped == {"dont-care": 1}
    assert tally.examples["dont-care"][0].line == 3


def test_kittis_tracking_files_are_videos_with_tracks(tmp_path):
    """Frames count from 0, as they stand."""
    SAMPLES["kitti-tracking"].write(tmp_path)
    (chunk,) = read_source(tmp_path).chunks(Tally())
    assert (chunk.images[0].video, chunk.frame.tolist(), chunk.track.tolist()) == (True, [0, 1], [7, 7])
    images = images_of(tmp_path / "images", "clip.jpg")
    tally = Tally()
    assert sum(map(len, read_source(tmp_path / "clip.txt", images=images).chunks(tally))) == 0
    assert tally.failed == {"not-a-video": 1}


@pytest.mark.parametrize(
    "row", ["car 0 0 0 1 2 3 4 1 1 1 0 0 0", f"1 2 0 0 0 1 2 3 4 {TAIL}", f"car 0 0 0 x 2 3 4 {TAIL}", "car"]
)
def test_a_kitti_row_that_is_none_costs_itself_alone(tmp_path, row):
    """With its line; a type may have blanks in it."""
    write_text(tmp_path / "a.txt", f"police car 0 0 0 1 2 3 4 {TAIL}\n{row}\n\n")
    rows, tally = read("kitti", tmp_path)
    assert rows == [("a", "police car", 1, 2, 3, 4, None)]
    assert tally.dropped == {"bad-row": 1}
    assert tally.examples["bad-row"][0].line == 2


def test_dota_keeps_the_four_corners_and_difficult(tmp_path):
    """The header is passed over, or absent."""
    write_text(tmp_path / "a.txt", DOTA)
    (chunk,) = read_source(tmp_path, polygons=True, attributes=["difficult"]).chunks(Tally())
    assert chunk.polygons[1][0].tolist() == [[50, 5], [95, 40], [50, 75], [5, 40]]
    assert chunk.attributes.tolist() == [{"difficult": 0}, {"difficult": 1}]
    assert chunk.row.tolist() == [3, 4]
    write_text(tmp_path / "a.txt", "10 20 40 20 40 60 10 60 cat\n")
    assert read_source(tmp_path).format.name == "dota"


@pytest.mark.parametrize(
    "row", ["1 2 3 4 5 6 7 cat 0", "1 2 3 4 5 6 7 8 9", "1 2 3 4 5 6 7 8 cat x", "1 2 3 4 5 6 7 1e99 cat"]
)
def test_a_dota_row_that_is_none_costs_itself_alone(tmp_path, row):
    """With its line."""
    write_text(tmp_path / "a.txt", f"10 20 40 20 40 60 10 60 cat 0\n{row}\n")
    rows, tally = read("dota", tmp_path)
    assert len(rows) == 1
    assert tally.dropped.total() == 1
    assert next(iter(tally.examples.values()))[0].line == 2


def test_dotas_results_of_all_classes_are_joined_by_image(tmp_path):
    """In the order in which images are met, each box with the file that it came from; bad rows are counted."""
    write_text(tmp_path / "Task1_cat.txt", "a 0.5 1 2 3 2 3 4 1 4\nb 0.4 1 2 3 2 3 4 1 4\nb x 1 2 3 4\n")
    write_text(tmp_path / "Task1_dog.txt", "b 0.3 5 6 7 6 7 8 5 8\na 0.2 5 6 7 6 7 8 5 8\n")
    (chunk,) = read_source(tmp_path, polygons=True).chunks(tally := Tally())
    assert [image.key for image in chunk.images] == ["a", "b"]
    assert [chunk.labels[code] for code in chunk.label] == ["cat", "dog", "cat", "dog"]
    assert chunk.score.tolist() == [0.5, 0.2, 0.4, 0.3]
    assert [name.rpartition("/")[2] for name in chunk.source] == ["Task1_cat.txt", "Task1_dog.txt"] * 2
    assert len(chunk.polygons[3][0]) == 4
    assert (tally.dropped, tally.kept) == ({"bad-row": 1}, 4)
    write_text(tmp_path / "P1.txt", DOTA)
    with pytest.raises(InputError, match="label files and result files"):
        list(read_source(tmp_path, format="dota").chunks(Tally()))


@pytest.mark.parametrize(
    ("value", "images", "boxes"),
    [
        ([{"imagefilename": "b.jpg", "annotation": CREATEML[0]["annotations"]}], 1, 2),
        ([{"image": "b.jpg", "annotations": []}, {"image": "c.jpg"}], 2, 0),
        ([], 0, 0),
    ],
)
def test_createmls_other_keys_and_empty_images(tmp_path, value, images, boxes):
    """Those of its earlier writers."""
    rows, tally = read("createml", write_json(tmp_path / "x.json", value))
    assert (tally.images, len(rows)) == (images, boxes)


def test_what_is_no_box_or_image_in_createml_is_counted(tmp_path):
    """With the number of its image."""
    box = CREATEML[0]["annotations"][0]
    bad = [{**box, "coordinates": {"x": 1, "y": 2, "width": -3, "height": 4}}, {**box, "label": ""}, {"label": "x"}, 7]
    value = [
        {"image": "b.jpg", "annotations": [*bad, box]},
        {"image": "b.jpg", "annotations": [box]},
        {"annotations": [box]},
        7,
    ]
    rows, tally = read("createml", write_json(tmp_path / "x.json", value))
    assert len(rows) == 1
    assert tally.dropped == {"bad-box": 4, "duplicate-image": 1, "no-image": 1}
    assert tally.failed == {"duplicate-image": 1, "no-image": 1, "bad-image": 1}
    assert {issue.item for issue in tally.examples["bad-box"]} == {0}
