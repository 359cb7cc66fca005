"""Rows of a table into detections: a row for each image with its boxes in lists, or a row for each box."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from boxferry.boxes.refine import filter_score
from boxferry.errors import InputError, UsageError
from boxferry.integrations.row_images import RowImages
from boxferry.option_checks import check_type, check_words, did_you_mean
from boxferry.reading.names import given_names
from boxferry.reading.read import read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally

CORNERS = ("xmin", "ymin", "xmax", "ymax")
SIZE = ("width", "height")  #: columns that count where they are named alone: those of a box are often called so
OF_IMAGES = {"boxes": True, "labels": True, "scores": False}  #: columns of lists, and whether they are needed
OF_BOXES = {**dict.fromkeys(CORNERS, True), "label": True, "score": False}
Rows = Literal["auto", "images", "boxes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRows:
    """What the rows of a table are.

    Attributes:
        rows: 'images', each with lists of boxes, labels and scores; 'boxes'; 'auto' goes by the columns.
        columns: what a column is → its name, where it is another: 'image', and of images 'boxes', 'labels', 'scores';
            of boxes 'xmin', 'ymin', 'xmax', 'ymax', 'label', 'score'; 'width' and 'height' of the image in pixels,
            which are read where they are named here.
        names: the classes' names, where labels are ids.
        min_score: boxes under it are left out.
        paths: whether an image that is no file here is a path on the machine of the writer, or a URL.

    Raises:
        UsageError: a column that there is not, or an option that is not valid.
        InputError: the names cannot be read.
    """

    rows: Rows = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[int, str] | Sequence[str] | None = None
    min_score: float | None = None
    paths: bool = False

    def __post_init__(self) -> None:
        check_words(self, rows=Rows)
        check_type("columns", self.columns, Mapping)
        able = ["image", *OF_IMAGES, *OF_BOXES, *SIZE]
        for role, name in self.columns.items():
            check_type("columns", name, str)
            if role not in able:
                raise UsageError(f"columns: {role!r} is not one of {', '.join(able)}{did_you_mean(role, able)}")
        if self.names is not None:  # a file of names is read here, not by each task
            object.__setattr__(self, "names", given_names(self.names).names)
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"min_score: {self.min_score}, expected 0 to 1")

    def check(self, there: Collection[str]) -> None:
        """See that a table has the columns that are needed.

        Raises:
            UsageError: it does not; the message lists those that it has.
        """
        kind = {"image": True, **(OF_IMAGES if self._of_images(there) else OF_BOXES)}
        lacking = [role for role, must in kind.items() if must and self._name(role) not in there]
        lacking += [role for role, name in self.columns.items() if name not in there and role not in lacking]
        if lacking:
            named = ", ".join(f"{role}={self._name(role)}" for role in lacking)
            spare = [name for name in there if name not in map(self._name, kind)]
            maps = self._nearest(lacking if "boxes" in kind else ["boxes", *lacking], spare)
            raise UsageError(f"the rows have no column for {named}; they have {', '.join(sorted(there))}: {maps}")

    def _nearest(self, lacking: Iterable[str], spare: Sequence[str]) -> str:
        """What to do about columns that are lacking: with the first that is nearly called as a spare one."""
        for role in lacking:
            if near := difflib.get_close_matches(self._name(role), spare, n=1):
                return f"did you mean columns={{'{role}': '{near[0]}'}}?"
        return "columns= maps"

    def detections(self, rows: Iterable[Mapping[str, Any]], tally: Tally) -> Iterator[Detections]:
        """The rows in chunks, counted; rows of boxes are gathered by image.

        Raises:
            InputError: a row cannot be used, or a class has no name.
            UsageError: a column is missing.
        """
        found: dict[str, _Columns] = {}
        checked: object = None
        for row in rows:
            if row.keys() != checked:
                self.check(checked := row.keys())
            self._add(found, row)
        sizes = {image: columns.size for image, columns in found.items() if columns.size}
        images = RowImages(sizes, paths=self.paths)
        predictions = read(found, format="dataframe", names=self.names).sized_by(images)
        for chunk in predictions.chunks(tally) if found else ():
            yield chunk if self.min_score is None else filter_score(chunk, min_score=self.min_score, tally=tally)

    def _add(self, found: dict[str, _Columns], row: Mapping[str, Any]) -> None:
        image = row[self._name("image")]
        if not isinstance(image, str) or not image:
            raise InputError(f"column '{self._name('image')}': {image!r}, expected the name or path of an image")
        columns = found.setdefault(image, _Columns())
        if "width" in self.columns and "height" in self.columns:
            columns.size = _size(image, [row[self.columns[role]] for role in SIZE])
        if self._of_images(row.keys()):
            columns.extend(image, *(row.get(self._name(role)) for role in OF_IMAGES))
            return
        corners = [row[self._name(role)] for role in CORNERS]
        if not all(map(_nothing, corners)):  # else the image has no box
            columns.extend(image, [corners], [row[self._name("label")]], [row.get(self._name("score"))])

    def _of_images(self, there: Collection[str]) -> bool:
        return self.rows == "images" or (
            self.rows == "auto" and ("boxes" in self.columns or self._name("boxes") in there)
        )

    def _name(self, role: str) -> str:
        return self.columns.get(role, role)


class _Columns(dict[str, list[Any]]):
    """The boxes of one image, as a table with named columns is read.

    Attributes:
        size: the image's width and height in pixels; None where its rows do not say.
    """

    size: tuple[int, int] | None = None

    def __init__(self) -> None:
        super().__init__({name: [] for name in (*CORNERS, "score")})

    @property
    def columns(self) -> list[str]:
        return list(self)

    def extend(self, image: str, boxes: Any, labels: Any, scores: Any) -> None:  # noqa: ANN401 # lists, arrays, or None
        boxes, labels = _listed(image, "boxes", boxes), _listed(image, "labels", labels)
        scores = [None] * len(boxes) if _nothing(scores) else _listed(image, "scores", scores)
        if not len(boxes) == len(labels) == len(scores):
            raise InputError(f"{image}: {len(boxes)} boxes, {len(labels)} labels, {len(scores)} scores")
        for box in boxes:
            if len(corners := _listed(image, "a box", box)) != len(CORNERS):
                raise InputError(f"{image}: a box of {len(corners)} numbers, expected x_min, y_min, x_max, y_max")
            for name, value in zip(CORNERS, corners, strict=True):
                self[name].append(math.nan if value is None else value)
        self["score"] += [math.nan if value is None else value for value in scores]
        for label in labels:
            if not isinstance(label, str | Real) or _nothing(label):
                raise InputError(f"{image}: label {label!r}, expected a name or an id")
            self.setdefault("name" if isinstance(label, str) else "class", []).append(label)
        if "name" in self and "class" in self:
            raise InputError(f"{image}: labels that are names and others that are ids")


def _listed(image: str, what: str, values: Any) -> list[Any]:  # noqa: ANN401 # a list, an array, or nothing
    found: Any = values.tolist() if hasattr(values, "tolist") else values
    if _nothing(found):
        return []
    if not isinstance(found, list | tuple):
        raise InputError(f"{image}: {what}: {found!r}, expected a list")
    return list(found)


def _size(image: str, size: Sequence[Any]) -> tuple[int, int] | None:
    if any(map(_nothing, size)):
        return None
    try:
        width, height = map(int, size)
    except (TypeError, ValueError):
        width = height = 0
    if min(width, height) < 1:
        raise InputError(f"{image}: width {size[0]!r}, height {size[1]!r}, expected pixels")
    return width, height


def _nothing(value: Any) -> bool:  # noqa: ANN401 # any value of a row
    """Whether it is None, NaN, or NA of pandas."""
    different = value != value  # noqa: PLR0124 # of NaN true, of NA itself; of an array an array
    return value is None or different is value or (isinstance(different, bool | np.bool_) and bool(different))
