"""Reviews and reports in a notebook: tables, and the images that people corrected most, drawn with what they did."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from boxferry.boxes.notebook import plain_table
from boxferry.reading.drawing import STILL, View, labelled, over_image
from boxferry.review.judged import FATES
from boxferry.review.summary import counted, percent

if TYPE_CHECKING:
    from boxferry.review.judged import Judged
    from boxferry.review.pull import ReviewedFile
    from boxferry.review.reviewed import Reviewed
    from boxferry.review.summary import Summary

DRAWN = 6  #: images


def review_html(review: Reviewed, summary: Summary) -> str:
    """A run: how much is reviewed, the fates by label, and the images that people corrected most."""
    share = percent(summary.corrected_share)
    told = f"Run {review.run.name} of {review.run.model or 'annotations'}: {counted(summary)}"
    told += f"; {share} of the boxes that people looked at had to be corrected" if share else ""
    rows = [(label, *(fates[fate] for fate in FATES)) for label, fates in sorted(summary.labels.items())]
    rows.append(("all", *(summary.fates[fate] for fate in FATES)))
    return f"<p>{escape(told)}.</p>{plain_table(('label', *FATES), rows)}{_worst(review, summary)}"


def _worst(review: Reviewed, summary: Summary) -> str:
    files = {file.file_name: file for file in review.files if not file.video}
    shown = [(files[name], count) for name, count in summary.worst if name in files][:DRAWN]
    figures = "".join(_drawn(file, count) for file, count in shown)
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div>' if figures else ""


def _drawn(file: ReviewedFile, corrections: int) -> str:
    view = View.of((file.width, file.height), widest=STILL)
    shapes = [shape for judged in file.judged for shape in _shapes(judged, view)]
    caption = f"{file.file_name}: {corrections} corrections; as it was sent dashed"
    return over_image(file.media, view, shapes, caption, side=2 * STILL)


def _shapes(judged: Judged, view: View) -> list[str]:
    was, now = judged.predicted, judged.stored
    shapes = [labelled(was.corners, was.label, was.score, view, dashed=True)] if was and judged.fate != "kept" else []
    return shapes + ([labelled(now.corners, now.label, None, view)] if now else [])
