"""What reviewers will see, before anything is sent: one self-contained HTML page."""

from __future__ import annotations

import heapq
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from boxferry.review.drawing import View, bars, box, boxes_told, colour_key, html_table, over_image, whole_page
from boxferry.sending.labels import colour_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.reading.predictions import Predictions

BINS = 10
PER_IMAGE = ((0, 0, "0"), (1, 1, "1"), (2, 4, "2-4"), (5, 9, "5-9"), (10, 49, "10-49"), (50, 10**9, "50+"))
MOST_TEXTS = 30  #: on an image; where there are more they would hide it
ONE = {"boxes": "#1565c0"}


class _Seen:
    """What one pass over the boxes gathers: counts of all, and the first images, or those with the most boxes."""

    def __init__(self, most: int) -> None:
        self.labels: Counter[str] = Counter()
        self.scores: Counter[int] = Counter()
        self.per_image: Counter[str] = Counter()
        self._most = most
        self._heap: list[tuple[int, int, Image, Detections]] = []
        self._number = 0

    def see(self, chunk: Detections) -> None:
        self.labels.update(chunk.labels[code] for code in chunk.label.tolist())
        scores = chunk.score[~np.isnan(chunk.score)]
        self.scores.update(np.clip(scores * BINS, 0, BINS - 1).astype(int).tolist())
        for image, rows in chunk.each_image():
            count = rows.stop - rows.start
            self.per_image[next(text for low, high, text in PER_IMAGE if low <= count <= high)] += 1
            self._number += 1
            entry = (count, -self._number, image, chunk.take(np.arange(rows.start, rows.stop)))
            heapq.heappush(self._heap, entry)
            if len(self._heap) > self._most:
                heapq.heappop(self._heap)

    def shown(self) -> Iterator[tuple[Image, Detections]]:
        """The images with the most boxes, of equals the first, in the order of the source."""
        for _, _, image, boxes in sorted(self._heap, key=lambda entry: -entry[1]):
            yield image, boxes


class Preview(NamedTuple):
    """A page, and the images that are drawn on it.

    Attributes:
        page: HTML: counts, what was dropped and why, histograms, and the images with the most boxes.
        shown: those images with their boxes.
    """

    page: str
    shown: list[tuple[Image, Detections]]


def preview_of(predictions: Predictions, tally: Tally, *, images: int = 24) -> Preview:
    """What reviewers will see.

    Args:
        predictions: what would be pushed.
        tally: counts what is read and dropped.
        images: how many images are drawn.

    Raises:
        InputError: the source cannot be read.
    """
    seen = _Seen(images)
    for chunk in predictions.fitted(tally):
        seen.see(chunk)
    shown = list(seen.shown())
    return Preview(_page(predictions, tally, seen, shown), shown)


def _page(predictions: Predictions, tally: Tally, seen: _Seen, shown: list[tuple[Image, Detections]]) -> str:
    title = f"Preview of {predictions.source.name}"
    colours = {label: colour_of(label) for label, _ in seen.labels.most_common(40)}
    return whole_page(
        title,
        [
            f"<h1>{escape(title)}</h1>",
            f"<p>{escape(predictions.format.name)}: {escape(predictions.why)}.</p>",
            f"<p>{tally.images} images, {tally.read} boxes read, {tally.kept} to send.</p>",
            *_left_out(tally),
            "<h2>Boxes</h2>",
            html_table(["label", "boxes"], seen.labels.most_common(100)),
            bars("boxes on an image", [(text, {"boxes": seen.per_image[text]}) for *_, text in PER_IMAGE], ONE),
            bars("scores", [(f"{part / BINS:.1f}", {"boxes": seen.scores[part]}) for part in range(BINS)], ONE),
            "<h2>Images</h2>",
            colour_key(colours),
            f'<div class="sheet">{"".join(_drawn(image, boxes) for image, boxes in shown)}</div>',
        ],
    )


def _left_out(tally: Tally) -> list[str]:
    rows = [
        (code, count, "; ".join(str(issue) for issue in tally.examples.get(code, ())[:2]))
        for counter in (tally.dropped, tally.changed, tally.failed, tally.noted)
        for code, count in counter.most_common()
    ]
    return ["<h2>Dropped, changed, noted</h2>", html_table(["reason", "count", "such as"], rows)] if rows else []


def _drawn(image: Image, boxes: Detections) -> str:
    view = View.of((image.width, image.height), widest=420)
    shapes = []
    for corners, code, score in zip(boxes.xyxy.tolist(), boxes.label.tolist(), boxes.score.tolist(), strict=True):
        label = boxes.labels[code]
        told = label if np.isnan(score) else f"{label} {score:.2f}"
        text = told if len(boxes) <= MOST_TEXTS else ""
        shapes.append(box(tuple(corners), colour_of(label), view, told, text=text))
    return over_image(image.media, view, shapes, f"{image.key}: {boxes_told(len(boxes))}")
