"""Boxes of any source as a ground truth: areas and crowd flags where the source has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.truth import TrueBox, Truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.boxes.detections import Detections, Image


def truth_of(chunks: Iterable[Detections]) -> Truth:
    """The chunks as a ground truth: no crowds, and the area of a box is its width times its height."""
    images: dict[str, int] = {}
    labels: dict[str, int] = {}
    videos: set[str] = set()
    boxes: list[TrueBox] = []
    for chunk in chunks:
        codes = [labels.setdefault(name, len(labels) + 1) for name in chunk.labels]
        sides = np.hstack((chunk.xyxy[:, :2], chunk.xyxy[:, 2:] - chunk.xyxy[:, :2])).tolist()
        videos |= {image.key for image in chunk.images if image.video}
        for image in chunk.images:
            if not image.video:
                images.setdefault(image.key, len(images) + 1)
        for row, name in enumerate(scenes(chunk)):
            number = images.setdefault(name, len(images) + 1)
            x, y, width, height = sides[row]
            box = TrueBox(
                id=len(boxes) + 1,
                image=number,
                category=codes[chunk.label[row]],
                bbox=(x, y, width, height),
                area=width * height,
            )
            boxes.append(box)
    return Truth(
        images={number: name for name, number in images.items()},
        names={number: name for name, number in labels.items()},
        boxes=boxes,
        videos=frozenset(videos),
    )


def scenes(chunk: Detections) -> list[str]:
    """(N,) for each box, the name of what it is on: its image, or the frame of its video."""
    owners = [chunk.images[at] for at in chunk.image_index.tolist()]
    frames = [0] * len(owners) if chunk.frame is None else chunk.frame.tolist()
    return [_scene(image, frame) for image, frame in zip(owners, frames, strict=True)]


def _scene(image: Image, frame: int) -> str:
    return f"{image.key}, frame {frame}" if image.video else image.key
