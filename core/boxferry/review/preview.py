"""What reviewers will see, before anything is sent: one self-contained HTML page."""

from __future__ import annotations

import heapq
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from boxferry.plan.asked_before import WHY
from boxferry.plan.labels import colour_of
from boxferry.review.drawing import View, bars, box, boxes_told, colour_key, html_table, over_image, whole_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.reading.predictions import Predictions

BINS = 10
PER_IMAGE = ((0, 0, "0"), (1, 1, "1"), (2, 4, "2-4"), (5, 9, "5-9"), (10, 49, "10-49"), (50, 10**9, "50+"))
MOST_TEXTS = 30  #: on an image; where there are more they would hide it
ONE = {"boxes": "#1565c0"}
DECIDED = "#757575"


class _Drawn(NamedTuple):
    """An image with the boxes that a push sends, and those that it leaves out since people have decided about them."""

    image: Image
    boxes: Detections
    decided: Detections
    codes: list[str]


class _Seen:
    """What one pass over the boxes gathers: counts of all, and the first images, or those with the most boxes."""

    def __init__(self, most: int) -> None:
        self.labels: Counter[str] = Counter()
        self.scores: Counter[int] = Counter()
        self.per_image: Counter[str] = Counter()
        self._most = most
        self._heap: list[tuple[int, int, _Drawn]] = []
        self._number = 0

    def see(self, whole: Detections, codes: Sequence[str]) -> None:
        asked = np.array([not code for code in codes], bool)
        chunk, decided = whole.take(asked), whole.take(~asked)
        left_out = [code for code in codes if code]
        self.labels.update(chunk.labels[code] for code in chunk.label.tolist())
        scores = chunk.score[~np.isnan(chunk.score)]
        self.scores.update(np.clip(scores * BINS, 0, BINS - 1).astype(int).tolist())
        for (image, rows), (_, others) in zip(chunk.each_image(), decided.each_image(), strict=True):
            count = rows.stop - rows.start
            self.per_image[next(text for low, high, text in PER_IMAGE if low <= count <= high)] += 1
            self._number += 1
            boxes, gone = (
                chunk.take(np.arange(rows.start, rows.stop)),
                decided.take(np.arange(others.start, others.stop)),
            )
            drawn = _Drawn(image, boxes, gone, left_out[others])
            heapq.heappush(self._heap, (count, -self._number, drawn))
            if len(self._heap) > self._most:
                heapq.heappop(self._heap)

    def shown(self) -> list[_Drawn]:
        """The images with the most boxes, of equals the first, in the order of the source."""
        return [drawn for *_, drawn in sorted(self._heap, key=lambda entry: -entry[1])]


class Preview(NamedTuple):
    """A page, and the images that are drawn on it.

    Attributes:
        page: HTML: counts, what was dropped and why, histograms, and the images with the most boxes.
        shown: those images with their boxes.
    """

    page: str
    shown: list[tuple[Image, Detections]]


def preview_of(
    predictions: Predictions,
    tally: Tally,
    *,
    images: int = 24,
    decided: Callable[[Detections], Sequence[str]] | None = None,
) -> Preview:
    """What reviewers will see.

    Args:
        predictions: what would be pushed.
        tally: counts what is read and dropped.
        images: how many images are drawn.
        decided: gives, of fitted boxes, the codes of those that people have decided about, see `AskedRows.codes`.

    Raises:
        InputError: the source cannot be read.
    """
    seen = _Seen(images)
    for chunk in predictions.fitted(tally):
        codes = decided(chunk) if decided else [""] * len(chunk)
        for code, why in WHY.items():
            tally.drop(code, why, chunk, np.array([each == code for each in codes], bool))
        seen.see(chunk, codes)
    shown = seen.shown()
    return Preview(_page(predictions, tally, seen, shown), [(each.image, each.boxes) for each in shown])


def _page(predictions: Predictions, tally: Tally, seen: _Seen, shown: list[_Drawn]) -> str:
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
            f'<div class="sheet">{"".join(_drawn(*each) for each in shown)}</div>',
        ],
    )


def _left_out(tally: Tally) -> list[str]:
    rows = [
        (code, count, "; ".join(str(issue) for issue in tally.examples.get(code, ())[:2]))
        for counter in (tally.dropped, tally.changed, tally.failed, tally.noted)
        for code, count in counter.most_common()
    ]
    return ["<h2>Dropped, changed, noted</h2>", html_table(["reason", "count", "such as"], rows)] if rows else []


def _drawn(image: Image, boxes: Detections, decided: Detections, codes: Sequence[str]) -> str:
    view = View.of((image.width, image.height), widest=420)
    shapes = [
        box(tuple(corners), DECIDED, view, f"{decided.labels[code]}: {why}", dashed=True)
        for corners, code, why in zip(decided.xyxy.tolist(), decided.label.tolist(), codes, strict=True)
    ]
    for corners, code, score in zip(boxes.xyxy.tolist(), boxes.label.tolist(), boxes.score.tolist(), strict=True):
        label = boxes.labels[code]
        told = label if np.isnan(score) else f"{label} {score:.2f}"
        text = told if len(boxes) <= MOST_TEXTS else ""
        shapes.append(box(tuple(corners), colour_of(label), view, told, text=text))
    told = f"; {len(decided)} that people have decided about, dashed" if len(decided) else ""
    return over_image(image.media, view, shapes, f"{image.key}: {boxes_told(len(boxes))}{told}")
