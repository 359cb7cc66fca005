"""Predictions as pycocotools takes them, on the images and classes of a ground truth."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.truth import in_order
from boxferry.errors import InputError
from boxferry.review.image_names import ImageNames
from boxferry.review.truth import scenes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.truth import Truth

ALIKE = 1e-9  #: relative; a bbox of a source and its corners differ by less where they are the same box
BBOX = "bbox"  #: the field of a source that has x, y, width and height digit for digit


class PredictedBoxes:
    """Gathers predictions.

    Attributes:
        images: image id of the truth → its number for pycocotools, in the order of the ids: that of equal scores.
        categories: class id → its number, likewise.
        items: the predictions, numbered from 1.
        left_out: how many are on images that the truth does not have.
        unknown: label → how many are of classes that the truth does not have.
    """

    def __init__(self, truth: Truth) -> None:
        """Know the images and classes that count."""
        self.images = _ranked(truth.images)
        self.categories = _ranked(truth.names)
        self.items: list[dict[str, Any]] = []
        self.left_out = 0
        self.unknown: Counter[str] = Counter()
        self._names = ImageNames(truth.images, truth.videos)
        self._labels = {name: self.categories[number] for number, name in reversed(list(truth.names.items()))}

    def add(self, chunk: Detections) -> None:
        """Take the boxes of a chunk.

        Raises:
            InputError: two of its images are one of the truth's.
        """
        found = [self._names.id_of(image) for image in chunk.images]
        images = [found[at] for at in chunk.image_index.tolist()]
        if chunk.frame is not None:
            images = [self._frame(name, still) for name, still in zip(scenes(chunk), images, strict=True)]
        sides, scores = _sides(chunk), np.where(np.isnan(chunk.score), 1.0, chunk.score).tolist()
        for image, code, bbox, score in zip(images, chunk.label.tolist(), sides, scores, strict=True):
            self._add(image, chunk.labels[code], bbox, score)

    def _frame(self, name: str, still: int | str | None) -> int | str | None:
        """The id of a video's frame; a frame on which the truth has no box is an image of its own."""
        found = self._names.frame(name)
        if found is not None and found not in self.images:
            self.images[found] = len(self.images) + 1
        return still if found is None else found

    def _add(self, image: int | str | None, label: str, bbox: list[float], score: float) -> None:
        if image is None:
            self.left_out += 1
            return
        category = self._labels.get(label)
        if category is None:
            self.unknown[label] += 1
            return
        item = {
            "id": len(self.items) + 1,
            "image_id": self.images[image],
            "category_id": category,
            "bbox": bbox,
            "area": bbox[2] * bbox[3],
            "iscrowd": 0,
            "score": score,
        }
        self.items.append(item)

    def check(self) -> None:
        """See that something is measured.

        Raises:
            InputError: the truth has images, and not one of the predictions' is among them.
        """
        if self.images and self.left_out and not self._names.any_found:
            raise InputError(
                f"no image of the predictions is in the ground truth: '{self._names.first_missed}' is not one of "
                f"'{self._names.example}', …"
            )


def _ranked(ids: Iterable[int | str]) -> dict[int | str, int]:
    """Numbers from 1 in the order of the ids, which decides where scores are equal."""
    return {each: number for number, each in enumerate(in_order(ids), start=1)}


def _sides(chunk: Detections) -> list[list[float]]:
    """(N, 4) x, y, width and height: digit for digit as the source has them, where it was asked for its `bbox`."""
    sides: NDArray[np.float64] = np.hstack((chunk.xyxy[:, :2], chunk.xyxy[:, 2:] - chunk.xyxy[:, :2]))
    if chunk.attributes is None:
        return sides.tolist()  # type: ignore[no-any-return] # numpy cannot say
    written = [(fields or {}).get(BBOX) for fields in chunk.attributes]
    return [_as_written(mine, theirs) for mine, theirs in zip(sides.tolist(), written, strict=True)]


def _as_written(mine: list[float], theirs: Any) -> list[float]:  # noqa: ANN401 # any value of a source
    """The numbers of the source, where they are the same box: another format's bbox may mean something else."""
    if not isinstance(theirs, list) or len(theirs) != 4 or not all(isinstance(each, int | float) for each in theirs):
        return mine
    largest = max(1.0, *map(abs, mine))
    alike = all(abs(a - b) <= ALIKE * largest for a, b in zip(mine, theirs, strict=True))
    return [float(each) for each in theirs] if alike else mine
