"""What reviewers will see, before anything is sent: a page with images to browse."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from boxferry.pages.colours import Look, look_of
from boxferry.pages.elements import bars, cards, heading, html_table, section
from boxferry.plan.asked_before import WHY
from boxferry.reading.drawing import boxes_told
from boxferry.review.gallery import BoxRow, FateLook, Gallery, ImagePage, Shown, placed_boxes
from boxferry.review.recount import Recount

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.reading.predictions import Predictions

BINS = 10
PER_IMAGE = ((0, 0, "0"), (1, 1, "1"), (2, 4, "2-4"), (5, 9, "5-9"), (10, 49, "10-49"), (50, 10**9, "50+"))
ONE = {"boxes": Look("#3b6fd4", "#ffffff", "")}
TO_SEND = "to send"
FATES = {TO_SEND: FateLook(Look("#1a9850", "#000000", "✓"), plain=True)} | {
    code: FateLook(Look("#9aa0a6", "#000000", "✕"), dashed=True) for code in WHY
}


class _Drawn(NamedTuple):
    """An image with the boxes that a push sends, and those that it leaves out since people have decided about them."""

    image: Image
    boxes: Detections
    decided: Detections
    codes: list[str]

    def rows(self) -> list[BoxRow]:
        """Its boxes, as a page shows them; of a video, those of its first frame that has any."""
        rows = [*_rows(self.boxes, [TO_SEND] * len(self.boxes)), *_rows(self.decided, self.codes)]
        if not self.image.video:
            return rows
        frames = self._frames()
        return [row for row, frame in zip(rows, frames, strict=True) if frame == min(frames)]

    def told(self) -> str:
        """What stands under its name."""
        gone = f"; {len(self.decided)} that people have decided about, dashed" if len(self.decided) else ""
        frames = sorted(set(self._frames())) if self.image.video else []
        of_video = f" on {len(frames)} frames of a video: frame {frames[0]}" if frames else ""
        return f"{boxes_told(len(self.boxes))}{of_video}{gone}"

    def _frames(self) -> list[int]:
        return [frame for part in (self.boxes, self.decided) if part.frame is not None for frame in part.frame.tolist()]


def _rows(boxes: Detections, fates: Sequence[str]) -> list[BoxRow]:
    each = zip(fates, placed_boxes(boxes), boxes.score.tolist(), strict=True)
    return [BoxRow(fate, None if score != score else score, placed) for fate, placed, score in each]  # noqa: PLR0124 # NaN


class _Seen:
    """What one pass over the boxes gathers: counts of all, and the first images, or those with the most boxes."""

    def __init__(self, most: int | None) -> None:
        self.labels: Counter[str] = Counter()
        self.scores: Counter[int] = Counter()
        self.per_image: Counter[str] = Counter()
        self.recount = Recount()
        self._most = most
        self._heap: list[tuple[int, int, _Drawn]] = []
        self._number = 0

    def see(self, whole: Detections, codes: Sequence[str]) -> None:
        asked = np.array([not code for code in codes], bool)
        chunk, decided = whole.take(asked), whole.take(~asked)
        left_out = [code for code in codes if code]
        self._count(chunk)
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
            if self._most is not None and len(self._heap) > self._most:
                heapq.heappop(self._heap)

    def _count(self, chunk: Detections) -> None:
        self.labels.update(chunk.labels[code] for code in chunk.label.tolist())
        scores = chunk.score[~np.isnan(chunk.score)]
        self.scores.update(np.clip(scores * BINS, 0, BINS - 1).astype(int).tolist())
        for code in np.unique(chunk.label).tolist():
            self.recount.see(chunk.labels[code], chunk.score[chunk.label == code])
        best = [np.where(np.isnan(s), np.inf, s).max() for _, r in chunk.each_image() if len(s := chunk.score[r])]
        self.recount.see_images(np.array(best, np.float64))

    def shown(self) -> list[_Drawn]:
        """The images with the most boxes, of equals the first, in the order of the source."""
        return [drawn for *_, drawn in sorted(self._heap, key=lambda entry: -entry[1])]


@dataclass(frozen=True)
class Preview:
    """What reviewers will see.

    Attributes:
        pictured: counts, what was dropped and why, histograms, and images to browse.
        shown: those images with their boxes.
    """

    pictured: ImagePage
    shown: list[tuple[Image, Detections]]

    @cached_property
    def page(self) -> str:
        """One HTML file that needs nothing besides itself."""
        return self.pictured.whole()

    def most(self, count: int) -> list[tuple[Image, Detections]]:
        """So many of the images, those with the most boxes, in their order."""
        first = sorted(range(len(self.shown)), key=lambda at: (-len(self.shown[at][1]), at))[:count]
        return [self.shown[at] for at in sorted(first)]


def preview_of(
    predictions: Predictions,
    tally: Tally,
    *,
    images: int | None = 60,
    decided: Callable[[Detections], Sequence[str]] | None = None,
) -> Preview:
    """What reviewers will see.

    Args:
        predictions: what would be pushed.
        tally: counts what is read and dropped.
        images: how many images can be browsed, those with the most boxes; None for all of them.
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


def _page(predictions: Predictions, tally: Tally, seen: _Seen, shown: list[_Drawn]) -> ImagePage:
    title = f"Preview of {predictions.source.name}"
    left_out = left_out_rows(tally)
    links = {"images": "Images", "labels": "Labels", "scores": "Scores"} | (
        {"left-out": "Left out"} if left_out else {}
    )
    counts = {
        "images": tally.images, "boxes read": tally.read, "to send": tally.kept,
        "dropped": tally.dropped.total(), "labels": len(seen.labels),
    }  # fmt: skip
    part = f"{len(shown)} of them can be browsed here, those with the most boxes." if len(shown) < tally.images else ""
    return ImagePage(
        title,
        heading(title, [f"{predictions.format.name}: {predictions.why}", *([part] if part else [])], links),
        [cards(counts)],
        Gallery(FATES, [_shown(each) for each in shown], tally.images, seen.recount),
        _sections(seen, left_out),
    )


def _shown(drawn: _Drawn) -> Shown:
    image = drawn.image
    return Shown(image.key, (image.width, image.height), image.media, partial(_Drawn.rows, drawn), drawn.told())


def _sections(seen: _Seen, left_out: list[tuple[object, ...]]) -> list[str]:
    looks = {label: look_of(label) for label in seen.labels}
    per_image = bars("Boxes on an image", [(text, {"boxes": seen.per_image[text]}) for *_, text in PER_IMAGE], ONE)
    scores = bars("Scores", [(f"{part / BINS:.1f}", {"boxes": seen.scores[part]}) for part in range(BINS)], ONE)
    parts = [
        section("labels", "Labels", [html_table(["label", "boxes"], seen.labels.most_common(), looks)]),
        section("scores", "Scores and crowds", [scores, per_image]),
    ]
    if left_out:
        parts.append(section("left-out", "Dropped, changed, noted", [html_table(LEFT_OUT_HEAD, left_out)], wide=True))
    return parts


LEFT_OUT_HEAD = ("kind", "code", "count", "such as")


def left_out_rows(tally: Tally) -> list[tuple[object, ...]]:
    """What was dropped, changed and noted, under LEFT_OUT_HEAD."""
    return [
        (kind, code, count, "; ".join(str(issue) for issue in tally.examples.get(code, ())[:2]))
        for kind, counter in (
            ("drop", tally.dropped),
            ("change", tally.changed),
            ("note", tally.noted),
            ("error", tally.failed),
        )
        for code, count in counter.most_common()
    ]
