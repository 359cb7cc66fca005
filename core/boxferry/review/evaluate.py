"""COCO's metrics, by pycocotools, of predictions against corrected boxes or a ground truth."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.boxes.detections import Detections

METRICS = (
    "AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large",
    "AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large",
)  # fmt: skip


def coco_metrics(truth: Iterable[Detections], predicted: Iterable[Detections]) -> dict[str, float]:
    """The twelve numbers of COCOeval for boxes; -1 where there is nothing to measure.

    Images are matched by their keys, labels by their names; a prediction without a score counts as one of score 1.
    Images that only the predictions have are left out: nobody knows what is on them.

    Args:
        truth: the boxes that are right.
        predicted: the boxes to be measured.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    images: dict[str, int] = {}
    labels: dict[str, int] = {}
    right = _items(truth, images, labels, known=None)
    found = _items(predicted, images, labels, known=set(images))
    if not right:
        return dict.fromkeys(METRICS, -1.0)
    with contextlib.redirect_stdout(io.StringIO()):
        coco_truth, coco_found = (_coco(COCO(), images, labels, items) for items in (right, found))
        evaluation = COCOeval(coco_truth, coco_found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(METRICS, map(float, evaluation.stats), strict=True))


def _coco(empty: Any, images: dict[str, int], labels: dict[str, int], items: list[dict[str, Any]]) -> Any:  # noqa: ANN401
    """What pycocotools works on, made without a file."""
    empty.dataset = {
        "images": [{"id": number} for number in images.values()],
        "categories": [{"id": number, "name": name} for name, number in labels.items()],
        "annotations": items,
    }
    empty.createIndex()
    return empty


def _items(
    chunks: Iterable[Detections], images: dict[str, int], labels: dict[str, int], *, known: set[str] | None
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for chunk in chunks:
        codes = [labels.setdefault(name, len(labels) + 1) for name in chunk.labels]
        sides = np.hstack((chunk.xyxy[:, :2], chunk.xyxy[:, 2:] - chunk.xyxy[:, :2])).tolist()
        for image, rows in chunk.each_image():
            if known is not None and image.key not in known:
                continue
            number = images.setdefault(image.key, len(images) + 1)
            for row in range(rows.start, rows.stop):
                score = float(chunk.score[row])
                items.append(
                    {
                        "id": len(items) + 1,
                        "image_id": number,
                        "category_id": codes[chunk.label[row]],
                        "bbox": sides[row],
                        "area": sides[row][2] * sides[row][3],
                        "iscrowd": 0,
                        "score": 1.0 if np.isnan(score) else score,
                    }
                )
    return items
