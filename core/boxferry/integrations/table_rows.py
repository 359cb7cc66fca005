"""Rows of a table into detections: a row for each image with its boxes in lists, or a row for each box."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from boxferry.boxes.refine import filter_score
from boxferry.errors import InputError, UsageError
from boxferry.option_checks import check_words
from boxferry.reading.read import read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally

CORNERS = ("xmin", "ymin", "xmax", "ymax")
OF_IMAGES = {"boxes": True, "labels": True, "scores": False}  #: columns of lists, and whether they are needed
OF_BOXES = {**dict.fromkeys(CORNERS, True), "label": True, "score": False}
Rows = Literal["auto", "images", "boxes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRows:
    """What the rows of a table are.

    Attributes:
        rows: 'images', each with lists of boxes, labels and scores; 'boxes'; 'auto' goes by the columns.
        columns: what a column is → its name, where it is another: 'image', and of images 'boxes', 'labels', 'scores';
            of boxes 'xmin', 'ymin', 'xmax', 'ymax', 'label', 'score'.
        names: the classes' names, where labels are ids.
        min_score: boxes under it are left out.

    Raises:
        UsageError: a column that there is not, or an option that is not valid.
    """

    rows: Rows = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[int, str] | Sequence[str] | None = None
    min_score: float | None = None

    def __post_init__(self) -> None:
        check_words(self, rows=Rows)
        able = ["image", *OF_IMAGES, *OF_BOXES]
        if unknown := sorted(set(self.columns) - set(able)):
            raise UsageError(f"columns: {', '.join(unknown)}, expected some of {', '.join(able)}")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"min_score: {self.min_score}, expected 0 to 1")

    def check(self, there: Collection[str]) -> None:
        """See that a table has the columns that are needed.

        Raises:
            UsageError: it does not; the message lists those that it has.
        """
        of_images = self._of_images(there)
        needed = [role for role, must in (OF_IMAGES if of_images else OF_BOXES).items() if must]
        lacking = [role for role in ("image", *needed) if self._name(role) not in there]
        lacking += [role for role, name in self.columns.items() if name not in there and role not in lacking]
        if lacking:
            named = ", ".join(f"{role}={self._name(role)}" for role in lacking)
            raise UsageError(
                f"the rows have no column for {named}; they have {', '.join(sorted(there))}: columns= maps"
            )

    def detections(self, rows: Iterable[Mapping[str, Any]], tally: Tally) -> Iterator[Detections]:
        """The rows in chunks, counted; rows of boxes are gathered by image.

        Raises:
            InputError: a row cannot be used, or a class has no name.
            UsageError: a column is missing.
        """
        found: dict[str, _Columns] = {}
        for row in rows:
            if not found:
                self.check(row.keys())
            self._add(found, row)
        for chunk in read(found, format="dataframe", names=self.names).chunks(tally) if found else ():
            yield chunk if self.min_score is None else filter_score(chunk, min_score=self.min_score, tally=tally)

    def _add(self, found: dict[str, _Columns], row: Mapping[str, Any]) -> None:
        image = row[self._name("image")]
        if not isinstance(image, str) or not image:
            raise InputError(f"column '{self._name('image')}': {image!r}, expected the name or path of an image")
        columns = found.setdefault(image, _Columns())
        if self._of_images(row.keys()):
            columns.extend(image, *(row.get(self._name(role)) for role in OF_IMAGES))
            return
        corners = [row[self._name(role)] for role in CORNERS]
        if not all(map(_nothing, corners)):  # else the image has no box
            columns.extend(image, [corners], [row[self._name("label")]], [row.get(self._name("score"))])

    def _of_images(self, there: Collection[str]) -> bool:
        return self.rows == "images" or (self.rows == "auto" and self._name("boxes") in there)

    def _name(self, role: str) -> str:
        return self.columns.get(role, role)


class _Columns(dict[str, list[Any]]):
    """The boxes of one image, as a table with named columns is read."""

    def __init__(self) -> None:
        super().__init__({name: [] for name in (*CORNERS, "score")})

    @property
    def columns(self) -> list[str]:
        return list(self)

    def extend(self, image: str, boxes: Any, labels: Any, scores: Any) -> None:  # noqa: ANN401 # lists, arrays, or None
        boxes, labels = _listed(boxes), _listed(labels)
        scores = [None] * len(boxes) if scores is None else _listed(scores)
        if not len(boxes) == len(labels) == len(scores):
            raise InputError(f"{image}: {len(boxes)} boxes, {len(labels)} labels, {len(scores)} scores")
        for box in boxes:
            if len(corners := _listed(box)) != len(CORNERS):
                raise InputError(f"{image}: a box of {len(corners)} numbers, expected x_min, y_min, x_max, y_max")
            for name, value in zip(CORNERS, corners, strict=True):
                self[name].append(math.nan if value is None else value)
        self["score"] += [math.nan if value is None else value for value in scores]
        for label in labels:
            self.setdefault("name" if isinstance(label, str) else "class", []).append(label)
        if "name" in self and "class" in self:
            raise InputError(f"{image}: labels that are names and others that are ids")


def _listed(values: Any) -> list[Any]:  # noqa: ANN401 # a list, an array, or None
    found: list[Any] = values.tolist() if hasattr(values, "tolist") else list(values or ())
    return found


def _nothing(value: Any) -> bool:  # noqa: ANN401 # a number or None
    return value is None or value != value  # noqa: PLR0124 # NaN
