"""The report as one self-contained HTML page: counts, scores against fates, relabellings, the worst images drawn."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from boxferry.review.calibration import WISHED
from boxferry.review.calibration_page import calibration_part
from boxferry.review.drawing import View, bars, box, colour_key, html_table, over_image, whole_page
from boxferry.review.fates import FATES
from boxferry.review.nothing import nothing_reviewed
from boxferry.review.summary import BINS, THRESHOLD_MEANS, counted, percent
from boxferry.review.suspicious_page import suspicious_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.review.pull import ReviewedFile
    from boxferry.review.review import Review
    from boxferry.review.summary import Summary
    from boxferry.review.suspicious import Suspicions

COLOURS = {
    "kept": "#2e7d32", "moved": "#f9a825", "relabelled": "#6a1b9a", "deleted": "#c62828", "added": "#1565c0",
    "replaced": "#8d6e63", "unreviewed": "#9e9e9e",
}  # fmt: skip
DRAWN = 12  #: images
MATRIX = 12  #: labels of a matrix; where there are more it is a list


def report_page(
    reports: Sequence[tuple[Review, Summary]], *, precision: float = WISHED, suspicions: Sequence[Suspicions] = ()
) -> str:
    """The page of one run, or of several, which are set beside each other first.

    Args:
        reports: each run with its fates, counted.
        precision: the share of right boxes that thresholds are given for.
        suspicions: of each run, the boxes to look at again; none where that was not asked for.
    """
    title = ", ".join(_title(review) for review, _ in reports)
    parts = [f"<h1>{escape(title)}</h1>", colour_key(COLOURS)]
    if len(reports) > 1:
        parts.append(_side_by_side(reports))
    for number, (review, summary) in enumerate(reports):
        parts += [f"<h1>{escape(_title(review))}</h1>"] if len(reports) > 1 else []
        parts += _run(review, summary, precision)
        parts += suspicious_part(suspicions[number]) if suspicions else []
    return whole_page(title, parts)


def _title(review: Review) -> str:
    return f"Run {review.run.name} of {review.run.model or 'annotations'}"


def _side_by_side(reports: Sequence[tuple[Review, Summary]]) -> str:
    rows = [
        [review.run.name, f"{summary.reviewed} of {summary.files}", *(summary.fates[fate] for fate in FATES), told]
        for review, summary in reports
        for told in [percent(summary.corrected_share)]
    ]
    return html_table(["run", "files reviewed", *FATES, "had to be corrected"], rows)


def _run(review: Review, summary: Summary, precision: float) -> list[str]:
    parts = [
        f"<p>{counted(summary)}, as far as the server can tell.</p>",
        f"<p>Project {escape(review.run.project)}, directory {review.run.directory_id}.</p>",
        _counts(summary),
        *_plots(summary),
        *calibration_part(review.calibration(precision=precision)),
        _relabelled(summary),
        *_worst(review, summary),
    ]
    missing = nothing_reviewed(review)
    return [*parts, f"<p>Run {escape(review.run.name)}: {escape(missing)}.</p>"] if missing else parts


def _counts(summary: Summary) -> str:
    rows: list[list[object]] = []
    for label, fates in sorted(summary.labels.items()):
        best = summary.thresholds.get(label)
        told = "" if best is None else f"{best.score:.2f} ({best.clicks_now:g} → {best.clicks:g} clicks)"
        rows.append([label, *(fates[fate] for fate in FATES), told])
    rows.append(["all", *(summary.fates[fate] for fate in FATES), ""])
    told = percent(summary.corrected_share)
    share = f"<p>{told} of the predicted boxes had to be corrected.</p>" if told else ""
    means = f"<p>Best threshold: {THRESHOLD_MEANS}.</p>" if summary.thresholds else ""
    return "<h2>Boxes</h2>" + share + html_table(["label", *FATES, "best threshold"], rows) + means


def _plots(summary: Summary) -> list[str]:
    parts = ["<h2>Scores against fates</h2>"] if summary.scores else []
    for label, bins in sorted(summary.scores.items()):
        best = summary.thresholds.get(label)
        counted = [(f"{part / BINS:.1f}", found) for part, found in enumerate(bins)]
        parts.append(bars(label, counted, COLOURS, None if best is None else best.score * BINS))
    return parts


def _relabelled(summary: Summary) -> str:
    if not summary.relabelled:
        return ""
    names = sorted({name for pair in summary.relabelled for name in pair})
    if len(names) > MATRIX:
        rows = [(a, b, n) for (a, b), n in summary.relabelled.most_common()]
        return "<h2>Relabelled</h2>" + html_table(["from", "to", "boxes"], rows)
    matrix = [
        [name, *(_right(summary, name) if other == name else summary.relabelled[name, other] for other in names)]
        for name in names
    ]
    told = "<p>The label that was predicted, and across the one that it has now.</p>"
    return "<h2>Relabelled</h2>" + told + html_table(["predicted", *names], matrix)


def _right(summary: Summary, label: str) -> int:
    """How many boxes have kept this label."""
    return summary.labels[label]["kept"] + summary.labels[label]["moved"]


def _worst(review: Review, summary: Summary) -> list[str]:
    files = {file.file_name: file for file in review.files}
    shown = [(files[name], n) for name, n in summary.worst[:DRAWN]]
    return (["<h2>Most corrected</h2>"] if shown else []) + [_drawn(file, n) for file, n in shown if not file.video]


def _drawn(file: ReviewedFile, corrections: int) -> str:
    view = View.of((file.width, file.height))
    shapes = []
    for judged in file.judged:
        if judged.predicted is not None and judged.fate not in {"kept", "unreviewed"}:
            title = f"{judged.fate}: {judged.predicted.label}"
            shapes.append(box(judged.predicted.corners, COLOURS["deleted"], view, title, dashed=True))
        if judged.stored is not None:
            shapes.append(
                box(judged.stored.corners, COLOURS[judged.fate], view, f"{judged.fate}: {judged.stored.label}")
            )
    caption = f"{file.file_name}: {corrections} corrections; as it was sent dashed"
    return over_image(file.media, view, shapes, caption)
