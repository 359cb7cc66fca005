"""Seeded inputs: the same bytes from the same seed on any machine."""

from __future__ import annotations

import json
import random
import struct
import zlib
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CLASSES = [f"class {number}" for number in range(80)]
SIZES = [(640, 480), (1280, 720), (500, 375), (1920, 1080)]
BLOCK = 2000
NO_LIMIT = 1 << 62
T = TypeVar("T")


def size_of(image: int) -> tuple[int, int]:
    """Width and height of an image, in pixels."""
    return SIZES[image % len(SIZES)]


def boxes_of(rng: random.Random, image: int, count: int) -> list[tuple[int, float, float, float, float, float]]:
    """Class, x, y, width, height in pixels inside the image, and score."""
    width, height = size_of(image)
    found = []
    for _ in range(count):
        w, h = rng.uniform(4, width / 2), rng.uniform(4, height / 2)
        x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
        found.append((rng.randrange(80), round(x, 2), round(y, 2), round(w, 2), round(h, 2), round(rng.random(), 5)))
    return found


def coco(folder: Path, *, images: int, each: int, shuffled: bool = False, distinct: int = NO_LIMIT) -> Path:
    """`results.json`, of `images` times `each` results, beside `dataset.json`, which names images and categories.

    After `distinct` images the same boxes come again: drawing millions takes longer than what is measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)

    def results() -> Iterator[str]:
        for image, boxes in enumerate(_again(lambda image: _coco_boxes(rng, image, each), images, distinct)):
            yield from (f'{{"image_id": {image}, {box}}}' for box in boxes)

    stream: Iterator[str] = results()
    if shuffled:
        everything = list(stream)
        rng.shuffle(everything)
        stream = iter(everything)
    with (folder / "results.json").open("w") as out:
        out.write("[" + ",".join(islice(stream, BLOCK)))
        while block := list(islice(stream, BLOCK)):
            out.write("," + ",".join(block))
        out.write("]")
    listed = [
        '{{"id": {0}, "file_name": "{0:012}.jpg", "width": {1}, "height": {2}}}'.format(image, *size_of(image))
        for image in range(images)
    ]
    categories = [f'{{"id": {number + 1}, "name": "{name}"}}' for number, name in enumerate(CLASSES)]
    dataset = f'{{"images": [{",".join(listed)}], "annotations": [], "categories": [{",".join(categories)}]}}'
    (folder / "dataset.json").write_text(dataset)
    return folder / "results.json"


def _coco_boxes(rng: random.Random, image: int, count: int) -> list[str]:
    return [
        f'"category_id": {label + 1}, "bbox": [{x}, {y}, {w}, {h}], "score": {score}'
        for label, x, y, w, h, score in boxes_of(rng, image, count)
    ]


def _again(make: Callable[[int], T], images: int, distinct: int) -> Iterator[T]:
    """What is made for each image; that of the first `distinct` ones again and again."""
    kept: list[T] = []
    for image in range(images):
        if image < distinct:
            made = make(image)
            if distinct < images:
                kept.append(made)
            yield made
        else:
            yield kept[image % distinct]


def png(width: int, height: int) -> bytes:
    """A black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes((width // 8 + 2) * height), 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def yolo(folder: Path, *, images: int, each: int, distinct: int = NO_LIMIT) -> Path:
    """`labels/`, a text file for each image with rows `cls cx cy w h conf`, beside `images/` and `data.yaml`.

    After `distinct` images the same rows come again.
    """
    (folder / "labels").mkdir(parents=True)
    (folder / "images").mkdir()
    rng = random.Random(7)
    pictures = {size: png(*size) for size in SIZES}
    for image, rows in enumerate(_again(lambda image: _yolo_rows(rng, image, each), images, distinct)):
        (folder / "labels" / f"{image:012}.txt").write_text(rows)
        (folder / "images" / f"{image:012}.png").write_bytes(pictures[size_of(image)])
    names = "\n".join(f"  {number}: {name}" for number, name in enumerate(CLASSES))
    (folder / "data.yaml").write_text(f"path: .\ntrain: images\nval: images\nnc: 80\nnames:\n{names}\n")
    return folder / "labels"


def _yolo_rows(rng: random.Random, image: int, count: int) -> str:
    width, height = size_of(image)
    return "".join(
        f"{label} {(x + w / 2) / width:.6f} {(y + h / 2) / height:.6f} {w / width:.6f} {h / height:.6f} {score}\n"
        for label, x, y, w, h, score in boxes_of(rng, image, count)
    )


def voc(folder: Path, *, images: int, each: int) -> Path:
    """A folder of XML files, one for each image."""
    folder.mkdir(parents=True)
    rng = random.Random(7)
    for image in range(images):
        width, height = size_of(image)
        objects = [
            f"<object><name>{CLASSES[label]}</name><pose>Unspecified</pose><truncated>0</truncated>"
            f"<difficult>0</difficult><bndbox><xmin>{int(x) + 1}</xmin><ymin>{int(y) + 1}</ymin>"
            f"<xmax>{int(x + w)}</xmax><ymax>{int(y + h)}</ymax></bndbox></object>\n"
            for label, x, y, w, h, _ in boxes_of(rng, image, each)
        ]
        (folder / f"{image:012}.xml").write_text(
            f"<annotation><folder>VOC</folder><filename>{image:012}.jpg</filename>\n"
            f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>\n"
            f"<segmented>0</segmented>\n{''.join(objects)}</annotation>\n"
        )
    return folder


def voc_text(folder: Path, *, images: int, rows: int) -> Path:
    """`results/`, a text file for each class with rows `image score x1 y1 x2 y2`; the images are `dataset.json`'s."""
    (folder / "results").mkdir(parents=True)
    coco(folder, images=images, each=0)
    rng = random.Random(7)
    lines: list[list[str]] = [[] for _ in CLASSES]
    for row in range(rows):
        image = row * 7919 % images
        ((label, x, y, w, h, score),) = boxes_of(rng, image, 1)
        lines[label].append(f"{image:012} {score} {x + 1:.2f} {y + 1:.2f} {x + w:.2f} {y + h:.2f}\n")
    for name, own in zip(CLASSES, lines, strict=True):
        (folder / "results" / f"comp4_det_test_{name}.txt").write_text("".join(own))
    return folder / "results"


def coco_for_peers(folder: Path) -> None:
    """The results as annotations, for tools that read no results; Datumaro wants them in a folder of its own."""
    dataset = json.loads((folder / "dataset.json").read_text())
    results = json.loads((folder / "results.json").read_text())
    for number, result in enumerate(results, start=1):
        result |= {"id": number, "iscrowd": 0, "area": result["bbox"][2] * result["bbox"][3]}
    (folder / "annotations.json").write_text(json.dumps(dataset | {"annotations": results}))
    (folder / "datumaro" / "annotations").mkdir(parents=True)
    (folder / "datumaro" / "images" / "train").mkdir(parents=True)
    (folder / "datumaro" / "annotations" / "instances_train.json").hardlink_to(folder / "annotations.json")


def yolo_for_peers(folder: Path) -> None:
    """The rows without scores, for tools that take a sixth column for an outline; and Darknet's folders."""
    own = folder / "datumaro" / "obj_train_data"
    own.mkdir(parents=True)
    (folder / "unscored").mkdir()
    images = []
    for path in sorted((folder / "labels").iterdir()):
        rows = "".join(line.rpartition(" ")[0] + "\n" for line in path.read_text().splitlines())
        (folder / "unscored" / path.name).write_text(rows)
        (own / path.name).hardlink_to(folder / "unscored" / path.name)
        image = f"{path.stem}.png"
        (own / image).hardlink_to(folder / "images" / image)
        images.append(f"data/obj_train_data/{image}\n")
    (folder / "labelformat" / "labels").mkdir(parents=True)
    for path in (folder / "unscored").iterdir():
        (folder / "labelformat" / "labels" / path.name).hardlink_to(path)
    (folder / "labelformat" / "images").symlink_to(folder / "images")
    (folder / "labelformat" / "data.yaml").hardlink_to(folder / "data.yaml")
    (folder / "datumaro" / "train.txt").write_text("".join(images))
    (folder / "datumaro" / "obj.names").write_text("\n".join(CLASSES) + "\n")
    (folder / "datumaro" / "obj.data").write_text(
        f"classes = {len(CLASSES)}\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n"
    )


def voc_for_peers(folder: Path) -> None:
    """The devkit's folders, which Datumaro wants."""
    beside = folder.with_name(folder.name + "-datumaro")
    (beside / "ImageSets" / "Main").mkdir(parents=True)
    (beside / "Annotations").mkdir()
    for path in folder.glob("*.xml"):
        (beside / "Annotations" / path.name).hardlink_to(path)
    (beside / "labelmap.txt").write_text("".join(f"{name}:::\n" for name in ["background", *CLASSES]))
    stems = sorted(path.stem for path in folder.glob("*.xml"))
    (beside / "ImageSets" / "Main" / "train.txt").write_text("\n".join(stems) + "\n")
