"""The checkup of a source as one self-contained HTML page, with the suspicious images to browse."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from boxferry.pages.colours import Look, look_of
from boxferry.pages.elements import cards, heading, html_table, section
from boxferry.review.gallery import BoxRow, FateLook, Gallery, ImagePage, Shown, placed_boxes
from boxferry.review.preview import LEFT_OUT_HEAD, left_out_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections, Image
    from boxferry.review.checkup import Checkup

FATES = {
    "as read": FateLook(Look("#1a9850", "#000000", "✓"), plain=True),
    "suspicious": FateLook(Look("#c62828", "#ffffff", "!"), dashed=True),
}


def checkup_page(found: Checkup, command: str) -> str:
    """The page; `command` is what to run next."""
    predictions, tally = found.predictions, found.tally
    title = f"Checkup of {predictions.source.name}"
    shown = found.odd or found.first
    odd = "Suspicious images: boxes that reach out, have no area or an invalid score are dashed."
    leads = [f"{predictions.format.name}: {predictions.why}"]
    leads += [odd if found.odd else "The first images, as they are read."] if shown else []
    counts = {"images": tally.images, "boxes read": tally.read, "kept": tally.kept, "dropped": tally.dropped.total()}
    links = {"suspicious": "Suspicious", "images": "Images", "classes": "Classes", "scores": "Scores"}
    gallery = Gallery(FATES, [_shown(*each) for each in shown], len(shown))
    before = [cards(counts), section("suspicious", "What to do", list(_advice(found, command)))]
    return ImagePage(title, heading(title, leads, links), before, gallery, list(_sections(found))).whole()


def _advice(found: Checkup, command: str) -> Iterator[str]:
    if found.stopped:
        yield f'<p class="wrong">Stopped: {escape(str(found.stopped))}</p>'
    suspicious = "".join(f"<li>{escape(line)}</li>" for line in found.suspicious())
    yield f"<p>Suspicious:</p><ul>{suspicious}</ul>" if suspicious else "<p>Nothing is suspicious.</p>"
    yield f"<p>Next: <code>{escape(command)}</code></p>"


def _sections(found: Checkup) -> Iterator[str]:
    looks = {str(name): look_of(str(name)) for name, *_ in found.labels}
    yield section("classes", "Classes", [html_table(["class", "boxes", "kept"], found.labels, looks)])
    images = [(name.replace("_", " "), count) for name, count in sorted(found.images.items())]
    yield section("scores", "Images and scores", [html_table(["images", "count"], images), _scores(found)])
    if rows := left_out_rows(found.tally):
        yield section("left-out", "Dropped, changed, noted", [html_table(LEFT_OUT_HEAD, rows)], wide=True)


def _scores(found: Checkup) -> str:
    without = found.boxes.total() - found.scored
    if not found.scored:
        return f"<p>No box has a score ({without} boxes).</p>"
    return f"<p>Scores: {found.lowest:g} to {found.highest:g}; {without} boxes without one.</p>"


def _shown(image: Image, boxes: Detections, odd: NDArray[np.bool_]) -> Shown:
    size, count = (image.width, image.height), int(odd.sum())
    told = f"{len(boxes)} box{'' if len(boxes) == 1 else 'es'}, {count} suspicious"
    return Shown(image.key, size, image.media, partial(_rows, boxes, odd), told)


def _rows(boxes: Detections, odd: NDArray[np.bool_]) -> list[BoxRow]:
    """The boxes that can be drawn."""
    each = zip(placed_boxes(boxes), boxes.score.tolist(), odd.tolist(), strict=True)
    return [
        BoxRow("suspicious" if strange else "as read", score if np.isfinite(score) else None, placed)
        for placed, score, strange in each
        if np.isfinite(placed.corners).all()
    ]
