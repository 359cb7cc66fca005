"""Class ids, their order, and classes without boxes survive from format to format."""

import json

import pytest
import yaml

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from boxferry.reading.writing import option_values
from formats.reading import FORMATS, write_json, write_text

SPARSE = [{"id": 90, "name": "zebra"}, {"id": 3, "name": "ant"}, {"id": 7, "name": "unused"}]


def dataset(categories, *used):
    annotations = [{"image_id": 1, "category_id": i, "bbox": [1, 2, 3, 4]} for i in used]
    images = [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}]
    return {"images": images, "categories": categories, "annotations": annotations}


def converted(source, fmt, target, options=None, **how):
    """Write a source in another format; the tally."""
    tally = Tally()
    predictions = how.pop("steps", lambda p: p)(read_source(source, **how))
    predictions.write_as(FORMATS[fmt], target, tally, option_values(FORMATS[fmt], options or {}))
    return tally


def categories_of(path):
    return json.loads(path.read_text())["categories"]


def test_c34_coco_to_coco_keeps_ids_order_and_classes_without_boxes(tmp_path):
    """As they stand in the file, whatever boxes come first."""
    write_json(tmp_path / "a.json", dataset(SPARSE, 3, 90))
    converted(tmp_path / "a.json", "coco", tmp_path / "b.json")
    assert categories_of(tmp_path / "b.json") == SPARSE
    assert [a["category_id"] for a in json.loads((tmp_path / "b.json").read_text())["annotations"]] == [3, 90]


def test_c34_coco_to_yolo_to_coco_keeps_them_too(tmp_path):
    """And says that YOLO's own tools expect others."""
    write_json(tmp_path / "a.json", dataset(SPARSE, 3, 90))
    tally = converted(tmp_path / "a.json", "yolo", tmp_path / "y")
    assert "--yolo-ids from-0" in tally.examples["class-ids"][0].message
    converted(tmp_path / "y/labels", "coco", tmp_path / "c.json", names=str(tmp_path / "y/data.yaml"), size="100x80")
    assert categories_of(tmp_path / "c.json") == sorted(SPARSE, key=lambda each: each["id"])


def test_03_yolo_to_coco_to_yolo_is_the_same_again(tmp_path):
    """Ids count from 0 in the order of the names."""
    write_text(tmp_path / "labels/a.txt", "0 .5 .5 .2 .2 .9\n2 .4 .4 .2 .2 .8\n")
    converted(tmp_path / "labels", "coco", tmp_path / "a.json", names="x,y,z", size="100x100")
    assert categories_of(tmp_path / "a.json") == [{"id": i, "name": name} for i, name in enumerate("xyz")]
    tally = converted(tmp_path / "a.json", "yolo", tmp_path / "y")
    assert yaml.safe_load((tmp_path / "y/data.yaml").read_text())["names"] == {0: "x", 1: "y", 2: "z"}
    assert [line.split()[0] for line in (tmp_path / "y/labels/a.txt").read_text().splitlines()] == ["0", "2"]
    assert not tally.noted


def test_yolo_ids_are_counted_anew_where_that_is_asked_for(tmp_path):
    """In the order of the source's table."""
    write_json(tmp_path / "a.json", dataset(SPARSE, 3))
    converted(tmp_path / "a.json", "yolo", tmp_path / "y", {"yolo-ids": "from-0"})
    assert yaml.safe_load((tmp_path / "y/data.yaml").read_text())["names"] == {0: "zebra", 1: "ant", 2: "unused"}
    assert (tmp_path / "y/labels/a.txt").read_text().startswith("1 ")


def test_a_label_map_renames_classes_and_keeps_their_ids(tmp_path):
    """The old name is gone, also from the table."""
    write_json(tmp_path / "a.json", dataset(SPARSE, 3))
    converted(tmp_path / "a.json", "coco", tmp_path / "b.json", steps=lambda p: p.relabel({"ant": "bee"}))
    assert {"id": 3, "name": "bee"} in categories_of(tmp_path / "b.json")
    assert len(categories_of(tmp_path / "b.json")) == 3


@pytest.mark.parametrize("fmt", ["yolo", "voc", "labelme"])
def test_a_failed_conversion_leaves_the_folder_as_it_was(tmp_path, fmt):
    """Nothing half-written: not a file, not the folder itself."""
    write_json(tmp_path / "a.json", {**dataset(SPARSE, 3), "images": [{"id": 1, "file_name": "a.jpg"}]})
    with pytest.raises(InputError, match="size is not known"):
        converted(tmp_path / "a.json", fmt, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    write_text(tmp_path / "out/labels/old.txt", "old")
    with pytest.raises(InputError, match="size is not known"):
        converted(tmp_path / "a.json", fmt, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*.*")] == ["old.txt"]


def test_a_conversion_into_a_folder_that_is_there_keeps_the_other_files(tmp_path):
    """Files of the same names are replaced."""
    write_json(tmp_path / "a.json", dataset(SPARSE, 3))
    write_text(tmp_path / "out/labels/a.txt", "old")
    write_text(tmp_path / "out/labels/b.txt", "other")
    converted(tmp_path / "a.json", "yolo", tmp_path / "out")
    assert (tmp_path / "out/labels/a.txt").read_text().startswith("3 ")
    assert (tmp_path / "out/labels/b.txt").read_text() == "other"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "out"]
