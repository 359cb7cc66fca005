"""The checkup of a source as one self-contained HTML page, with pictures of what is suspicious."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from boxferry.plan.labels import colour_of
from boxferry.review.drawing import View, box, boxes_told, html_table, over_image, whole_page

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections, Image
    from boxferry.review.checkup import Checkup

ODD = "#c62828"
MOST_TEXTS = 30  #: on an image; where there are more they would hide it


def checkup_page(found: Checkup, command: str) -> str:
    """The page; `command` is what to run next."""
    predictions, tally = found.predictions, found.tally
    title = f"Checkup of {predictions.source.name}"
    counts = [(name.replace("_", " "), count) for name, count in sorted(found.images.items())]
    suspicious = list(found.suspicious())
    return whole_page(
        title,
        [
            f"<h1>{escape(title)}</h1>",
            f"<p>{escape(predictions.format.name)}: {escape(predictions.why)}.</p>",
            f"<p>{tally.images} images, {tally.read} boxes read, {tally.kept} kept.</p>",
            f"<p><b>Stopped:</b> {escape(str(found.stopped))}</p>" if found.stopped else "",
            "<h2>Suspicious</h2>" + "".join(f"<p>{escape(line)}</p>" for line in suspicious) if suspicious else "",
            f"<p>Next: <code>{escape(command)}</code></p>",
            "<h2>Classes</h2>",
            html_table(["class", "boxes", "kept"], found.labels),
            "<h2>Images</h2>",
            html_table(["images", "count"], counts),
            _scores(found),
            _issues(found),
            *_pictures(found),
        ],
    )


def _scores(found: Checkup) -> str:
    without = found.boxes.total() - found.scored
    if not found.scored:
        return f"<p>No box has a score ({without} boxes).</p>"
    return f"<p>Scores: {found.lowest:g} to {found.highest:g}; {without} boxes without one.</p>"


def _issues(found: Checkup) -> str:
    tally = found.tally
    rows = [
        (kind, code, count, "; ".join(str(issue) for issue in tally.examples.get(code, ())[:2]))
        for kind, counter in (
            ("drop", tally.dropped),
            ("change", tally.changed),
            ("note", tally.noted),
            ("error", tally.failed),
        )
        for code, count in counter.most_common()
    ]
    if not rows:
        return ""
    return "<h2>Dropped, changed, noted</h2>" + html_table(["kind", "code", "count", "such as"], rows)


def _pictures(found: Checkup) -> list[str]:
    shown = found.odd or found.first
    if not shown:
        return []
    title = "Suspicious images: boxes that reach out, have no area or a score that is none are dashed"
    head = f"<h2>{title if found.odd else 'The first images, as they are read'}</h2>"
    return [head, f'<div class="sheet">{"".join(_drawn(*each) for each in shown)}</div>']


def _drawn(image: Image, boxes: Detections, odd: NDArray[np.bool_]) -> str:
    view = View.of((image.width, image.height), widest=420)
    shapes = []
    each = zip(boxes.xyxy.tolist(), boxes.label.tolist(), boxes.score.tolist(), odd.tolist(), strict=True)
    for corners, code, score, strange in each:
        if not np.isfinite(corners).all():
            continue
        label = boxes.labels[code]
        told = label if np.isnan(score) else f"{label} {score:.2f}"
        text = told if len(boxes) <= MOST_TEXTS else ""
        colour = ODD if strange else colour_of(label)
        shapes.append(box(tuple(corners), colour, view, told, dashed=strange, text=text))
    return over_image(image.media, view, shapes, f"{image.key}: {boxes_told(len(boxes))}, {int(odd.sum())} suspicious")
