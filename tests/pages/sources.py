"""Pages to look at: previews and reports of as many images and boxes as wanted."""

import json
import os
import random
from types import SimpleNamespace as Thing

from PIL import Image as Picture

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.review.fates import Judged, Predicted, Stored
from boxferry.review.preview import preview_of
from boxferry.review.pull import ReviewedFile
from boxferry.review.review import Review

LABELS = ("car", "truck", "person", "<b>van</b>")
SIDE = 200


def pictures(folder, count):
    """Files of one image, which is written once."""
    folder.mkdir(exist_ok=True, parents=True)
    first = folder / "i00000.jpg"
    Picture.effect_noise((SIDE, SIDE), 80).convert("RGB").save(first)
    for number in range(1, count):
        os.link(first, folder / f"i{number:05}.jpg")
    return [f"i{number:05}.jpg" for number in range(count)]


def corners(dice):
    left, top = dice.randrange(0, SIDE - 40), dice.randrange(0, SIDE - 40)
    return float(left), float(top), float(left + dice.randrange(9, 40)), float(top + dice.randrange(9, 40))


def a_preview(folder, *, images=3, boxes=4, most=60):
    """The preview of a COCO file, `boxes` on each image."""
    dice, names = random.Random(7), pictures(folder / "images", images)
    rows = []
    for image in range(images):
        for _ in range(boxes):
            x1, y1, x2, y2 = corners(dice)
            label, score = dice.randrange(len(LABELS)) + 1, round(dice.random(), 3)
            box = [x1, y1, x2 - x1, y2 - y1]
            rows.append({"image_id": image + 1, "category_id": label, "bbox": box, "score": score})
    listed = [{"id": at + 1, "file_name": name, "width": SIDE, "height": SIDE} for at, name in enumerate(names)]
    named = [{"id": at + 1, "name": name} for at, name in enumerate(LABELS)]
    (folder / "x.json").write_text(json.dumps({"images": listed, "categories": named, "annotations": rows}))
    return preview_of(read(folder / "x.json", images=folder / "images"), Tally(), images=most)


def a_review(folder, *, images=3, boxes=6):
    """A run with boxes of every fate."""
    dice = random.Random(5)
    return Review(
        Thing(name="r", model="m", project="p", directory_id=1),
        [
            ReviewedFile(
                file_name=name, file_id=number, width=SIDE, height=SIDE, media=str(folder / "images" / name),
                reviewed=True, judged=[judged(dice, at) for at in range(boxes)],
            )
            for number, name in enumerate(pictures(folder / "images", images))
        ],
    )  # fmt: skip


def judged(dice, at):
    place, label = corners(dice), LABELS[at % len(LABELS)]
    sent = Predicted(reference=str(dice.random()), label=label, corners=place, score=round(dice.random(), 3))
    left = Stored(row_id=1, reference=sent.reference, label=label, corners=place)
    other = Stored(row_id=1, reference=sent.reference, label=LABELS[(at + 1) % len(LABELS)], corners=place)
    moved = Stored(row_id=1, reference=sent.reference, label=label, corners=tuple(side + 5 for side in place))
    return [
        Judged(fate="kept", predicted=sent, stored=left, iou=1.0),
        Judged(fate="moved", predicted=sent, stored=moved, iou=0.7),
        Judged(fate="relabelled", predicted=sent, stored=other, iou=1.0),
        Judged(fate="deleted", predicted=sent),
        Judged(fate="added", stored=left),
        Judged(fate="unreviewed", predicted=sent, stored=left, iou=1.0),
    ][at % 6]
