"""What predictions can be refined by: each method gives new ones with one more step."""

from __future__ import annotations

import heapq
from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.join import only_images
from boxferry.boxes.label_map import KeptLabels, LabelMap
from boxferry.boxes.refine import (
    filter_area,
    filter_labels,
    filter_max_score,
    filter_score,
    limit,
    relabel,
    suppress,
)
from boxferry.boxes.sampling import Part, Sample
from boxferry.errors import UsageError
from boxferry.option_checks import check_count, check_range, check_type, words
from boxferry.reading.steps import keep_images_step, own_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally
    from boxferry.reading.steps import Keep, OwnStep, Step

Labels = LabelMap | KeptLabels
T = TypeVar("T")


class Split(NamedTuple, Generic[T]):
    """Predictions in two parts.

    Attributes:
        train: those for training.
        val: those for validation.
    """

    train: T
    val: T


class Choice(Protocol):
    """Which images are taken, decided in a pass of its own."""

    def chosen(self, chunks: Iterable[Detections]) -> set[str]:
        """The keys of the images."""
        ...

    def keep(self, chunk: Detections, chosen: set[str], tally: Tally) -> Detections:
        """The chosen images of a chunk."""
        ...


class Refining:
    """Methods that give the same predictions with one more step, and leave these as they are.

    What the steps drop is counted, with a reason.
    """

    __slots__ = ()

    @abstractmethod
    def with_step(self, step: Step) -> Self:
        """With one more step, which counts on the tally what it drops."""

    @abstractmethod
    def with_labels(self, labels: Labels) -> Self:
        """With a map or a list of labels whose names are looked for among those of the boxes."""

    @abstractmethod
    def choosing(self, choice: Choice, name: str) -> Self:
        """Of those images only that a choice takes, in a pass of its own."""

    def then(self, step: OwnStep) -> Self:
        """With a step of your own: a function that is given a chunk (`Detections`) and gives a chunk back.

        What it leaves out is counted as dropped with the reason 'step-NAME'. One that counts itself takes the tally as
        a second argument.

        Raises:
            UsageError: it is no such function; or, when it is called, it gives no `Detections` back.
        """
        return self.with_step(own_step(step))

    def filter(
        self,
        *,
        min_score: float | None = None,
        max_score: float | None = None,
        labels: str | Iterable[str] | None = None,
        min_area: float | None = None,
    ) -> Self:
        """Without the boxes that are not as is asked for here; those left out are counted as dropped.

        Args:
            min_score: boxes of a lower score go; boxes that have no score stay.
            max_score: boxes of a higher score go; boxes that have no score stay.
            labels: boxes of other labels go; one name or several, as they are after the steps so far.
            min_area: boxes of fewer square pixels go.

        Raises:
            UsageError: nothing is asked for, or a value is of another type or out of its range.
        """
        found = self
        if min_score is None and max_score is None and labels is None and min_area is None:
            raise UsageError("filter: name at least one of min_score, max_score, labels, min_area")
        if min_score is not None:
            check_range("min_score", min_score, 0, 1)
            found = found.with_step(lambda chunk, tally: filter_score(chunk, min_score=min_score, tally=tally))
        if max_score is not None:
            check_range("max_score", max_score, 0, 1)
            found = found.with_step(lambda chunk, tally: filter_max_score(chunk, max_score=max_score, tally=tally))
        if min_area is not None:
            check_range("min_area", min_area, 0)
            found = found.with_step(lambda chunk, tally: filter_area(chunk, min_area=min_area, tally=tally))
        if labels is None:
            return found
        names = frozenset(words("labels", labels))
        noted = found.with_labels(KeptLabels(names))
        return noted.with_step(lambda chunk, tally: filter_labels(chunk, labels=names, tally=tally))

    def nms(self, iou: float, *, across_labels: bool = False) -> Self:
        """Without the boxes that overlap a better one of the same label (or of any) by more than `iou`.

        Raises:
            UsageError: `iou` is no number from 0 to 1.
        """
        check_range("iou", iou, 0, 1)
        check_type("across_labels", across_labels, bool)
        return self.with_step(lambda chunk, tally: suppress(chunk, iou=iou, tally=tally, across_labels=across_labels))

    def top(self, n: int) -> Self:
        """With at most the `n` best boxes of each image.

        Raises:
            UsageError: `n` is no whole number, or below 1.
        """
        check_count("n", n)
        return self.with_step(lambda chunk, tally: limit(chunk, max_boxes=n, tally=tally))

    def relabel(self, labels: Mapping[str, str] | Iterable[str]) -> Self:
        """With other label names, {'car|truck': 'vehicle'}; labels that are not mentioned stay.

        Raises:
            ConfigError: a name is empty or no text, or one label is to become two.
        """
        label_map = LabelMap.parse(labels)
        return self.with_labels(label_map).with_step(lambda chunk, _: relabel(chunk, label_map))

    def filter_images(self, keep: Keep) -> Self:
        """Of those images only that `keep` is true for; it is given an image and its boxes.

        The boxes of the others are counted as dropped, with the reason 'not-chosen'.

        Raises:
            UsageError: it is no function.
        """
        return self.with_step(keep_images_step(keep))

    def sample(self, n: int, *, seed: int = 0) -> Self:
        """Of `n` images only, at random: the same ones each time, and most of them when images are added.

        Args:
            n: how many images.
            seed: another number gives other images.

        Raises:
            UsageError: a value is no whole number, `n` is below 1, or the source can be gone through once only.
        """
        check_count("n", n)
        check_type("seed", seed, int)
        return self.choosing(Sample(n, seed), "sample")

    def split(self, val: float = 0.1, *, seed: int = 0) -> Split[Self]:
        """These in two parts, for training and for validation: `train, val = predictions.split(0.1)`.

        An image stays in its part when images are added. With a seed of 0 the parts are those of `boxferry dataset`.

        Args:
            val: the share of the images that are for validation.
            seed: another number gives other parts.

        Raises:
            UsageError: `val` is no number from 0 to 1, or `seed` no whole number.
        """
        check_range("val", val, 0, 1)
        check_type("seed", seed, int)
        parts = (Part(val, seed, validation=False), Part(val, seed, validation=True))
        return Split(*(self.with_step(part) for part in parts))

    def most_uncertain(self, count: int, *, threshold: float = 0.5) -> Self:
        """Of the `count` images only whose correction would teach most; see `MostUncertain`.

        Raises:
            UsageError: the count is below 1, or the source can be gone through once only.
        """
        return self.choosing(MostUncertain(count, threshold), "most_uncertain")


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
