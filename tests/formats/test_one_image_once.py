"""One local file is one image: whatever a dataset calls it, it comes once, with its boxes."""

import pytest

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from formats.reading import images_of, write_json, write_text

NAMES = {
    "whole": "10.jpg",
    "prefix": "images/10.jpg",
    "deeper": "data/images/10.jpg",
    "dot": "./10.jpg",
    "dots": "../images/10.jpg",
    "absolute": "/home/me/set/10.jpg",
    "windows": "D:\\set 1\\10.jpg",
    "backslash": "images\\10.jpg",
    "unc": "\\\\server\\share\\10.jpg",
}


def found(path, folder, **how):
    """(key, boxes) of every image."""
    chunks = list(read_source(path, images=folder, **how).chunks(Tally()))
    return [(image.key, int(n)) for chunk in chunks for image, n in zip(chunk.images, chunk.counts, strict=True)]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_c25_a_dataset_and_the_images_folder_give_one_image(tmp_path, name):
    """Never a second, empty one; with boxes and without."""
    folder = images_of(tmp_path / "images", "10.jpg", "20.jpg")
    images = [{"id": 1, "file_name": name}, {"id": 2, "file_name": name.replace("10", "20")}]
    box = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
    dataset = {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": [box]}
    assert [n for _, n in found(write_json(tmp_path / "a.json", dataset), folder)] == [1, 0]
    write_json(tmp_path / "r.json", [{**box, "score": 0.5}])
    assert [n for _, n in found(tmp_path / "r.json", folder, categories=tmp_path / "a.json")] == [1, 0]


@pytest.mark.parametrize(("told", "there"), [("cafe\u0301.jpg", "caf\u00e9.jpg"), ("caf\u00e9.jpg", "cafe\u0301.jpg")])
def test_c25_unicode_forms_of_one_name_are_one_image(tmp_path, told, there):
    """Accents composed or not."""
    folder = images_of(tmp_path / "images", there)
    dataset = {"images": [{"id": 1, "file_name": told}], "categories": [], "annotations": []}
    assert len(found(write_json(tmp_path / "a.json", dataset), folder)) == 1


def test_y28_labels_and_images_beside_each_other_in_every_split(tmp_path):
    """`labels` stands for `images` in the path, before the base name is tried."""
    images_of(tmp_path / "ds", "train/images/1.jpg", "valid/images/1.jpg")
    write_text(tmp_path / "ds/train/labels/1.txt", "0 .5 .5 .2 .2\n")
    write_text(tmp_path / "ds/valid/labels/1.txt", "0 .5 .5 .2 .2\n0 .4 .4 .2 .2\n")
    rows = found(tmp_path / "ds", tmp_path / "ds", names=["cat"])
    assert rows == [("train/images/1.jpg", 1), ("valid/images/1.jpg", 2)]
    globbed = found(f"{tmp_path}/ds/*/labels/*.txt", tmp_path / "ds", names=["cat"])
    assert globbed == rows
    listed = found([tmp_path / "ds/train/labels", tmp_path / "ds/valid/labels"], tmp_path / "ds", names=["cat"])
    assert listed == rows
    alone = found(tmp_path / "ds/valid/labels/1.txt", tmp_path / "ds", names=["cat"])
    assert ("valid/images/1.jpg", 2) in alone


def test_y28_the_whole_path_comes_before_a_unique_base_name(tmp_path):
    """Images may lie among the labels."""
    images_of(tmp_path / "ds", "train/labels/1.jpg", "other/images/1.jpg")
    write_text(tmp_path / "ds/train/labels/1.txt", "0 .5 .5 .2 .2\n")
    assert ("train/labels/1.jpg", 1) in found(tmp_path / "ds", tmp_path / "ds", names=["cat"])


def test_y29_a_percent_encoded_stem_finds_its_image(tmp_path):
    """And comes once."""
    folder = images_of(tmp_path / "images", "café.jpg")
    write_text(tmp_path / "labels/caf%C3%A9.txt", "0 .5 .5 .2 .2\n")
    assert found(tmp_path / "labels", folder, names=["cat"]) == [("café.jpg", 1)]


BNDBOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"


@pytest.mark.parametrize(("xml", "images"), [("train", "train"), ("train/Annotations", "train/JPEGImages")])
@pytest.mark.parametrize("named", ["1.jpg", "1", ""])
def test_annotations_beside_images_in_every_split(tmp_path, xml, images, named):
    """The image in the file's own folder, or in the JPEGImages beside it, goes before others of the same name."""
    images_of(tmp_path / "ds", f"{images}/1.jpg", f"{images}/1.jpg".replace("train", "valid"))
    for split, count in (("train", 1), ("valid", 2)):
        objects = f"<object><name>cat</name>{BNDBOX}</object>" * count
        text = f"<annotation><filename>{named}</filename>{objects}</annotation>"
        write_text(tmp_path / "ds" / xml.replace("train", split) / "1.xml", text)
    rows = found(tmp_path / "ds", tmp_path / "ds")
    assert rows == [(f"{images}/1.jpg", 1), (f"{images}/1.jpg".replace("train", "valid"), 2)]
