"""All that is known of a run after a review, as one value: for a terminal, JSON, the page, and trackers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boxferry.review.calibration import WISHED
from boxferry.review.notebook import review_html
from boxferry.review.page import BROWSED, report_pictured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.review.calibration import Calibrations
    from boxferry.review.gallery import ImagePage
    from boxferry.review.metrics import Metrics
    from boxferry.review.reviewed import Reviewed
    from boxferry.review.summary import Clicks, Summary
    from boxferry.review.suspicious import Suspicions


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One run.

    Attributes:
        review: its files.
        summary: the fates, counted.
        calibration: how far its scores can be trusted.
        suspicions: the boxes to look at again; None where they were not asked for.
        metrics: COCO's numbers against what people left; None where nothing is reviewed, or they were not asked for.
    """

    review: Reviewed
    summary: Summary
    calibration: Calibrations
    suspicions: Suspicions | None = None
    metrics: Metrics | None = None

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return review_html(self.review, self.summary)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        facts = {**self.summary.as_dict(), "calibration": self.calibration.as_dict()}
        facts |= {} if self.suspicions is None else {"suspicious": self.suspicions.as_dict()}
        return facts if self.metrics is None else {**facts, "metrics": self.metrics.stats}


def reports_of(
    reviews: Sequence[Reviewed],
    clicks: Clicks,
    *,
    precision: float = WISHED,
    suspicious: bool = False,
    metrics: bool = False,
) -> list[Report]:
    """The report of each run; for the boxes to look at again, the predictions of all of them count.

    Args:
        reviews: the runs.
        clicks: what corrections cost.
        precision: the share of right boxes that thresholds are given for.
        suspicious: whether to look for boxes to look at again.
        metrics: whether to measure the predictions against what people left.
    """
    return [
        Report(
            review=review,
            summary=review.summary(clicks),
            calibration=review.calibration(precision=precision),
            suspicions=review.suspicious([o for o in reviews if o is not review]) if suspicious else None,
            metrics=review.metrics() if metrics and review.reviewed else None,
        )
        for review in reviews
    ]


def page_of(reports: Sequence[Report], clicks: Clicks | None = None) -> str:
    """The reports as one self-contained HTML page; `clicks` is what corrections cost."""
    return pictured_of(reports, clicks).whole()


def pictured_of(reports: Sequence[Report], clicks: Clicks | None = None, *, images: int | None = BROWSED) -> ImagePage:
    """The reports as a page, with so many images to browse; None for all of them."""
    suspicions = [each.suspicions for each in reports if each.suspicions is not None]
    return report_pictured(
        [(each.review, each.summary) for each in reports],
        precision=reports[0].calibration.wished,
        suspicions=suspicions,
        clicks=clicks,
        images=images,
    )
