"""`Review`: a run with the fates of its boxes, and all that is made of it: datasets, numbers, pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.review.calibration import WISHED
from boxferry.review.report import reports_of
from boxferry.review.reviewed import Reviewed
from boxferry.review.summary import Clicks
from boxferry.review.trackers import active_run, log_reports

if TYPE_CHECKING:
    from boxferry.review.trackers import Tracker


@dataclass(frozen=True, slots=True, repr=False)
class Review(Reviewed):
    """A run with what people did to its boxes, as `Diffgram.pull` gives it."""

    def log(self, tracker: Tracker, *, precision: float = WISHED) -> dict[str, float]:
        """Record fates, corrected share, COCO's numbers, thresholds and the report page in the active run of a tracker.

        Args:
            tracker: 'mlflow' or 'wandb'.
            precision: the share of right boxes that thresholds are given for.

        Returns:
            The numbers that were recorded, by name.

        Raises:
            UsageError: the package is not installed, or no run is active.
            BoxferryError: the tracker fails.
        """
        into = active_run(tracker)
        return log_reports(reports_of([self], Clicks(), precision=precision, metrics=True), into)
