"""Reads tables into chunks: an image's rows may stand anywhere in them."""

from __future__ import annotations

import csv
import math
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import IMAGE_SUFFIXES
from boxferry.parsing.files import streams_of
from boxferry.parsing.gather import BadBox, BadImage, Box, one_image
from boxferry.parsing.scatter import Scattered
from boxferry.parsing.values import label_of, number, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Id, Source

SIDES = ("XMin", "YMin", "XMax", "YMax")
BOXES = {"ImageID", "LabelName", *SIDES}
PREDICTIONS = {"ImageID", "PredictionString"}
FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")
BY_PEOPLE = ("xclick", "activemil")
WORDS = 6  #: of a predicted box

Row = dict[str, str]


def header_of(head: bytes) -> list[str]:
    """The columns that a first line names, if they are a table of this format; else none."""
    names = columns_of(head)
    return names if set(names) >= BOXES or set(names) >= PREDICTIONS else []


def columns_of(head: bytes) -> list[str]:
    """The columns that a first line names."""
    first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode("utf-8", "replace")
    return ["ImageID" if name.lower() == "imageid" else name for name in _fields(first)]


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of images; a row that is no box is skipped with its line.

    Raises:
        InputError: a table has other columns, or the class descriptions cannot be read.
    """
    given: Mapping[Id, str] = {label: name for label, name in context.names.items() if isinstance(label, str)}
    names: Mapping[Id, str] = classes_of(context.options["openimages-classes"]) or given
    with Scattered(context, names, row_unit="line") as boxes:
        for file, stream in streams_of(source, context, ".csv"):
            reader = _Table(boxes, context, names, file.shown)
            reader.take(stream)
        yield from boxes.chunks()
    if not names and any(name.startswith("/m/") for name in boxes.vocabulary.labels):
        message = "labels are ids such as /m/01yrx; add --openimages-classes FILE for their names"
        context.tally.note(Code.UNNAMED_LABELS, message, Place(source.name))


def classes_of(path: str) -> dict[int | str, str]:
    """Label id → name; none where no file is named.

    Raises:
        InputError: the file cannot be read, or has no rows of two columns.
    """
    if not path:
        return {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"--openimages-classes {path}: cannot be read: {reason}") from None
    if not rows or any(len(row) != 2 for row in rows):
        raise InputError(f"--openimages-classes {path}: expected rows of two columns, LabelName,DisplayName")
    return {row[0]: row[1] for row in rows if row[0].lower() != "labelname"}


class _Table:
    """The rows of one file."""

    def __init__(self, boxes: Scattered, context: Context, names: Mapping[Id, str], shown: str) -> None:
        self._boxes = boxes
        self._context = context
        self._names = names
        self._shown = shown
        self._file = boxes.file(shown)
        self._keep_groups = context.options["openimages-groups"] == "keep"

    def take(self, stream: Iterable[bytes]) -> None:
        """Read all rows.

        Raises:
            InputError: the first line names other columns.
        """
        header: list[str] = []
        for line, text in enumerate(stream, start=1):
            if not header:
                if not (header := header_of(text)):
                    expected = "ImageID, LabelName, XMin, XMax, YMin, YMax, or ImageId, PredictionString"
                    raise InputError(f"{self._shown}: expected a header with {expected}")
                continue
            values = _fields(text.decode("utf-8", "replace"))
            if any(values):
                self._row(header, values, Place(self._shown, line=line))

    def _row(self, header: list[str], values: list[str], place: Place) -> None:
        row = dict(zip(header, values, strict=False))
        predicted = "PredictionString" in header
        words = row.get("PredictionString", "").split()
        try:
            image = self._boxes.image(row.get("ImageID", ""), self._image)
            if not predicted:
                self._boxes.add(image, self._box(row, self._boxes.images[image], place), self._file)
        except (BadBox, BadImage) as error:
            boxes = -(-len(words) // WORDS) if predicted else 1
            self._context.tally.skip(error.code, str(error), place, boxes=boxes)
            return
        if predicted:
            self._predicted(words, image, place)

    def _predicted(self, words: list[str], image: int, place: Place) -> None:
        for start in range(0, len(words), WORDS):
            try:
                box = self._predicted_box(words[start : start + WORDS], self._boxes.images[image], place)
                self._boxes.add(image, box, self._file)
            except BadBox as error:
                self._context.tally.skip(error.code, str(error), place)

    def _image(self, name: str) -> Image:
        if not name.strip():
            raise BadImage("ImageID: expected the id of an image, found nothing", Code.NO_IMAGE)
        with one_image():
            named = posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES  # some write the whole name
            return self._context.images.named(name) if named else self._context.images.stem(name)

    def _box(self, row: Row, image: Image, place: Place) -> Box:
        if row.get("IsGroupOf") == "1" and not self._keep_groups:
            raise BadBox("it spans a group of objects (IsGroupOf 1); --openimages-groups keep reads it", Code.GROUP)
        corners = _corners([number(row.get(side), side) for side in SIDES], image)
        score = _score(row)
        fields = {name: row[name] == "1" for name in FLAGS if row.get(name) in {"0", "1"}}
        return Box(
            code=self._code(row.get("LabelName", ""), place),
            corners=corners,
            score=score,
            row=place.line or -1,
            fields=fields | ({"Source": row["Source"]} if row.get("Source") else {}),
        )

    def _predicted_box(self, words: list[str], image: Image, place: Place) -> Box:
        if len(words) != WORDS:
            raise BadBox(f"expected label, confidence and four corners, found {shown(' '.join(words))}", Code.BAD_ROW)
        score, *sides = (number(word, "a number") for word in words[1:])
        corners = _corners(sides, image)
        return Box(code=self._code(words[0], place), corners=corners, score=score, row=place.line or -1)

    def _code(self, label: str, place: Place) -> int:
        name = label_of(label, "LabelName")
        return self._boxes.vocabulary.code(name, place) if self._names else self._boxes.vocabulary.add(name)


def _corners(shares: list[float], image: Image) -> tuple[float, float, float, float]:
    if not image.sized:
        remedy = "add --images DIR, --size WxH or --categories FILE"
        raise BadBox(f"the size of image '{image.key}' is not known: {remedy}", Code.NO_SIZE)
    left, top, right, bottom = shares
    return left * image.width, top * image.height, right * image.width, bottom * image.height


def _score(row: Row) -> float:
    text = row.get("Confidence", "")
    if not text or (row.get("Source") in BY_PEOPLE and number(text, "Confidence") == 1):
        return math.nan
    return number(text, "Confidence")


def _fields(line: str) -> list[str]:
    """The columns of a line; the csv module only where something is quoted, since it limits their length."""
    line = line.rstrip("\r\n")
    if '"' not in line:
        return [field.strip() for field in line.split(",")]
    try:
        return [field.strip() for field in next(csv.reader([line]), [])]
    except csv.Error:
        return [field.strip() for field in line.split(",")]
