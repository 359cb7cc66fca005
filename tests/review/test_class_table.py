"""Classes come home under the ids that they went out with, whatever people did meanwhile."""

import json

import pytest
import yaml

from boxferry import Diffgram, PushOptions, read
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run as boxferry
from boxferry.plan.plan_file import read_plan
from boxferry.plugins import plugin_manager
from boxferry.sandbox.annotating import save
from sending.pushing import push, server_of

FORMATS = plugin_manager().formats()
DATA_YAML = """\
path: ../datasets/plates
train: images/train
val: images/val

names:
  0: number_plate
  1: '0'
  2: '1'
  3: zebra
  4: apple
"""
#: with six digits, several spaces, no break at the end; boxes that lie between pixels, one cut by the image's edge
AS_ULTRALYTICS_WRITES = {
    "f1": "4 0.503125 0.498765 0.2 0.25\n3 0.25  0.25 0.1 0.1\n",
    "f2": "1 0.5 0.5 0.2 0.25\n",
    "f3": "3 0.3 0.5 0.2 0.5",
}
NAMES = {0: "number_plate", 1: "0", 2: "1", 3: "zebra", 4: "apple"}


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


@pytest.fixture
def plates(tmp_path):
    """Three images and their labels as Ultralytics has them, of classes 4, 3 and 1 in this order."""
    from PIL import Image as Picture

    rows = {
        "f1": "4 0.5 0.5 0.2 0.25\n3 0.25 0.25 0.1 0.1\n",
        "f2": "1 0.5 0.5 0.2 0.25\n",
        "f3": "3 0.3 0.5 0.2 0.5\n",
    }
    for name, text in rows.items():
        for folder in ("images", "labels"):
            (tmp_path / folder).mkdir(exist_ok=True)
        Picture.new("RGB", (100, 80)).save(tmp_path / "images" / f"{name}.jpg")
        (tmp_path / "labels" / f"{name}.txt").write_text(text)
    (tmp_path / "data.yaml").write_text(DATA_YAML)
    return tmp_path


def pushed(diffgram, plates, **options):
    source = read(plates / "labels", names=plates / "data.yaml", images=plates / "images")
    return push(diffgram, source, create_empty=False, **options)


def names_in(folder):
    return yaml.safe_load((folder / "data.yaml").read_text())["names"]


def written(diffgram, fmt, target, **how):
    tally = Tally()
    diffgram.pull("r").write_as(FORMATS[fmt], target, tally, **{"everything": True} | how)
    return tally


def test_04_a_pulled_yolo_set_has_the_numbers_of_its_data_yaml(diffgram, plates, tmp_path):
    """Classes without a box are there too, and all keep their places."""
    pushed(diffgram, plates)
    tally = written(diffgram, "yolo", tmp_path / "home")
    assert names_in(tmp_path / "home") == NAMES
    assert [line[0] for line in (tmp_path / "home/labels/f1.txt").read_text().splitlines()] == ["4", "3"]
    assert not tally.noted
    written(diffgram, "coco", tmp_path / "home.json")
    found = json.loads((tmp_path / "home.json").read_text())
    assert found["categories"] == [{"id": i, "name": name} for i, name in NAMES.items()]
    assert [a["category_id"] for a in found["annotations"]] == [4, 3, 1, 3]


def test_labels_that_people_brought_come_after_the_table(sandbox, diffgram, plates, tmp_path):
    """And are named, with their numbers."""
    pushed(diffgram, plates)
    store, file = sandbox._store, next(f for f in sandbox.files() if f["original_filename"] == "f2.jpg")
    new = store.insert("label_file", {"project": "sandbox", "schema_id": 1, "name": "mirror"})
    save(store, file, [{**store.instances(file["id"])[0], "label_file_id": new}])
    tally = written(diffgram, "yolo", tmp_path / "home", everything=False)
    assert names_in(tmp_path / "home") == {**NAMES, 5: "mirror"}
    assert (tmp_path / "home/labels/f2.txt").read_text().startswith("5 ")
    assert "5 mirror" in tally.examples["new-labels"][0].message


def test_another_table_is_forced_by_its_name(sandbox, diffgram, plates, tmp_path):
    """Labels that it does not have come after it."""
    pushed(diffgram, plates)
    tally = written(diffgram, "yolo", tmp_path / "home", names={0: "apple", 7: "zebra"})
    assert names_in(tmp_path / "home") == {0: "apple", 7: "zebra", 8: "0"}
    assert (tmp_path / "home/labels/f1.txt").read_text().split()[::5] == ["0", "7"]
    assert tally.noted["new-labels"] == 1


def test_a_run_without_a_table_has_the_same_numbers_at_every_pull(sandbox, diffgram, plates, tmp_path):
    """By the order in which its labels were sent, whichever files are reviewed."""
    source = read(plates / "labels", names=plates / "data.yaml", images=plates / "images")
    push(diffgram, source, create_empty=False)
    diffgram.outbox.keep_classes(1, lambda _: "")
    order = {0: "apple", 1: "zebra", 2: "0"}
    for file in [f for f in sandbox.files() if f["original_filename"] == "f2.jpg"]:
        sandbox._store.update(
            "file", file["id"], {"ann_is_complete": 1, "time_last_updated": sandbox._store.now() + 60}
        )
    written(diffgram, "yolo", tmp_path / "some", everything=False)
    written(diffgram, "yolo", tmp_path / "all")
    assert names_in(tmp_path / "some") == names_in(tmp_path / "all") == order
    push(diffgram, source, run="r2", create_empty=False, existing=True, on_existing="replace-own")
    sandbox.remove_file(next(f["id"] for f in sandbox.files() if f["original_filename"] == "f1.jpg"))
    written(diffgram, "yolo", tmp_path / "later")
    assert names_in(tmp_path / "later") == order


def test_a_plan_brings_the_table_along(diffgram, plates, tmp_path):
    """Planned here, carried out later: the same numbers."""
    pushed(diffgram, plates, plan=tmp_path / "plan.json")
    diffgram.carry_out(read_plan(tmp_path / "plan.json", images=plates / "images"), options=PushOptions())
    written(diffgram, "yolo", tmp_path / "home")
    assert names_in(tmp_path / "home") == NAMES


def test_a_second_push_adds_classes_and_changes_none(diffgram, plates):
    """What contradicts the first table is noted."""
    pushed(diffgram, plates)
    source = read(
        plates / "labels", names=["number_plate", "0", "1", "zebra", "apple", "pear"], images=plates / "images"
    )
    assert not push(diffgram, source, create_empty=False).tally.noted
    assert diffgram.pull("r").classes().names() == {**NAMES, 5: "pear"}
    source = read(plates / "labels", names=["plate", "0", "1", "zebra", "apple"], images=plates / "images")
    assert push(diffgram, source, create_empty=False).tally.noted["class-ids"] == 1
    assert diffgram.pull("r").classes().names() == {**NAMES, 5: "pear"}


def test_a_training_set_makes_the_round_trip(sandbox, diffgram, plates, tmp_path, monkeypatch, capsys):
    """data.yaml, push, a correction, pull: the same ids and names, and equal bytes where nothing was corrected."""
    for name, text in AS_ULTRALYTICS_WRITES.items():
        (plates / "labels" / f"{name}.txt").write_bytes(text.encode())
    pushed(diffgram, plates, annotations=True)
    store, file = sandbox._store, next(f for f in sandbox.files() if f["original_filename"] == "f2.jpg")
    (box,) = store.instances(file["id"])
    save(store, file, [box | {"x_max": box["x_max"] + 5}])
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"DIFFGRAM_{name}", getattr(sandbox, name.lower()))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    home = tmp_path / "home"
    assert boxferry(["pull", "r", "--all", "--to", "yolo", "-o", str(home)]) == 0
    assert "1 of 3 files reviewed" in capsys.readouterr().err
    assert names_in(home) == yaml.safe_load(DATA_YAML)["names"]
    for name in ("f1", "f3"):
        assert (home / f"labels/{name}.txt").read_bytes() == (plates / f"labels/{name}.txt").read_bytes()
    assert (home / "labels/f2.txt").read_text() == "1 0.525 0.5 0.25 0.25\n"
    save(store, file, [box])
    assert boxferry(["pull", "r", "--all", "--to", "yolo", "-o", str(home), "--yolo-ids", "from-0"]) == 0
    assert boxferry(["pull", "r", "--all", "--to", "yolo", "-o", str(home), "--names", "a,b,c,d,apple"]) == 0
    assert names_in(home)[4] == "apple"


def test_coco_comes_home_with_its_image_ids_and_file_names(sandbox, diffgram, plates, tmp_path):
    """Those of the dataset, however the files are called on the server."""
    (plates / "images" / "val").mkdir()
    (plates / "images" / "f2.jpg").rename(plates / "images" / "val" / "f2.jpg")
    images = [
        {"id": number, "file_name": name, "width": 100, "height": 80}
        for number, name in ((900, "f1.jpg"), (17, "val/f2.jpg"), (3, "f3.jpg"))
    ]
    items = [{"id": 1, "image_id": 17, "category_id": 40, "bbox": [10, 20, 30, 40], "score": 0.5}]
    categories = [{"id": 40, "name": "cat"}, {"id": 7, "name": "dog"}]
    given = {"images": images, "categories": categories, "annotations": items}
    (tmp_path / "in.json").write_text(json.dumps(given))
    push(diffgram, read(tmp_path / "in.json", images=plates / "images"))
    written(diffgram, "coco", tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    assert sorted(found["images"], key=lambda each: each["id"]) == sorted(images, key=lambda each: each["id"])
    assert found["categories"] == categories
    (item,) = found["annotations"]
    assert (item["image_id"], item["category_id"], item["bbox"]) == (17, 40, [10, 20, 30, 40])


def test_convert_from_coco_to_coco_keeps_image_ids(tmp_path):
    """Ids of two files that clash are numbered anew where they are met again."""
    for name in ("a", "b"):
        images = [{"id": i, "file_name": f"{name}{i}.jpg", "width": 100, "height": 80} for i in (5, 2)]
        items = [{"id": 1, "image_id": 2, "category_id": 1, "bbox": [1, 2, 3, 4]}]
        given = {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": items}
        (tmp_path / f"{name}.json").write_text(json.dumps(given))
    assert boxferry(["convert", str(tmp_path / "a.json"), "--to", "coco", "-o", str(tmp_path / "one.json")]) == 0
    found = json.loads((tmp_path / "one.json").read_text())
    assert {image["file_name"]: image["id"] for image in found["images"]} == {"a2.jpg": 2, "a5.jpg": 5}
    both = [str(tmp_path / f"{name}.json") for name in ("a", "b")]
    assert boxferry(["convert", *both, "--to", "coco", "-o", str(tmp_path / "two.json")]) == 0
    found = json.loads((tmp_path / "two.json").read_text())
    ids = {image["file_name"]: image["id"] for image in found["images"]}
    assert len(set(ids.values())) == 4
    assert (ids["a2.jpg"], ids["a5.jpg"]) == (2, 5)
    assert {a["image_id"] for a in found["annotations"]} == {ids["a2.jpg"], ids["b2.jpg"]}


def test_a_file_with_other_ids_or_other_boxes_is_written_anew(sandbox, diffgram, plates, tmp_path):
    """The kept file is written only where it says the same."""
    (plates / "labels" / "f3.txt").write_text("3 0.3 0.5 0.2 0.5\n3 0.3 0.5 0.0001 0.5\n")
    pushed(diffgram, plates, annotations=True)
    written(diffgram, "yolo", tmp_path / "same")
    written(diffgram, "yolo", tmp_path / "home", names={9: "apple", 3: "zebra", 1: "0"})
    assert (tmp_path / "same/labels/f1.txt").read_bytes() == (plates / "labels/f1.txt").read_bytes()
    assert [line.split()[0] for line in (tmp_path / "home/labels/f1.txt").read_text().splitlines()] == ["9", "3"]
    assert len((tmp_path / "same/labels/f3.txt").read_text().splitlines()) == 1, "the other is too thin to be a box"


def test_predictions_with_scores_keep_no_file(diffgram, plates):
    """They come home without scores, so that it could never be written."""
    (plates / "labels" / "f2.txt").write_text("1 0.5 0.5 0.2 0.25 0.9\n")
    pushed(diffgram, plates)
    assert {bytes(text) for text in diffgram.outbox.originals(1).values()} == {
        (plates / f"labels/{name}.txt").read_bytes() for name in ("f1", "f3")
    }


def test_an_adopted_run_takes_the_class_ids_of_its_model(sandbox, diffgram, plates, tmp_path, capsys):
    """From the newest run of the model in this outbox that has all its labels; else pull says how to give them."""
    pushed(diffgram, plates)
    with Diffgram(server_of(sandbox), outbox=tmp_path / "empty.sqlite") as other:
        assert not other.adopt("r", directory="Default").run.classes
        tally = written(other, "yolo", tmp_path / "numbered")
        assert tally.noted["class-ids"] == 1
        assert "--names data.yaml" in str(tally.examples["class-ids"][0])
        assert not written(other, "voc", tmp_path / "voc").noted
    with Diffgram(server_of(sandbox), outbox=tmp_path / "knows.sqlite") as other:
        source = read(plates / "labels", names=plates / "data.yaml", images=plates / "images")
        push(other, source, run="later", existing=True, create_empty=False)
        found = other.adopt("r", directory="Default")
        assert found.classes_of == "later"
        assert not written(other, "yolo", tmp_path / "home").noted
    assert names_in(tmp_path / "home") == NAMES
