"""`merge`: several sets of boxes on the same images as one, by putting them together, by NMS or by fusion.

The fusion is that of Solovyev, Wang and Gabruseva, "Weighted boxes fusion", https://arxiv.org/abs/1910.13302.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections
from boxferry.boxes.geometry import iou_matrix
from boxferry.boxes.join import together
from boxferry.boxes.refine import suppress
from boxferry.boxes.tally import Tally
from boxferry.errors import OptionError, UsageError
from boxferry.option_checks import check_range, check_type, check_word
from boxferry.reading.dataset import Dataset
from boxferry.reading.predictions import Predictions
from boxferry.reading.read import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Image

    Floats = NDArray[np.float64]

Method = Literal["concat", "nms", "wbf"]


def merge(
    sets: Iterable[object], method: Method = "concat", *, iou: float = 0.55, weights: Sequence[float] | None = None
) -> Dataset:
    """Several sets of boxes as one; images of one key are one image.

    Args:
        sets: each what `read` takes or gives, or a `Dataset`.
        method: 'concat' keeps all boxes; 'nms' drops boxes that overlap a better one of their label; 'wbf' fuses those
            that overlap into their weighted mean (weighted boxes fusion), for still images.
        iou: the overlap for 'nms' and 'wbf', 0 to 1.
        weights: for 'wbf', how much each set counts; all the same where left out.

    Raises:
        UsageError: a word or a value is not valid, there is nothing to merge, or weights do not fit.
        InputError: a set cannot be read, or holds videos and the method is 'wbf'.
    """
    check_word("method", method, get_args(Method))
    check_range("iou", iou, 0, 1)
    if isinstance(sets, str | Detections | Dataset | Predictions) or not isinstance(sets, Iterable):
        raise UsageError(f"sets: {type(sets).__name__}, expected a list of sets")
    chosen = [dataset_of(each) for each in sets]
    if not chosen:
        raise UsageError("sets: the list is empty, expected one set or more")
    heavy = _weights(weights, len(chosen), method)
    names = {class_id: name for each in reversed(chosen) for class_id, name in each.names.items()}
    tally = Tally()
    tally.read = sum(each.tally.read for each in chosen)
    for each in chosen:
        tally.dropped.update(each.tally.dropped)
    boxes, owner = _side_by_side(chosen)
    tally.images = len(boxes.images)
    if method == "nms":
        boxes = suppress(boxes, iou=iou, tally=tally)
    if method == "wbf":
        merged = _fused(boxes, owner, heavy, iou)
        tally.balance(Code.FUSED, "weighted boxes fusion: several boxes are one", added=len(merged) - len(boxes))
        boxes = merged
    return Dataset(boxes, tally=tally, names=names)


def dataset_of(source: object) -> Dataset:
    """What `read` takes or gives, in memory.

    Raises:
        InputError: it cannot be read.
    """
    if isinstance(source, Dataset):
        return source
    return (source if isinstance(source, Predictions) else read(source)).collect()


def _weights(weights: Sequence[float] | None, count: int, method: str) -> np.ndarray:
    if weights is None:
        return np.ones(count)
    if method != "wbf":
        raise OptionError("{weights} are for {method} wbf alone")
    check_type("weights", weights, list, tuple)
    if len(weights) != count:
        raise UsageError(f"weights: {len(weights)} values, expected {count}: one for each set")
    for weight in weights:
        check_type("weights", weight, float)
        if not weight > 0:
            raise UsageError(f"weights: {weight}, expected numbers above 0")
    return np.array(weights, np.float64)


def _side_by_side(sets: Sequence[Dataset]) -> tuple[Detections, np.ndarray]:
    """All boxes, those of one key on one image, and (N,) the set that each is of."""
    images: dict[str, Image] = {}
    for each in sets:
        for image in each.images:
            known = images.get(image.key)
            images[image.key] = image if known is None or (image.sized and not known.sized) else known
    place = {key: index for index, key in enumerate(images)}
    every = together([each.boxes for each in sets])
    owner = np.repeat(np.arange(len(sets)), [len(each.boxes) for each in sets])
    at = np.array([place[image.key] for image in every.images], np.int64)[every.image_index]
    rows = np.argsort(at, kind="stable")
    columns: dict[str, Any] = {
        name: None if (column := getattr(every, name)) is None else column[rows] for name in COLUMNS
    }
    boxes = Detections.from_counts(
        list(images.values()),
        np.bincount(at, minlength=len(images)),
        every.xyxy[rows],
        every.label[rows],
        every.labels,
        **columns,
    )
    return boxes, owner[rows]


COLUMNS = ("score", "row", "frame", "track", "polygons", "attributes", "source")


def _fused(boxes: Detections, owner: np.ndarray, weights: np.ndarray, iou: float) -> Detections:
    if boxes.frame is not None and len(boxes):
        raise UsageError("method: wbf fuses boxes of still images, and these are of videos")
    counts, corners, codes, scores = [], [np.empty((0, 4))], [np.empty(0, np.int64)], [np.empty(0)]
    for start, stop in zip(boxes.offsets.tolist(), boxes.offsets[1:].tolist(), strict=False):
        rows, count = np.arange(start, stop), 0
        for code in np.unique(boxes.label[rows]).tolist():
            own = rows[boxes.label[rows] == code]
            found, score = fused(boxes.xyxy[own], boxes.score[own], owner[own], weights=weights, iou=iou)
            corners, codes, scores = [*corners, found], [*codes, np.full(len(found), code)], [*scores, score]
            count += len(found)
        counts.append(count)
    return Detections.from_counts(
        boxes.images,
        counts,
        np.concatenate(corners),
        np.concatenate(codes),
        boxes.labels,
        score=np.concatenate(scores),
    )


@dataclass(slots=True)
class _Cluster:
    """Boxes that are taken for one object."""

    boxes: list[Floats] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, box: Floats, score: float) -> Floats:
        """Take one more; gives the box that they are together."""
        self.boxes.append(box)
        self.scores.append(score)
        return self.fused

    @property
    def fused(self) -> Floats:
        """(4,) the mean of the boxes, each as heavy as its score."""
        weights = np.maximum(np.array(self.scores), np.finfo(np.float64).tiny)
        return np.asarray(np.average(np.array(self.boxes), axis=0, weights=weights))


def fused(
    xyxy: Floats, score: Floats, model: NDArray[np.int64], *, weights: Floats, iou: float
) -> tuple[Floats, Floats]:
    """The boxes of one label on one image as fewer: each the weighted mean of those that overlap it enough.

    Args:
        xyxy: (N, 4) boxes in pixels.
        score: (N,) scores; NaN counts as 1.
        model: (N,) which model each is of.
        weights: (M,) how much each model counts.
        iou: from this overlap on boxes are one object.

    Returns:
        (K, 4) boxes, the best first, and their (K,) scores: the mean of those fused, the lower the fewer models agree.
    """
    weighted = np.where(np.isnan(score), 1.0, score) * weights[model]
    order = np.argsort(-weighted, kind="stable")
    clusters: list[_Cluster] = []
    boxes = np.empty((0, 4))
    for row in order.tolist():
        overlap = iou_matrix(boxes, xyxy[row][None])[:, 0] if clusters else np.empty(0)
        best = int(overlap.argmax()) if len(overlap) else -1
        if best < 0 or overlap[best] <= iou:
            clusters.append(_Cluster())
            boxes, best = np.vstack((boxes, xyxy[row])), len(clusters) - 1
        boxes[best] = clusters[best].add(xyxy[row], float(weighted[row]))
    total = float(weights.sum())
    found = [float(np.mean(each.scores)) * min(len(each.scores), len(weights)) / total for each in clusters]
    scores = np.array(found, np.float64)
    best_first = np.argsort(-scores, kind="stable")
    return boxes[best_first], scores[best_first]
