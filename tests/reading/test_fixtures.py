"""The fixtures are what they say: one set of predictions in each format, on images that open and may be given away."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from PIL import Image as Picture

FIXTURES = Path(__file__).parents[2] / "fixtures"
IMAGES = sorted((FIXTURES / "images").iterdir())
DATASET = json.loads((FIXTURES / "coco/instances.json").read_text())
SIZES = {Path(image["file_name"]).stem: (image["width"], image["height"]) for image in DATASET["images"]}
LICENCES = ("public domain", "CC0 1.0", "no known copyright restrictions")


def coco():
    """Each box as (image, class, left, top, right, bottom, score), in whole pixels from 0, the end exclusive."""
    images = {image["id"]: Path(image["file_name"]).stem for image in DATASET["images"]}
    classes = {category["id"]: category["name"] for category in DATASET["categories"]}
    for result in json.loads((FIXTURES / "coco/results.json").read_text()):
        x, y, width, height = result["bbox"]
        yield images[result["image_id"]], classes[result["category_id"]], x, y, x + width, y + height, result["score"]


def yolo():
    classes = yaml.safe_load((FIXTURES / "yolo/data.yaml").read_text())["names"]
    for path in (FIXTURES / "yolo/labels").iterdir():
        width, height = SIZES[path.stem]
        for line in path.read_text().splitlines():
            number, x, y, w, h, score = map(float, line.split())
            left, top, right, bottom = (
                (x - w / 2) * width,
                (y - h / 2) * height,
                (x + w / 2) * width,
                (y + h / 2) * height,
            )
            yield path.stem, classes[int(number)], left, top, right, bottom, score


def voc_xml():
    for path in (FIXTURES / "voc/Annotations").iterdir():
        for thing in ET.parse(path).iter("object"):
            left, top, right, bottom = (
                float(thing.find(f"bndbox/{tag}").text) for tag in ("xmin", "ymin", "xmax", "ymax")
            )
            yield (
                path.stem,
                thing.find("name").text,
                left - 1,
                top - 1,
                right,
                bottom,
                float(thing.find("confidence").text),
            )


def voc_results():
    for path in (FIXTURES / "voc/results").iterdir():
        for line in path.read_text().splitlines():
            image, *numbers = line.split()
            score, left, top, right, bottom = map(float, numbers)
            yield image, path.stem.removeprefix("comp4_det_test_"), left - 1, top - 1, right, bottom, score


def exact(boxes):
    """The boxes in one order, with numbers that are next to whole made whole."""
    found = []
    for image, name, *edges, score in boxes:
        assert edges == pytest.approx([round(edge) for edge in edges], abs=0.001)
        found.append((image, name, *(round(edge) for edge in edges), score))
    return sorted(found)


@pytest.mark.parametrize("read", [yolo, voc_xml, voc_results], ids=lambda read: read.__name__)
def test_every_format_holds_the_same_boxes(read):
    assert exact(read()) == exact(coco())


def test_there_are_boxes_worth_sending_and_boxes_worth_dropping():
    boxes = exact(coco())
    assert len(boxes) == 30
    assert {name for _, name, *_ in boxes} == {"face", "eye", "cat", "person"}
    assert min(box[-1] for box in boxes) < 0.2
    assert max(box[-1] for box in boxes) > 0.9
    assert set(SIZES) - {image for image, *_ in boxes} == {"coffee"}


def test_every_box_lies_in_its_image():
    for image, _, left, top, right, bottom, _ in exact(coco()):
        assert 0 <= left < right <= SIZES[image][0]
        assert 0 <= top < bottom <= SIZES[image][1]


def test_every_image_has_a_file_in_each_format():
    assert {image["file_name"] for image in DATASET["images"]} == {path.name for path in IMAGES}
    assert {path.stem for path in (FIXTURES / "yolo/labels").iterdir()} == set(SIZES)
    assert {path.stem for path in (FIXTURES / "voc/Annotations").iterdir()} == set(SIZES)


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_an_image_opens_and_has_the_size_that_the_formats_say(path):
    with Picture.open(path) as picture:
        picture.load()
        assert picture.size == SIZES[path.stem]
    size = ET.parse(FIXTURES / f"voc/Annotations/{path.stem}.xml").find("size")
    assert (int(size.find("width").text), int(size.find("height").text)) == SIZES[path.stem]


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_an_image_has_its_licence_in_the_readme(path):
    rows = [row for row in (FIXTURES / "README.md").read_text().splitlines() if row.startswith(f"| `{path.name}`")]
    assert len(rows) == 1
    assert any(licence in rows[0] for licence in LICENCES)


def test_the_fixtures_are_small():
    assert sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file()) < 1_500_000
