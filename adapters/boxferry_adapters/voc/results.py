"""Reads the devkit's result files, `comp4_det_test_cat.txt`: rows of image, score and corners, one file a class."""

from __future__ import annotations

import io
import math
import re
from array import array
from dataclasses import dataclass, field
from itertools import compress, islice
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.labels import Vocabulary
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import open_file
from boxferry.parsing import compiled
from boxferry.parsing.files import where_readable
from boxferry_adapters.voc.origin import corners_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Context, Source

NAME = re.compile(r"comp\d+_det_[^_]+_(?P<label>.+)\.txt")
CHUNK_BOXES = 8192
COLUMNS = 6
SNIFFED_FILES = 5
BLOCK_BYTES = 1 << 20  #: of whole lines that are read at once
ROW_BYTES = 40  #: of score and corners


@where_readable
def sniff(source: Source) -> str | None:
    """Recognise the files by their names and their first rows."""
    first = [_first_row(path) for _, path in islice(_files(source), SNIFFED_FILES)]
    rows = [not isinstance(_numbers(row), str) for row in first if row]
    if not first or 2 * sum(rows) < len(rows):
        return None
    return "result rows 'image score x_min y_min x_max y_max' in comp*_det_*_<class>.txt"


def are_there(source: Source) -> bool:
    """Whether there is a result file, by its name."""
    return next(_files(source), None) is not None


def _files(source: Source) -> Iterator[tuple[str, str]]:
    """Each result file, as (label, path to open)."""
    for relative, path in source.files(".txt"):
        if match := NAME.fullmatch(relative.rpartition("/")[2]):
            yield match["label"], path


def _first_row(path: str) -> list[str]:
    with open_file(path) as stream:
        return stream.readline(4096).decode("utf-8-sig", "replace").split()


@dataclass(slots=True)
class _Columns:
    """All rows of all files, as numbers; five are of one row: score and corners."""

    images: list[Image] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    owner: array[int] = field(default_factory=lambda: array("q"))
    numbered: array[float] = field(default_factory=lambda: array("d"))
    label: array[int] = field(default_factory=lambda: array("i"))
    line: array[int] = field(default_factory=lambda: array("l"))
    file: array[int] = field(default_factory=lambda: array("i"))


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of about 8192 boxes, the rows of all class files gathered by image.

    Raises:
        InputError: a coordinate below 1 contradicts the format's origin.
    """
    vocabulary, columns, files = Vocabulary({}), _Columns(), []
    for label, path in _files(source):
        files.append(source.name if source.is_stream else path)
        try:
            _read_file(path, files, vocabulary.add(label), columns, context)
        except OSError as error:
            context.tally.fail(Code.UNREADABLE, f"cannot be read: {error.strerror}", Place(files[-1]))
    yield from _chunks(columns, files, source.name, vocabulary, context)


def _read_file(path: str, files: list[str], label: int, columns: _Columns, context: Context) -> None:
    """Add the rows of the last of the files, which is opened by its path."""
    file = _File(files[-1], len(files) - 1, label, columns, context)
    with open_file(path) as stream:
        while block := b"".join(stream.readlines(BLOCK_BYTES)):
            file.take(block)


@dataclass(slots=True)
class _File:
    """One file of rows of a label.

    Attributes:
        shown: what messages call it.
        number: its place among the files.
        label: the label's code.
        columns: where its rows are added.
        context: looks images up, and has the tally.
        line: how many lines have been read.
    """

    shown: str
    number: int
    label: int
    columns: _Columns
    context: Context
    line: int = 0

    def take(self, block: bytes) -> None:
        """Add the rows of some whole lines."""
        found = None if compiled.speedups is None else compiled.speedups.voc_rows(block)
        if found is not None:
            self._extend(*found)
            return
        text = block.decode("utf-8" if self.line else "utf-8-sig", "replace")
        for line in io.StringIO(text, newline=None):
            self.line += 1
            self._take_line(line.split())

    def _extend(self, image_ids: list[str], numbers: bytes) -> None:
        """Add rows of which only the images are to be looked up."""
        lines = range(self.line + 1, self.line + len(image_ids) + 1)
        owners = [self._owner(image_id, line) for image_id, line in zip(image_ids, lines, strict=True)]
        self.line += len(owners)
        kept = [owner >= 0 for owner in owners]
        if not all(kept):
            each = (numbers[place : place + ROW_BYTES] for place in range(0, len(numbers), ROW_BYTES))
            numbers, owners = b"".join(compress(each, kept)), list(compress(owners, kept))
        columns = self.columns
        columns.numbered.frombytes(numbers)
        columns.owner.extend(owners)
        columns.line.extend(compress(lines, kept))
        columns.label.extend([self.label] * len(owners))
        columns.file.extend([self.number] * len(owners))

    def _take_line(self, tokens: list[str]) -> None:
        numbers = _numbers(tokens) if tokens else ""
        if not isinstance(numbers, str):
            self._add(tokens[0], numbers)
        elif numbers:
            self.context.tally.skip(Code.BAD_ROW, numbers, Place(self.shown, line=self.line))

    def _add(self, image_id: str, numbers: list[float]) -> None:
        """Add the row of the current line."""
        if (owner := self._owner(image_id, self.line)) >= 0:
            self.columns.numbered.extend(numbers)
            self.columns.owner.append(owner)
            self.columns.label.append(self.label)
            self.columns.line.append(self.line)
            self.columns.file.append(self.number)

    def _owner(self, image_id: str, line: int) -> int:
        """The number of a row's image; -1 where it cannot be told which, and the row is skipped."""
        owner = self.columns.numbers.get(image_id)
        if owner is None:
            owner = _number(image_id, self.columns, self.context, Place(self.shown, line=line))
        if owner < 0:
            message = f"'{image_id}' fits several images"
            self.context.tally.skip(Code.AMBIGUOUS_IMAGE, message, Place(self.shown, line=line))
        return owner


def _numbers(tokens: list[str]) -> list[float] | str:
    """Score and corners; or why a row is no box."""
    if len(tokens) != COLUMNS:
        shown = " ".join(tokens)[:60]
        return f"{len(tokens)} columns in '{shown}'; expected image, score, x_min, y_min, x_max, y_max"
    try:
        numbers = [float(token) for token in tokens[1:]]
    except ValueError:
        numbers = [math.nan]
    together = "".join(tokens[1:])  # float() also takes '1_0' and the digits of other scripts
    if not all(map(math.isfinite, numbers)) or "_" in together or not together.isascii():
        return f"a column of '{' '.join(tokens)[:60]}' is not a number"
    return numbers


def _number(image_id: str, columns: _Columns, context: Context, place: Place) -> int:
    """The number of an image that is met for the first time, -1 where it cannot be told which."""
    try:
        image = context.images.stem(image_id)
    except InputError as error:
        context.tally.fail(Code.AMBIGUOUS_IMAGE, str(error), place)
        columns.numbers[image_id] = -1
    else:
        columns.numbers[image_id] = len(columns.images)
        columns.images.append(image)
    return columns.numbers[image_id]


def _chunks(
    columns: _Columns, files: list[str], name: str, vocabulary: Vocabulary, context: Context
) -> Iterator[Detections]:
    owner = np.array(columns.owner, np.int64)
    order = np.argsort(owner, kind="stable")
    counts = np.bincount(owner, minlength=len(columns.images))
    bounds = np.concatenate(([0], np.cumsum(counts)))
    numbers = np.frombuffer(columns.numbered, np.float64).reshape(-1, 5)
    label, line = np.frombuffer(columns.label, np.int32), np.array(columns.line, np.int64)
    file, source = np.frombuffer(columns.file, np.int32), objects(files)
    settled = np.zeros(len(label), np.bool_)
    xyxy = corners_of(numbers[:, 1:], settled, context, lambda row: Place(files[file[row]], line=int(line[row])))
    whole = files[0] if len(files) == 1 else name
    first = 0
    while first < len(columns.images):
        last = max(first + 1, int(np.searchsorted(bounds, bounds[first] + CHUNK_BOXES, "right")) - 1)
        rows = order[bounds[first] : bounds[last]]
        detections = Detections.from_counts(
            [msgspec.structs.replace(image, source=whole) for image in columns.images[first:last]],
            counts[first:last],
            xyxy[rows],
            label[rows],
            vocabulary.labels,
            score=numbers[rows, 0],
            row=line[rows],
            source=None if len(files) == 1 else source[file[rows]],
        )
        context.tally.count(detections)
        yield detections
        first = last
