"""COCO's numbers of a measurement: the twelve, the same by class, and which predictions were right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.pages.elements import html_table
from boxferry.review.calibration import WISHED, calibrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.review.calibration import Calibrations, Scored, Threshold

METRICS = (
    "AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large",
    "AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large",
)  # fmt: skip
NOTHING = "-"  #: is shown where the ground truth has no box of a kind


def shown(value: float) -> str:
    """A number of three digits."""
    return NOTHING if value < 0 else f"{value:.3f}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Metrics(Mapping[str, float]):
    """The twelve numbers by their names, `metrics["AP50"]`; -1 where there is nothing to measure, as in pycocotools.

    Attributes:
        stats: name → number, over all classes.
        classes: label → name → number, of the classes of the ground truth.
        images: images of the ground truth.
        boxes: its boxes, the crowd regions among them.
        crowds: its crowd regions: they are neither to be found, nor is what lies in them wrong.
        predicted: predictions on those images.
        left_out: predictions on other images, which count for nothing.
        unknown: label → predictions of classes that the ground truth does not have, which count for nothing either.
        decided: label → the predictions with their scores, and which of them are right at an overlap of one half; those
            in crowd regions, and those beyond the best 100 of an image and class, are left out.
    """

    stats: dict[str, float]
    classes: dict[str, dict[str, float]] = field(default_factory=dict)
    images: int = 0
    boxes: int = 0
    crowds: int = 0
    predicted: int = 0
    left_out: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    decided: dict[str, Scored] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.stats[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.stats)

    def __len__(self) -> int:
        return len(self.stats)

    def __repr__(self) -> str:
        return f"<Metrics AP {self.AP:.3f}, {self.predicted} predictions, {self.boxes} boxes on {self.images} images>"

    def _repr_html_(self) -> str:
        """The twelve numbers as a table, for a notebook."""
        return html_table(["metric", ""], [[name, shown(value)] for name, value in self.items()])

    @property
    def AP(self) -> float:  # noqa: N802 # as COCO calls it
        """The mean average precision over the overlaps from 0.5 to 0.95."""
        return self.stats["AP"]

    def counts(self) -> dict[str, int | dict[str, int]]:
        """How many images and boxes the numbers rest on."""
        names = ("images", "boxes", "crowds", "predicted", "left_out")
        return {**{name: getattr(self, name) for name in names}, "unknown": self.unknown}

    def per_class(self) -> dict[str, dict[str, float]]:
        """Label → the twelve numbers of this class alone."""
        return self.classes

    def calibration(self, *, precision: float = WISHED) -> Calibrations:
        """How far scores can be trusted, by label, and from which score on boxes have the wished precision."""
        return calibrations(self.decided, precision=precision)

    def threshold(self, *, precision: float = WISHED) -> dict[str, Threshold]:
        """Label → the lowest score from which on its boxes have the wished precision, and how many boxes say so."""
        return {label: known.threshold for label, known in self.calibration(precision=precision).labels.items()}
