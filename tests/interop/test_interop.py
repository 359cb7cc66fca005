"""Other tools' files are read with equal boxes, labels and scores, and what is written here they read.

Each is skipped where its tool is not installed; `make interop` makes an environment that has them all.
"""

import json

import numpy as np
import pytest
from PIL import Image as Picture

from boxferry import read
from boxferry.boxes.tally import Tally
from formats.reading import FORMATS, a_context, rows_of
from interop.peers import checked, peer

BOXES = {
    "a.jpg": [(10.0, 20.0, 40.0, 60.0, "cat"), (5.0, 5.0, 95.0, 75.0, "dog")],
    "b.jpg": [(0.0, 0.0, 30.0, 30.0, "dog")],
    "c.jpg": [(1.0, 2.0, 3.0, 4.0, "cat")],
}
SIZE = (100, 80)
LABELS = ["cat", "dog"]
pytestmark = pytest.mark.filterwarnings("ignore")  # the other tools' own


@pytest.fixture
def images(tmp_path):
    """Three images of 100x80."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in BOXES:
        Picture.new("RGB", SIZE, "grey").save(folder / name)
    return folder


def expected():
    return sorted((name, label, *corners) for name, boxes in BOXES.items() for *corners, label in boxes)


def found(source, **options):
    """(image, label, corners) of each box that is read, rounded to a hundredth of a pixel."""
    rows = rows_of(list(read(source, **options).chunks(Tally())))
    return sorted((row[0].rpartition("/")[2], row[1], *(round(value, 2) for value in row[2:6])) for row in rows)


def written(fmt, folder, images):
    """The boxes in one of our formats."""
    categories = [{"id": index + 1, "name": name} for index, name in enumerate(LABELS)]
    dataset = {"images": [], "categories": categories, "annotations": []}
    for number, (name, boxes) in enumerate(BOXES.items(), start=1):
        dataset["images"].append({"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]})
        for x1, y1, x2, y2, label in boxes:
            bbox = [x1, y1, x2 - x1, y2 - y1]
            item = {"image_id": number, "category_id": LABELS.index(label) + 1, "bbox": bbox, "iscrowd": 0}
            dataset["annotations"].append({"id": len(dataset["annotations"]) + 1, "area": bbox[2] * bbox[3], **item})
    (folder / "source.json").write_text(json.dumps(dataset))
    target = folder / ("ours.json" if fmt == "coco" else f"ours-{fmt}")
    options = a_context(fmt).options | ({"yolo-ids": "from-0"} if fmt == "yolo" else {})  # as other tools count
    read(folder / "source.json", images=images).write_as(FORMATS[fmt], target, Tally(), options)
    return target


def a_supervision_dataset(sv, images):
    annotations = {
        str(images / name): sv.Detections(
            xyxy=np.array([box[:4] for box in boxes]), class_id=np.array([LABELS.index(box[4]) for box in boxes])
        )
        for name, boxes in BOXES.items()
    }
    return sv.DetectionDataset(classes=LABELS, images=[str(images / name) for name in BOXES], annotations=annotations)


def of_supervision(dataset):
    """(image, label, corners) of a dataset of supervision's."""
    rows = []
    for path, _, detections in dataset:
        for corners, code in zip(detections.xyxy.tolist(), detections.class_id.tolist(), strict=True):
            name = str(path).rpartition("/")[2]
            rows.append((name, dataset.classes[code], *(round(value, 2) for value in corners)))
    return sorted(rows)


def near(one, other, tolerance=0.02):
    """The same boxes within a fraction of a pixel."""
    assert [row[:2] for row in one] == [row[:2] for row in other]
    assert np.allclose([row[2:] for row in one], [row[2:] for row in other], rtol=0, atol=tolerance)


@checked("supervision", "coco", "voc", "yolo")
def test_supervisions_files_are_read(tmp_path, images):
    """YOLO, COCO and VOC. Its VOC counts pixels from 0 by its own account of the format."""
    sv = peer("supervision")
    dataset = a_supervision_dataset(sv, images)
    dataset.as_yolo(annotations_directory_path=str(tmp_path / "yolo"), data_yaml_path=str(tmp_path / "data.yaml"))
    dataset.as_coco(annotations_path=str(tmp_path / "coco.json"))
    dataset.as_pascal_voc(annotations_directory_path=str(tmp_path / "voc"))
    near(found(tmp_path / "yolo", names=tmp_path / "data.yaml", images=images), expected())
    near(found(tmp_path / "coco.json", images=images), expected())
    near(found(tmp_path / "voc", images=images), expected(), tolerance=1.01)


@checked("supervision", "coco", "voc", "yolo", how=("writes",))
def test_supervision_reads_what_is_written(tmp_path, images):
    """The same three ways."""
    sv = peer("supervision")
    yolo = written("yolo", tmp_path, images)
    given = {"images_directory_path": str(images)}
    labels, names = str(yolo / "labels"), str(yolo / "data.yaml")
    near(
        of_supervision(sv.DetectionDataset.from_yolo(annotations_directory_path=labels, data_yaml_path=names, **given)),
        expected(),
    )
    coco = str(written("coco", tmp_path, images))
    near(of_supervision(sv.DetectionDataset.from_coco(annotations_path=coco, **given)), expected())
    voc = str(written("voc", tmp_path, images) / "Annotations")
    theirs = sv.DetectionDataset.from_pascal_voc(annotations_directory_path=voc, **given)
    near(of_supervision(theirs), expected(), tolerance=1.01)


def test_supervisions_detections_are_read_from_memory(images):
    """The real class, whose attributes the stand-ins of the other tests have."""
    sv = peer("supervision")
    detections = sv.Detections(
        xyxy=np.array([[10.0, 20, 40, 60]]),
        class_id=np.array([1]),
        confidence=np.array([0.5]),
        tracker_id=np.array([7]),
    )
    predictions = read({"a.jpg": detections, "b.jpg": sv.Detections.empty()}, names=LABELS, images=images)
    chunk = next(iter(predictions.chunks(Tally())))
    assert predictions.format.name == "supervision"
    assert rows_of([chunk]) == [("a.jpg", "dog", 10.0, 20.0, 40.0, 60.0, 0.5)]
    assert chunk.track.tolist() == [7]


def of_globox(annotations):
    """(image, label, corners) of a set of globox's."""
    return sorted(
        (annotation.image_id.rpartition("/")[2], box.label, *(round(value, 2) for value in box.ltrb))
        for annotation in annotations
        for box in annotation.boxes
    )


@checked("globox", "voc", "yolo")
@checked("globox", "coco", how=("reads", "writes"))
def test_globox_reads_and_writes(tmp_path, images):
    """COCO, YOLO v5 and VOC, there and back."""
    globox = peer("globox")
    ours = globox.AnnotationSet.from_coco(written("coco", tmp_path, images))
    near(of_globox(ours), expected())
    ids = {"cat": 1, "dog": 2}
    images_ids = {name: number for number, name in enumerate(BOXES, start=1)}
    ours.save_coco(tmp_path / "globox.json", label_to_id=ids, imageid_to_id=images_ids)
    near(found(tmp_path / "globox.json", images=images), expected())
    ours.save_yolo_v5(tmp_path / "globox-yolo", label_to_id={"cat": 0, "dog": 1})
    near(found(tmp_path / "globox-yolo", names=LABELS, images=images), expected())
    ours.save_pascal_voc(tmp_path / "globox-voc")
    near(found(tmp_path / "globox-voc", images=images, options={"voc-origin": "0"}), expected(), tolerance=1.01)


def of_datumaro(dataset):
    """(image, label, corners) of a dataset of Datumaro's."""
    names = [label.name for label in dataset.categories()[next(iter(dataset.categories()))].items]
    return sorted(
        (f"{item.id.rpartition('/')[2]}.jpg", names[box.label], *(round(value, 2) for value in box.points))
        for item in dataset
        for box in item.annotations
        if box.type.name == "bbox"
    )


@checked("Datumaro", "voc", "yolo")
@checked("Datumaro", "coco", how=("reads", "writes"))
def test_datumaro_reads_and_writes(tmp_path, images):
    """COCO and VOC, there and back; its YOLO is Darknet's, whose rows are the same."""
    dm = peer("datumaro")
    items = [
        dm.DatasetItem(
            id=name.removesuffix(".jpg"),
            media=dm.Image.from_file(path=str(images / name)),
            annotations=[
                dm.Bbox(x1, y1, x2 - x1, y2 - y1, label=LABELS.index(label)) for x1, y1, x2, y2, label in boxes
            ],
        )
        for name, boxes in BOXES.items()
    ]
    theirs = dm.Dataset.from_iterable(items, categories=LABELS)
    theirs.export(str(tmp_path / "dm-coco"), "coco_instances", save_media=True)
    (coco,) = (tmp_path / "dm-coco" / "annotations").glob("*.json")
    near(found(coco, images=images), expected())
    theirs.export(str(tmp_path / "dm-yolo"), "yolo", save_media=True)
    (folder,) = {path.parent for path in (tmp_path / "dm-yolo").rglob("a.txt")}
    near(found(folder, format="yolo", names=LABELS, images=images), expected())
    theirs.export(str(tmp_path / "dm-voc"), "voc", save_media=True)
    (folder,) = {path.parent for path in (tmp_path / "dm-voc").rglob("a.xml")}
    near(found(folder, images=images, options={"voc-origin": "0"}), expected(), tolerance=1.01)
    (tmp_path / "ours" / "annotations").mkdir(parents=True)
    (tmp_path / "ours" / "images").symlink_to(images)
    written("coco", tmp_path, images).rename(tmp_path / "ours" / "annotations" / "instances_train.json")
    near(of_datumaro(dm.Dataset.import_from(str(tmp_path / "ours"), "coco_instances")), expected())
