"""The images whose correction would teach most: chosen in a first pass over the predictions."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.join import only_images
from boxferry.boxes.tally import Tally
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from boxferry.boxes.detections import Detections
    from boxferry.reading.predictions import Predictions


def most_uncertain(predictions: Predictions, count: int, *, threshold: float = 0.5) -> Predictions:
    """The predictions of the `count` images that are worth most; the boxes of the others are dropped ('not-chosen').

    The worth of an image is the sum over its boxes of how near each score is to the threshold (1 at it, 0 at the far
    end; one half without a score) and of one over the number of boxes of its label. Of equals the first stays.

    Raises:
        UsageError: the count is below 1, or the source can be gone through once only.
    """
    if count < 1:
        raise UsageError(f"--most-uncertain: {count}, expected 1 or more")
    if hasattr(predictions.source.value, "peek"):
        raise UsageError("--most-uncertain: goes through the results twice; hand over a list, not a generator")
    doubts: dict[str, float] = {}
    labels: dict[str, Counter[str]] = {}
    totals: Counter[str] = Counter()
    for chunk in predictions.chunks(Tally()):
        for image, rows in chunk.each_image():
            doubts[image.key] = float(_doubt(chunk.score[rows], threshold).sum())
            labels[image.key] = Counter(chunk.labels[code] for code in chunk.label[rows].tolist())
            totals += labels[image.key]
    worth = {key: doubt + sum(n / totals[name] for name, n in labels[key].items()) for key, doubt in doubts.items()}
    chosen = set(heapq.nlargest(count, worth, key=lambda key: worth[key]))
    message = f"its image is not among the {count} that are worth most"

    def choose(chunk: Detections, tally: Tally) -> Detections:
        others = np.array([image.key not in chosen for image in chunk.images], bool)[chunk.image_index]
        tally.drop("not-chosen", message, chunk, others)
        return only_images(chunk, chosen)

    return predictions.then(choose)


def _doubt(scores: np.ndarray, threshold: float) -> np.ndarray:
    far = max(threshold, 1 - threshold)
    return np.where(np.isnan(scores), 0.5, 1 - np.minimum(np.abs(scores - threshold), far) / far)
