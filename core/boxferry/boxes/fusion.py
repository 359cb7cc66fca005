"""Boxes of several models on one image fused into one: weighted boxes fusion. Pure.

The method is that of Solovyev, Wang and Gabruseva, "Weighted boxes fusion", https://arxiv.org/abs/1910.13302.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.geometry import iou_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


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
