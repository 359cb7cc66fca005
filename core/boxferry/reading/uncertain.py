"""The images whose correction would teach most: chosen in a first pass over the predictions."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.join import only_images
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally


@dataclass(frozen=True, slots=True)
class MostUncertain:
    """A choice of images.

    The worth of an image is the sum over its boxes of how near each score is to the threshold (1 at it, 0 at the far
    end; one half without a score) and of one over the number of boxes of its label. Of equals the first stays.

    Attributes:
        count: how many images are chosen.
        threshold: the score at which a box is most doubtful.

    Raises:
        UsageError: the count is below 1.
    """

    count: int
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UsageError(f"--most-uncertain: {self.count}, expected 1 or more")

    def chosen(self, chunks: Iterable[Detections]) -> set[str]:
        """The keys of the images that are most uncertain."""
        doubts: dict[str, float] = {}
        labels: dict[str, Counter[str]] = {}
        totals: Counter[str] = Counter()
        for chunk in chunks:
            for image, rows in chunk.each_image():
                doubts[image.key] = float(self._doubt(chunk.score[rows]).sum())
                labels[image.key] = Counter(chunk.labels[code] for code in chunk.label[rows].tolist())
                totals += labels[image.key]
        worth = {key: doubt + sum(n / totals[name] for name, n in labels[key].items()) for key, doubt in doubts.items()}
        return set(heapq.nlargest(self.count, worth, key=lambda key: worth[key]))

    def _doubt(self, scores: np.ndarray) -> np.ndarray:
        far = max(self.threshold, 1 - self.threshold)
        return np.where(np.isnan(scores), 0.5, 1 - np.minimum(np.abs(scores - self.threshold), far) / far)

    def keep(self, chunk: Detections, chosen: set[str], tally: Tally) -> Detections:
        """The chosen images of a chunk; the boxes of the others are dropped as 'not-chosen'."""
        others = np.array([image.key not in chosen for image in chunk.images], bool)[chunk.image_index]
        tally.drop(Code.NOT_CHOSEN, f"its image is not among the {self.count} that are most uncertain", chunk, others)
        return only_images(chunk, chosen)
