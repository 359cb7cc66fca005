"""`diff`: what differs between two sets of boxes on the same images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, overload

import numpy as np

from boxferry.boxes.detections import Detections
from boxferry.boxes.geometry import iou_matrix
from boxferry.boxes.notebook import paragraph, plain_table
from boxferry.option_checks import check_range
from boxferry.reading.merge import dataset_of
from boxferry.reading.tables import data_frame

if TYPE_CHECKING:
    from pandas import DataFrame

    from boxferry.reading.dataset import Dataset

Change = Literal["same", "moved", "relabelled", "added", "removed"]
Corners = tuple[float, float, float, float]
SAME = 1e-6  #: pixels; corners that differ by less are the same
SHOWN = 20  #: boxes that a notebook lists


class Difference(NamedTuple):
    """One box on both sides, or on one.

    Attributes:
        image: the image's key.
        change: 'same', 'moved' (other corners), 'relabelled', 'added' or 'removed'.
        label, new_label: on the old and on the new side; None for none.
        box, new_box: the corners, likewise: x_min, y_min, x_max, y_max in pixels, maxima exclusive.
        iou: the overlap of the two; 0 where there is one only.
    """

    image: str
    change: Change
    label: str | None
    new_label: str | None
    box: Corners | None
    new_box: Corners | None
    iou: float


class Diff(Sequence[Difference]):
    """What differs between two sets, box by box: those of images that only one side has are added or removed."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        """Hold them; `diff` makes one."""
        self._differences = tuple(differences)

    @property
    def counts(self) -> dict[str, int]:
        """How many boxes of each change."""
        return dict(Counter(each.change for each in self._differences))

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return set(self.counts) <= {"same"}

    def __len__(self) -> int:
        return len(self._differences)

    def __iter__(self) -> Iterator[Difference]:
        return iter(self._differences)

    @overload
    def __getitem__(self, index: int) -> Difference: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Difference, ...]: ...

    def __getitem__(self, index: int | slice) -> Difference | tuple[Difference, ...]:
        return self._differences[index]

    def __repr__(self) -> str:
        return f"<Diff: {', '.join(f'{n} {change}' for change, n in self.counts.items()) or 'no boxes'}>"

    def _repr_html_(self) -> str:
        """The first boxes that differ, for a notebook."""
        rows = [each for each in self._differences if each.change != "same"][:SHOWN]
        return paragraph(self) + plain_table(Difference._fields, rows)

    def to_pandas(self) -> DataFrame:
        """A table, a box a row, with the columns of `Difference`.

        Raises:
            UsageError: pandas is not installed.
        """
        columns = zip(*self._differences, strict=True) if self._differences else [()] * len(Difference._fields)
        return data_frame({name: list(values) for name, values in zip(Difference._fields, columns, strict=True)})


def diff(old: object, new: object, iou: float = 0.5) -> Diff:
    """What differs between two sets of boxes: what moved, was relabelled, came or went.

    Args:
        old: what `read` takes or gives, or a `Dataset`.
        new: likewise.
        iou: from this overlap on two boxes are one object, 0 to 1.

    Raises:
        UsageError: `iou` is no number from 0 to 1.
        InputError: a set cannot be read.
    """
    check_range("iou", iou, 0, 1)
    before, after = dataset_of(old), dataset_of(new)
    keys = dict.fromkeys(image.key for each in (before, after) for image in each.images)
    return Diff([each for key in keys for each in _of_image(key, before, after, iou)])


def _of_image(key: str, old: Dataset, new: Dataset, iou: float) -> Iterator[Difference]:
    sides = [each[key] if key in each else Detections.empty() for each in (old, new)]
    for match in matched(sides[0], sides[1], iou):
        yield _difference(key, match, sides[0], sides[1])


def _difference(key: str, match: Match, old: Detections, new: Detections) -> Difference:
    label, box = _box(old, match.old)
    new_label, new_box = _box(new, match.new)
    return Difference(key, match.change, label, new_label, box, new_box, match.iou)


def _box(side: Detections, row: int | None) -> tuple[str | None, Corners | None]:
    if row is None:
        return None, None
    x_min, y_min, x_max, y_max = side.xyxy[row].tolist()
    return side.labels[int(side.label[row])], (x_min, y_min, x_max, y_max)


class Match(NamedTuple):
    """Two boxes that are taken for one object, or one that has no other.

    Attributes:
        change: 'same', 'moved' (other corners), 'relabelled', 'added' or 'removed'.
        old, new: the row on either side; None for none.
        iou: the overlap of the two; 0 where there is one only.
    """

    change: Change
    old: int | None
    new: int | None
    iou: float = 0.0


def matched(old: Detections, new: Detections, iou: float) -> Iterator[Match]:
    """The boxes of one image, on two sides: those of one label first, those that overlap most first.

    Boxes of a video are matched within their frame.

    Args:
        old: one image with its boxes.
        new: the same image.
        iou: from this overlap on two boxes are one object.
    """
    overlap = _overlap(old, new)
    alike = np.array([[_label(old, row) == _label(new, other) for other in range(len(new))] for row in range(len(old))])
    free_old, free_new = set(range(len(old))), set(range(len(new)))
    for same_label in (True, False):
        for row, other in _best_first(overlap, iou):
            if row in free_old and other in free_new and bool(alike[row, other]) is same_label:
                free_old.remove(row)
                free_new.remove(other)
                yield Match(_change(old, new, row, other), row, other, float(overlap[row, other]))
    yield from (Match("removed", row, None) for row in sorted(free_old))
    yield from (Match("added", None, row) for row in sorted(free_new))


def _overlap(old: Detections, new: Detections) -> np.ndarray:
    """(N, M) the overlaps; 0 for boxes of different frames."""
    overlap = np.nan_to_num(iou_matrix(old.xyxy, new.xyxy))
    frames = [np.zeros(len(side), np.int64) if side.frame is None else side.frame for side in (old, new)]
    return np.where(frames[0][:, None] == frames[1][None, :], overlap, 0.0)


def _best_first(overlap: np.ndarray, iou: float) -> list[tuple[int, int]]:
    rows, others = np.nonzero(overlap >= iou) if overlap.size else (np.empty(0, int), np.empty(0, int))
    order = np.argsort(-overlap[rows, others], kind="stable")
    return list(zip(rows[order].tolist(), others[order].tolist(), strict=True))


def _change(old: Detections, new: Detections, row: int, other: int) -> Change:
    if _label(old, row) != _label(new, other):
        return "relabelled"
    return "same" if np.abs(old.xyxy[row] - new.xyxy[other]).max() < SAME else "moved"


def _label(side: Detections, row: int) -> str:
    return side.labels[int(side.label[row])]
