"""The report as a page: counts, the images with what people did to their boxes, scores against fates, relabellings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from boxferry.pages.colours import FATES as LOOKS
from boxferry.pages.colours import look_of
from boxferry.pages.elements import bars, cards, colour_key, heading, html_table, section
from boxferry.review.calibration import WISHED
from boxferry.review.calibration_page import calibration_part
from boxferry.review.gallery import BoxRow, FateLook, Gallery, ImagePage, Placed, Shown
from boxferry.review.heat import heat_part
from boxferry.review.judged import FATES, PEOPLES
from boxferry.review.nothing import nothing_reviewed
from boxferry.review.recount import Recount
from boxferry.review.summary import BINS, THRESHOLD_MEANS, Clicks, counted, percent
from boxferry.review.suspicious_page import listed_files, suspicious_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from boxferry.pages.colours import Look
    from boxferry.review.judged import Judged, Predicted, Stored
    from boxferry.review.pull import ReviewedFile
    from boxferry.review.reviewed import Reviewed
    from boxferry.review.summary import Summary
    from boxferry.review.suspicious import Suspicions

BROWSED = 60  #: images of a page that is one file
PLOTS = 24  #: labels of which a plot is drawn


class _Run(NamedTuple):
    """A run of the page.

    Attributes:
        number: its place.
        review, summary: the run, and its fates counted.
        several: whether it is not the only one.
    """

    number: int
    review: Reviewed
    summary: Summary
    several: bool

    def place(self, name: str) -> str:
        """The id of a section."""
        return f"{name}-{self.number}" if self.number else name

    def title(self, text: str) -> str:
        """The title of a section."""
        return f"{text}: run {self.review.run.name}" if self.several else text


def report_page(
    reports: Sequence[tuple[Reviewed, Summary]],
    *,
    precision: float = WISHED,
    suspicions: Sequence[Suspicions] = (),
    clicks: Clicks | None = None,
) -> str:
    """The page of one run, or of several, as one file that needs nothing besides itself; see `report_pictured`."""
    return report_pictured(reports, precision=precision, suspicions=suspicions, clicks=clicks).whole()


def report_pictured(
    reports: Sequence[tuple[Reviewed, Summary]],
    *,
    precision: float = WISHED,
    suspicions: Sequence[Suspicions] = (),
    clicks: Clicks | None = None,
    images: int | None = BROWSED,
) -> ImagePage:
    """The page of one run, or of several, which are set beside each other first.

    Args:
        reports: each run with its fates, counted.
        precision: the share of right boxes that thresholds are given for.
        suspicions: of each run, the boxes to look at again; none where that was not asked for.
        clicks: what corrections cost.
        images: how many images can be browsed, the most corrected first; None for all.
    """
    runs = [_Run(number, *each, len(reports) > 1) for number, each in enumerate(reports)]
    title = ", ".join(f"Run {run.review.run.name} of {run.review.run.model or 'annotations'}" for run in runs)
    listed = {(run.number, file) for run in runs if suspicions for file in listed_files(suspicions[run.number])}
    browsed = _Browsed.of([run.review for run in runs], images, listed)
    gallery = browsed.gallery(clicks or Clicks())
    sections = [part for run in runs for part in _sections(run, gallery, precision)]
    sections += [part for run in runs for part in _again(run, suspicions, browsed.places(run.number))]
    links = {"images": "Images", "labels": "Labels", "matrix": "Matrix", "scores": "Scores", "trust": "Trust"}
    links |= {"again": "Look again"} if suspicions else {}
    there = {place: text for place, text in links.items() if place == "images" or f'id="{place}"' in "".join(sections)}
    return ImagePage(title, heading(title, _leads(runs), there), _before(runs), gallery, sections)


def _leads(runs: Sequence[_Run]) -> Iterator[str]:
    for run in runs:
        name = f"Run {run.review.run.name}: " if run.several else ""
        yield f"{name}{counted(run.summary)}, as far as the server can tell."
        yield f"Project {run.review.run.project}, directory {run.review.run.directory_id}."
        if missing := nothing_reviewed(run.review):
            yield f"Run {run.review.run.name}: {missing}."
        if videos := [file for file in run.review.files if file.video]:
            boxes = sum(len(file.judged) for file in videos)
            counts = f"{_many(len(videos), 'video')} with {_many(boxes, 'box', 'boxes')}"
            yield f"{name}{counts}: in the numbers, not among the images."


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _before(runs: Sequence[_Run]) -> list[str]:
    if len(runs) > 1:
        return [section("runs", "Runs", [_side_by_side(runs)]), colour_key(LOOKS)]
    summary = runs[0].summary
    share = {"had to be corrected": told} if (told := percent(summary.corrected_share)) else {}
    files = {"files reviewed": f"{summary.reviewed:,} of {summary.files:,}"}
    return [cards(files | share | {fate: summary.fates[fate] for fate in FATES}, LOOKS)]


def _side_by_side(runs: Sequence[_Run]) -> str:
    rows = [
        [run.review.run.name, f"{run.summary.reviewed} of {run.summary.files}",
         *(run.summary.fates[fate] for fate in FATES), percent(run.summary.corrected_share)]
        for run in runs
    ]  # fmt: skip
    return html_table(["run", "files reviewed", *FATES, "had to be corrected"], rows)


def _sections(run: _Run, gallery: Gallery, precision: float) -> Iterator[str]:
    yield section(run.place("labels"), run.title("Labels"), _labels(run.summary))
    if matrix := heat_part(run.summary, gallery):
        yield section(run.place("matrix"), run.title("Predicted and corrected labels"), [matrix])
    if plots := _plots(run.summary):
        yield section(run.place("scores"), run.title("Scores against fates"), plots, wide=True)
    yield from calibration_part(run.review.calibration(precision=precision), run.place("trust"))


def _again(run: _Run, suspicions: Sequence[Suspicions], places: Mapping[int, int]) -> list[str]:
    return suspicious_part(suspicions[run.number], run.place("again"), places) if suspicions else []


def _labels(summary: Summary) -> list[str]:
    rows: list[list[object]] = []
    for label, fates in sorted(summary.labels.items()):
        best = summary.thresholds.get(label)
        told = "" if best is None else f"{best.score:.2f} ({best.clicks_now:g} → {best.clicks:g} clicks)"
        rows.append([label, *(fates[fate] for fate in FATES), told])
    rows.append(["all", *(summary.fates[fate] for fate in FATES), ""])
    means = [f"<p>Best threshold: {THRESHOLD_MEANS}.</p>"] if summary.thresholds else []
    looks = {label: look_of(label) for label in summary.labels}
    return [html_table(["label", *FATES, "best threshold"], rows, looks), *means]


def _plots(summary: Summary) -> list[str]:
    most = sorted(summary.scores, key=lambda label: (-sum(part.total() for part in summary.scores[label]), label))
    looks: dict[str, Look] = {fate: LOOKS[fate] for fate in PEOPLES}
    plots = []
    for label in sorted(most[:PLOTS]):
        best = summary.thresholds.get(label)
        bins = [(f"{part / BINS:.1f}", found) for part, found in enumerate(summary.scores[label])]
        plots.append(bars(label, bins, looks, None if best is None else best.score * BINS))
    return [colour_key(looks), f'<div class="sheet">{"".join(plots)}</div>'] if plots else []


class _Browsed(NamedTuple):
    """The images that can be browsed.

    Attributes:
        files: all still images: their run's number, and the file.
        shown: those that are on the page.
        names: of each run, what stands at its images.
    """

    files: Sequence[tuple[int, ReviewedFile]]
    shown: Sequence[tuple[int, ReviewedFile]]
    names: Sequence[str]

    @classmethod
    def of(cls, reviews: Sequence[Reviewed], most: int | None, listed: AbstractSet[tuple[int, int]]) -> Self:
        """The most corrected first, so many of them, then those of `listed` files: a run's number and a file's id."""
        files = [(number, file) for number, review in enumerate(reviews) for file in review.files if not file.video]
        files.sort(key=lambda pair: (-_corrections(pair[1]), not pair[1].reviewed))
        most = len(files) if most is None else most
        others = [(number, file) for number, file in files[most:] if (number, file.file_id) in listed]
        names = [f" · run {review.run.name}" if len(reviews) > 1 else "" for review in reviews]
        return cls(files, files[:most] + others, names)

    def places(self, run: int) -> dict[int, int]:
        """Of a run, file id → its place among the images."""
        return {file.file_id: place for place, (number, file) in enumerate(self.shown) if number == run}

    def gallery(self, clicks: Clicks) -> Gallery:
        """The images as a page shows them."""
        shown = [_shown(file, self.names[number]) for number, file in self.shown]
        looks: dict[str, FateLook] = {fate: FateLook(LOOKS[fate]) for fate in FATES}
        recount = _recount([file for _, file in self.files], clicks)
        return Gallery(looks, shown, len(self.files), recount, review=True)


def _corrections(file: ReviewedFile) -> int:
    return sum(box.fate in PEOPLES and box.fate != "kept" for box in file.judged)


def _shown(file: ReviewedFile, run: str) -> Shown:
    corrections = _corrections(file)
    told = f"{corrections:,} correction{'' if corrections == 1 else 's'}" if file.reviewed else "not reviewed"
    return Shown(file.file_name, (file.width, file.height), file.media, partial(_rows, file), f"{told}{run}")


def _rows(file: ReviewedFile) -> list[BoxRow]:
    return [_row(box) for box in file.judged]


def _row(box: Judged) -> BoxRow:
    score = box.predicted.score if box.predicted else None
    return BoxRow(box.fate, score, _placed(box.predicted), _placed(box.stored))


def _placed(box: Predicted | Stored | None) -> Placed | None:
    return None if box is None else Placed(box.label, box.corners, box.rings)


def _recount(files: Iterable[ReviewedFile], clicks: Clicks) -> Recount | None:
    found, scored = Recount(clicks=clicks), False
    best: list[float] = []
    by_label: dict[str, list[float]] = {}
    for file in files:
        found.judge(file.judged)
        sent = [box.predicted for box in file.judged if box.predicted is not None]
        for box in sent:
            by_label.setdefault(box.label, []).append(np.nan if box.score is None else box.score)
            scored = scored or box.score is not None
        best += [max(np.inf if box.score is None else box.score for box in sent)] if sent else []
    for label, scores in by_label.items():
        found.see(label, np.array(scores, np.float64))
    found.see_images(np.array(best, np.float64))
    return found if scored else None
