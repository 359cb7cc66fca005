"""One other tool does the same work: reads an input and writes one packet an image, as JSON lines.

Run as `python peers.py TOOL KIND FOLDER OUTPUT`; prints the seconds of the work, imports left out. Only what the tool
gives is written: supervision and pylabel lose the scores of results, and are given annotations and rows without them.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Boxes = Iterable[tuple[str, float | None, float, float, float, float]]


def packets(output: Path, images: Iterable[tuple[str, Boxes]]) -> None:
    """Write what a tool found: for each image its name, and label, score and corners of its boxes."""
    with output.open("w") as out:
        for name, boxes in images:
            shapes = [
                {
                    "type": "box", "name": label, "machine_made": True, "score": score,
                    "x_min": round(x1), "y_min": round(y1), "x_max": round(x2), "y_max": round(y2),
                }
                for label, score, x1, y1, x2, y2 in boxes
            ]  # fmt: skip
            out.write(json.dumps({"original_filename": name, "instance_list": shapes}) + "\n")


def plain_coco(folder: Path, output: Path) -> None:
    """A script of ten minutes' work."""
    results, dataset = (json.loads((folder / name).read_text()) for name in ("results.json", "dataset.json"))
    names = {category["id"]: category["name"] for category in dataset["categories"]}
    files = {image["id"]: image["file_name"] for image in dataset["images"]}
    boxes = defaultdict(list)
    for result in results:
        x, y, w, h = result["bbox"]
        boxes[result["image_id"]].append((names[result["category_id"]], result["score"], x, y, x + w, y + h))
    packets(output, ((files[image], own) for image, own in boxes.items()))


def plain_yolo(folder: Path, output: Path) -> None:
    """Likewise, with Pillow for the sizes."""
    import yaml
    from PIL import Image

    names = yaml.safe_load((folder / "data.yaml").read_text())["names"]

    def images() -> Iterable[tuple[str, Boxes]]:
        for path in sorted((folder / "labels").glob("*.txt")):
            image = folder / "images" / f"{path.stem}.png"
            with Image.open(image) as opened:
                width, height = opened.size
            boxes = []
            for line in path.read_text().splitlines():
                label, cx, cy, w, h, score = line.split()
                x, y = (float(cx) - float(w) / 2) * width, (float(cy) - float(h) / 2) * height
                boxes.append((names[int(label)], float(score), x, y, x + float(w) * width, y + float(h) * height))
            yield image.name, boxes

    packets(output, images())


def plain_voc(folder: Path, output: Path) -> None:
    """Likewise, with ElementTree."""
    from xml.etree import ElementTree as ET

    def images() -> Iterable[tuple[str, Boxes]]:
        for path in sorted(folder.glob("*.xml")):
            root = ET.parse(path).getroot()  # made by the benchmark
            boxes = []
            for element in root.iter("object"):
                x1, y1, x2, y2 = (float(element.findtext(f"bndbox/{s}") or 0) for s in ("xmin", "ymin", "xmax", "ymax"))
                boxes.append((element.findtext("name") or "", None, x1 - 1, y1 - 1, x2, y2))
            yield root.findtext("filename") or "", boxes

    packets(output, images())


def plain_voctext(folder: Path, output: Path) -> None:
    """Likewise, with split()."""
    boxes = defaultdict(list)
    for path in sorted((folder / "results").glob("*.txt")):
        label = path.stem.rpartition("_")[2]
        for line in path.read_text().splitlines():
            image, score, x1, y1, x2, y2 = line.split()
            boxes[image].append((label, float(score), float(x1) - 1, float(y1) - 1, float(x2), float(y2)))
    packets(output, ((f"{image}.jpg", own) for image, own in boxes.items()))


def of_globox(annotations: Any, names: dict[str, str] | None = None) -> Iterable[tuple[str, Boxes]]:  # noqa: ANN401
    """A set of globox's."""
    for annotation in annotations:
        own = ((names[box.label] if names else box.label, box.confidence, *box.ltrb) for box in annotation.boxes)
        yield annotation.image_id, own


def globox_coco(folder: Path, output: Path) -> None:
    """https://github.com/laclouis5/globox."""
    import globox

    dataset = json.loads((folder / "dataset.json").read_text())
    found = globox.AnnotationSet.from_coco_results(
        folder / "results.json",
        id_to_label={category["id"]: category["name"] for category in dataset["categories"]},
        id_to_imageid={image["id"]: image["file_name"] for image in dataset["images"]},
    )
    packets(output, of_globox(found))


def globox_yolo(folder: Path, output: Path) -> None:
    """https://github.com/laclouis5/globox."""
    import globox
    import yaml

    names = yaml.safe_load((folder / "data.yaml").read_text())["names"]
    found = globox.AnnotationSet.from_yolo(
        folder / "labels", image_folder=folder / "images", image_extension=".png", conf_last=True
    )
    packets(output, of_globox(found, {str(number): name for number, name in names.items()}))


def globox_voc(folder: Path, output: Path) -> None:
    """https://github.com/laclouis5/globox."""
    import globox

    packets(output, of_globox(globox.AnnotationSet.from_pascal_voc(folder)))


def of_supervision(dataset: Any) -> Iterable[tuple[str, Boxes]]:  # noqa: ANN401 # a DetectionDataset
    """A data set of supervision's, without opening the images."""
    for path, detections in dataset.annotations.items():
        labels = (dataset.classes[number] for number in detections.class_id.tolist())
        boxes = detections.xyxy.tolist()
        yield Path(path).name, ((label, None, *box) for label, box in zip(labels, boxes, strict=True))


def supervision_coco(folder: Path, output: Path) -> None:
    """https://github.com/roboflow/supervision."""
    import supervision as sv

    found = sv.DetectionDataset.from_coco(str(folder), str(folder / "annotations.json"))
    packets(output, of_supervision(found))


def supervision_yolo(folder: Path, output: Path) -> None:
    """https://github.com/roboflow/supervision."""
    import supervision as sv

    found = sv.DetectionDataset.from_yolo(
        str(folder / "images"), str(folder / "unscored"), data_yaml_path=str(folder / "data.yaml")
    )
    packets(output, of_supervision(found))


def pycocotools_coco(folder: Path, output: Path) -> None:
    """https://github.com/ppwwyyxx/cocoapi: `loadRes`."""
    from pycocotools.coco import COCO

    dataset = COCO(str(folder / "dataset.json"))
    found = dataset.loadRes(str(folder / "results.json"))

    def boxes(image: int) -> Boxes:
        for each in found.imgToAnns[image]:
            x, y, w, h = each["bbox"]
            yield dataset.cats[each["category_id"]]["name"], each["score"], x, y, x + w, y + h

    packets(output, ((image["file_name"], boxes(number)) for number, image in found.imgs.items()))


def of_pylabel(dataset: Any, origin: int = 0) -> Iterable[tuple[str, Boxes]]:  # noqa: ANN401 # pylabel's Dataset
    """A data set of pylabel's."""
    columns = ["cat_name", "ann_bbox_xmin", "ann_bbox_ymin", "ann_bbox_xmax", "ann_bbox_ymax"]
    for name, rows in dataset.df.groupby("img_filename", sort=False):
        each = rows[columns].itertuples(index=False)
        yield name, ((b[0], None, float(b[1]) - origin, float(b[2]) - origin, float(b[3]), float(b[4])) for b in each)


def pylabel_coco(folder: Path, output: Path) -> None:
    """https://github.com/pylabel-project/pylabel."""
    from pylabel import importer

    packets(output, of_pylabel(importer.ImportCoco(str(folder / "annotations.json"))))


def pylabel_yolo(folder: Path, output: Path) -> None:
    """https://github.com/pylabel-project/pylabel."""
    import yaml
    from pylabel import importer

    names = list(yaml.safe_load((folder / "data.yaml").read_text())["names"].values())
    found = importer.ImportYoloV5(str(folder / "unscored"), path_to_images="../images", cat_names=names, img_ext="png")
    packets(output, of_pylabel(found))


def pylabel_voc(folder: Path, output: Path) -> None:
    """https://github.com/pylabel-project/pylabel."""
    from pylabel import importer

    packets(output, of_pylabel(importer.ImportVOC(str(folder)), 1))


def of_datumaro(dataset: Any, origin: int = 0) -> Iterable[tuple[str, Boxes]]:  # noqa: ANN401 # Datumaro's Dataset
    """A data set of Datumaro's."""
    names = [label.name for label in next(iter(dataset.categories().values())).items]
    for item in dataset:
        boxes = [each for each in item.annotations if each.type.name == "bbox"]
        rows = ((names[b.label], b.attributes.get("score"), *(value - origin for value in b.points)) for b in boxes)
        yield item.id, rows


def datumaro_coco(folder: Path, output: Path) -> None:
    """https://github.com/openvinotoolkit/datumaro."""
    import datumaro as dm

    packets(output, of_datumaro(dm.Dataset.import_from(str(folder / "datumaro"), "coco_instances")))


def datumaro_yolo(folder: Path, output: Path) -> None:
    """https://github.com/openvinotoolkit/datumaro; its YOLO is Darknet's, with images beside their labels."""
    import datumaro as dm

    packets(output, of_datumaro(dm.Dataset.import_from(str(folder / "datumaro"), "yolo")))


def datumaro_voc(folder: Path, output: Path) -> None:
    """https://github.com/openvinotoolkit/datumaro."""
    import datumaro as dm

    packets(output, of_datumaro(dm.Dataset.import_from(f"{folder}-datumaro", "voc_detection")))


def of_labelformat(labels: Any) -> Iterable[tuple[str, Boxes]]:  # noqa: ANN401 # an ObjectDetectionInput
    """What labelformat reads."""
    for label in labels.get_labels():
        each = ((found.category.name, found.box) for found in label.objects)
        own = ((name, None, box.xmin, box.ymin, box.xmax, box.ymax) for name, box in each)
        yield label.image.filename, own


def labelformat_coco(folder: Path, output: Path) -> None:
    """https://github.com/lightly-ai/labelformat."""
    from labelformat.formats import COCOObjectDetectionInput

    packets(output, of_labelformat(COCOObjectDetectionInput(folder / "annotations.json")))


def labelformat_yolo(folder: Path, output: Path) -> None:
    """https://github.com/lightly-ai/labelformat; `labels` lie beside `images`, in rows without scores."""
    from labelformat.formats import YOLOv8ObjectDetectionInput

    packets(output, of_labelformat(YOLOv8ObjectDetectionInput(folder / "labelformat" / "data.yaml", "train")))


def labelformat_voc(folder: Path, output: Path) -> None:
    """https://github.com/lightly-ai/labelformat."""
    from labelformat.formats import PascalVOCObjectDetectionInput

    names = ",".join(f"class {number}" for number in range(80))
    packets(output, of_labelformat(PascalVOCObjectDetectionInput(folder, names)))


def of_fiftyone(detections: Any, width: int, height: int) -> Boxes:  # noqa: ANN401 # its Detections
    """The boxes of one image, which FiftyOne holds as shares of it."""
    for each in detections.detections:
        x, y, w, h = each.bounding_box
        yield each.label, each.confidence, x * width, y * height, (x + w) * width, (y + h) * height


def fiftyone_coco(folder: Path, output: Path) -> None:
    """https://github.com/voxel51/fiftyone: what its importer loads, without the database."""
    import fiftyone.core.labels as fol
    from fiftyone.utils.coco import load_coco_detection_annotations

    _, classes, _, images, annotations = load_coco_detection_annotations(str(folder / "annotations.json"))

    def each() -> Iterable[tuple[str, Boxes]]:
        for number, image in images.items():
            size = image["width"], image["height"]
            found = [one.to_detection(size, classes_map=classes) for one in annotations.get(number, ())]
            yield image["file_name"], of_fiftyone(fol.Detections(detections=found), *size)

    packets(output, each())


def fiftyone_yolo(folder: Path, output: Path) -> None:
    """https://github.com/voxel51/fiftyone: what its importer loads of each file, with Pillow for the sizes."""
    import yaml
    from fiftyone.utils.yolo import load_yolo_annotations
    from PIL import Image

    names = list(yaml.safe_load((folder / "data.yaml").read_text())["names"].values())

    def each() -> Iterable[tuple[str, Boxes]]:
        for path in sorted((folder / "labels").glob("*.txt")):
            image = folder / "images" / f"{path.stem}.png"
            with Image.open(image) as opened:
                size = opened.size
            yield image.name, of_fiftyone(load_yolo_annotations(str(path), names), *size)

    packets(output, each())


def fiftyone_voc(folder: Path, output: Path) -> None:
    """https://github.com/voxel51/fiftyone: what its importer loads of each file."""
    from fiftyone.utils.voc import load_voc_detection_annotations

    def each() -> Iterable[tuple[str, Boxes]]:
        for path in sorted(folder.glob("*.xml")):
            found = load_voc_detection_annotations(str(path))
            size = found.metadata.width, found.metadata.height
            yield found.filename, of_fiftyone(found.to_detections(), *size)

    packets(output, each())


def ultralytics_coco(folder: Path, output: Path) -> None:
    """https://github.com/ultralytics/ultralytics: its converter, which writes a folder of YOLO files and no packets."""
    from ultralytics.data.converter import convert_coco

    alone = folder / "ultralytics"
    alone.mkdir(exist_ok=True)
    if not (alone / "annotations.json").exists():
        (alone / "annotations.json").hardlink_to(folder / "annotations.json")
    convert_coco(str(alone), save_dir=f"{output}.folder", cls91to80=False)


TOOLS: dict[str, Callable[[Path, Path], None]] = {
    name: value for name, value in list(globals().items()) if "_" in name and callable(value) and name[:3] != "of_"
}


def main() -> None:
    """Import, then work and say how long that took."""
    tool, kind, folder, output = sys.argv[1:]
    module = {"plain": "json", "datumaro": "datumaro"}.get(tool, tool)
    try:
        __import__(module)
    except ImportError as error:
        sys.exit(f"not installed: {error}")
    if tool == "fiftyone":
        __import__(f"fiftyone.utils.{kind}")
    if tool == "pylabel":
        __import__("pylabel.importer")
    if tool == "pycocotools":
        __import__("pycocotools.coco")
    started = time.perf_counter()
    TOOLS[f"{tool}_{kind}"](Path(folder), Path(output))
    print(f"{time.perf_counter() - started:.4f}")


if __name__ == "__main__":
    main()
