"""COCO's metrics, by pycocotools, of predictions against corrected boxes or a ground truth."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.truth import Truth
from boxferry.review.calibration import Scored
from boxferry.review.metrics import METRICS, Metrics
from boxferry.review.predicted import PredictedBoxes
from boxferry.review.truth import truth_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.boxes.detections import Detections

NOTHING: dict[str, float] = dict.fromkeys(METRICS, -1.0)


def coco_metrics(truth: Truth | Iterable[Detections], predicted: Iterable[Detections]) -> Metrics:
    """The twelve numbers of COCOeval for boxes, and those of each class; -1 where there is nothing to measure.

    Images are matched by their names, labels by theirs; a prediction without a score counts as one of score 1.
    Images that only the predictions have are left out: what is on them is not known.

    Args:
        truth: the boxes that are right.
        predicted: the boxes to be measured.

    Raises:
        InputError: both have images, and not one in common; or two images of the predictions are one of the truth's.
    """
    truth = truth if isinstance(truth, Truth) else truth_of(truth)
    found = PredictedBoxes(truth)
    for chunk in predicted:
        found.add(chunk)
    found.check()
    facts: dict[str, Any] = {
        "images": len(truth.images),
        "boxes": len(truth.boxes),
        "crowds": truth.crowds,
        "predicted": len(found.items),
        "left_out": found.left_out,
        "unknown": dict(found.unknown),
    }
    if not truth.boxes:
        return Metrics(stats=dict(NOTHING), **facts)
    return _measured(truth, found, facts)


def _measured(truth: Truth, found: PredictedBoxes, facts: dict[str, Any]) -> Metrics:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        right = _coco(COCO(), found, _annotations(truth, found))
        evaluation = COCOeval(right, _coco(COCO(), found, found.items), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        stats = _named(evaluation.stats)
        labels = [truth.names[category] for category in found.categories]
        classes = {label: _of_class(evaluation, place) for place, label in enumerate(labels)}
        decided = _decided(evaluation, dict(zip(found.categories.values(), labels, strict=True)))
    return Metrics(stats=stats, classes=classes, decided=decided, **facts)


def _decided(evaluation: Any, labels: dict[int, str]) -> dict[str, Scored]:  # noqa: ANN401 # pycocotools has no types
    """Label → its predictions, and whether each is right: matched at an overlap of one half, crowds left out."""
    everything = list(evaluation.params.areaRng[0])
    found: dict[str, list[tuple[Any, Any]]] = {}
    for each in evaluation.evalImgs:
        if each is not None and list(each["aRng"]) == everything:
            counts = ~each["dtIgnore"][0].astype(bool)
            scores, matched = np.array(each["dtScores"], np.float64), each["dtMatches"][0] != 0
            found.setdefault(labels[each["category_id"]], []).append((scores[counts], matched[counts]))
    columns = {label: list(zip(*parts, strict=True)) for label, parts in found.items()}
    return {label: Scored(np.concatenate(scores), np.concatenate(right)) for label, (scores, right) in columns.items()}


def _named(stats: Any) -> dict[str, float]:  # noqa: ANN401 # an array of pycocotools
    return dict(zip(METRICS, map(float, stats), strict=True))


def _of_class(evaluation: Any, place: int) -> dict[str, float]:  # noqa: ANN401 # pycocotools has no types
    """What pycocotools makes of one class alone: its own arithmetic, on that class's part of the table."""
    whole = evaluation.eval
    part = {"precision": whole["precision"][:, :, [place]], "recall": whole["recall"][:, [place]]}
    evaluation.eval = {**whole, **part}
    evaluation.summarize()
    evaluation.eval = whole
    return _named(evaluation.stats)


def _coco(empty: Any, found: PredictedBoxes, items: list[dict[str, Any]]) -> Any:  # noqa: ANN401
    """What pycocotools works on, made without a file."""
    empty.dataset = {
        "images": [{"id": number} for number in found.images.values()],
        "categories": [{"id": number} for number in found.categories.values()],
        "annotations": items,
    }
    empty.createIndex()
    return empty


def _annotations(truth: Truth, found: PredictedBoxes) -> list[dict[str, Any]]:
    """The ground truth as pycocotools takes it; images and classes that are not listed count for nothing there."""
    return [
        {
            "id": box.id,
            "image_id": found.images.get(box.image, -1),
            "category_id": found.categories.get(box.category, -1),
            "bbox": list(box.bbox),
            "area": box.area,
            "iscrowd": box.crowd,
        }
        for box in truth.boxes
    ]
