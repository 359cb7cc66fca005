"""What a source is once it is read and fitted: its classes, images, scores, and what is suspicious in it."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.counted import counted
from boxferry.boxes.labels import ClassTable
from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.reading.predictions import Predictions

MANY = 0.1  #: the share of boxes from which on a change or a drop is suspicious
REACH = 0.02  #: shares of an image by which a box may reach out of it
WHOLE = 0.98  #: a box that covers so much of its image is all of it
MOST_WHOLE = 0.5  #: the share of boxes that may be so
EXAMPLES = 5


@dataclass(slots=True)
class Checkup:
    """What one pass over a source finds.

    Attributes:
        predictions: the source.
        tally: what was read, dropped and changed.
        stopped: what ended the reading before its end; None otherwise.
        boxes: label → boxes as they were read, after the steps that were asked for.
        kept: label → boxes after the fit.
        classes: the labels that the source or the names given list, those without boxes among them.
        images: how many have boxes, have none, have a known size, have a file here; and how many are videos.
        unsized, missing: the first images whose size is not known, and that are not in the images folder.
        scored: how many boxes have a score.
        lowest, highest: of the scores.
        whole: how many boxes cover all of their image.
        odd: the most suspicious images, each with its boxes before the fit and a mask of those that are suspicious.
        first: the first images, likewise.
    """

    predictions: Predictions
    tally: Tally
    stopped: InputError | None = None
    boxes: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    classes: dict[int | str, str] = field(default_factory=dict)
    images: Counter[str] = field(default_factory=Counter)
    unsized: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    scored: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    whole: int = 0
    odd: list[tuple[Image, Detections, NDArray[np.bool_]]] = field(default_factory=list)
    first: list[tuple[Image, Detections, NDArray[np.bool_]]] = field(default_factory=list)

    @property
    def labels(self) -> list[tuple[str, int, int]]:
        """Each label with its boxes as read and as kept, most first; then those without boxes."""
        found = [(label, count, self.kept[label]) for label, count in self.boxes.most_common()]
        return found + [(label, 0, 0) for label in dict.fromkeys(self.classes.values()) if label not in self.boxes]

    @property
    def exit_code(self) -> int:
        """As a command ends."""
        return self.stopped.exit_code if self.stopped else self.tally.exit_code

    def suspicious(self) -> Iterator[str]:
        """What a person should look at before anything is sent, a sentence each."""
        if self.tally.nothing_left:
            yield f"nothing is left to send: {counted(self.tally.read, 'box')} read, {self.tally.read} dropped"
        yield from self._shares()
        if self.unsized:
            yield f"the size of {counted(self.images['unsized'], 'image')} is not known, as of {self.unsized[0]}"
        if self.missing:
            yield f"not in the images folder: {counted(self.images['missing'], 'image')}, as {self.missing[0]}"
        for issues in self.tally.examples.values():
            if issues[0].kind in {"note", "error"}:
                yield f"{issues[0].code}: {issues[0]}"

    def _shares(self) -> Iterator[str]:
        """What holds for many boxes."""
        tally, many = self.tally, MANY * max(self.tally.read, 1)
        for code, count in tally.changed.most_common():
            if count > many:
                yield f"{count} of {tally.read} boxes were changed: {code}{tally.share(code)}"
        for code, count in tally.dropped.most_common():
            if count > many:
                yield f"{count} of {tally.read} boxes were dropped: {code}"
        if self.whole > MOST_WHOLE * max(self.boxes.total(), 1):
            yield f"{self.whole} of {self.boxes.total()} boxes cover the whole of their image"

    def as_dict(self) -> dict[str, Any]:
        """All but the pictures as plain values, for JSON."""
        predictions, names = (
            self.predictions,
            ("with_boxes", "without_boxes", "sized", "unsized", "found", "missing", "videos"),
        )
        return {
            "source": predictions.source.name,
            "format": predictions.format.name,
            "why": predictions.why,
            **self.tally.as_dict(),
            "classes": [{"name": name, "boxes": boxes, "kept": kept} for name, boxes, kept in self.labels],
            "image_counts": {name: self.images[name] for name in names},
            "unsized": self.unsized,
            "missing": self.missing,
            "scores": {"scored": self.scored, "lowest": self.lowest, "highest": self.highest} if self.scored else None,
            "shares": {code: count / max(self.tally.read, 1) for code, count in self.tally.changed.items()},
            "suspicious": list(self.suspicious()),
            "stopped": str(self.stopped) if self.stopped else None,
            "exit_code": self.exit_code,
        }


def checkup(predictions: Predictions, tally: Tally, *, pictures: int = 0) -> Checkup:
    """Read a source through, and gather what it is.

    Args:
        predictions: the source, and what is done with it.
        tally: counts what is read and dropped.
        pictures: how many suspicious images are kept, with their boxes.
    """
    found, classes = Checkup(predictions, tally), ClassTable()
    classes.learn(predictions.names, "the names given")
    seen = _Seen(found, pictures)
    try:
        for chunk in predictions.fitted(tally, seen.before, classes):
            found.kept.update(chunk.labels[code] for code in chunk.label.tolist())
        found.classes = classes.names()
    except InputError as error:
        found.stopped = error
    seen.finish()
    return found


class _Seen:
    """Looks at chunks before they are fitted."""

    def __init__(self, found: Checkup, pictures: int) -> None:
        self._found, self._pictures = found, pictures
        self._heap: list[tuple[int, int, Image, Detections, NDArray[np.bool_]]] = []
        self._number = 0

    def before(self, chunk: Detections) -> Detections:
        """Count a chunk, and keep its most suspicious images; it stays as it is."""
        found = self._found
        found.boxes.update(chunk.labels[code] for code in chunk.label.tolist())
        for image, count in zip(chunk.images, chunk.counts.tolist(), strict=True):
            self._image(image, count)
        scores = chunk.score[~np.isnan(chunk.score)]
        if len(scores):
            found.scored += len(scores)
            found.lowest = min(found.lowest, float(scores.min()))
            found.highest = max(found.highest, float(scores.max()))
        limits = np.tile(np.maximum(chunk.sizes, 1)[chunk.image_index], 2).astype(float)
        known = (chunk.sizes[chunk.image_index] > 0).all(axis=1)
        whole = known & ((chunk.xyxy[:, 2:] - chunk.xyxy[:, :2]) >= WHOLE * limits[:, :2]).all(axis=1)
        found.whole += int(whole.sum())
        if self._pictures:
            self._pick(chunk, known & _odd(chunk, limits))
        return chunk

    def _image(self, image: Image, count: int) -> None:
        counts = self._found.images
        counts["with_boxes" if count else "without_boxes"] += 1
        counts["videos"] += image.video
        if image.sized:
            counts["sized"] += 1
        elif count:
            counts["unsized"] += 1
            self._found.unsized += [image.key] if len(self._found.unsized) < EXAMPLES else []
        if not self._found.predictions.has_folder:
            return
        counts["found" if image.media else "missing"] += 1
        if not image.media and len(self._found.missing) < EXAMPLES:
            self._found.missing.append(image.key)

    def _pick(self, chunk: Detections, odd: NDArray[np.bool_]) -> None:
        for image, rows in chunk.each_image():
            self._number += 1
            count = int(odd[rows].sum())
            few = len(self._found.first) < self._pictures
            if not few and not count:
                continue
            own = chunk.take(np.arange(rows.start, rows.stop))
            if few and len(own):
                self._found.first.append((image, own, odd[rows]))
            if count:
                heapq.heappush(self._heap, (count, -self._number, image, own, odd[rows]))
            if len(self._heap) > self._pictures:
                heapq.heappop(self._heap)

    def finish(self) -> None:
        """Put what was kept in order: most suspicious boxes first."""
        self._found.odd = [entry[2:] for entry in sorted(self._heap, key=lambda entry: (-entry[0], -entry[1]))]


def _odd(chunk: Detections, limits: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) the boxes that reach out of their image, or have no area, or a score that is none."""
    slack = REACH * limits
    beyond = ((chunk.xyxy < -slack) | (chunk.xyxy > limits + slack)).any(axis=1)
    flat = ~((chunk.xyxy[:, 2:] - chunk.xyxy[:, :2]) > 0).all(axis=1)
    return np.asarray(beyond | flat | (chunk.score > 1) | (chunk.score < 0))
