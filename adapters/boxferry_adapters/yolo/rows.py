"""Rows of numbers out of a label file's bytes, each with its line; every row that is none gets a reason."""

from __future__ import annotations

import math
import re
from array import array
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.errors import InputError
from boxferry.parsing import compiled
from boxferry.parsing.files import TextError, plain
from boxferry.parsing.gather import BadImage
from boxferry_adapters.yolo.layout import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry_adapters.yolo.classes import Classes
    from boxferry_adapters.yolo.layout import Layout

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE | re.ASCII)
COLUMNS = (5, 6)
NUMBERS = 6  #: of a row as it is kept
MOST_SHOWN = 60

_decoder = msgspec.json.Decoder(list[list[float]])


class UnknownNameError(Exception):
    """A class is a name that is not among those given: one sentence, and the line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Rows:
    """What a label file holds.

    Attributes:
        table: six numbers each, one row after another: class, cx, cy, w, h, score, NaN where a row has no score.
        lines: the line of each, from 1.
        bad: (line, what is wrong) of every row that is no detection.
        tracks: the track id of each, -1 for none; empty where no row has one.
        outlines: the corners of each, x and y in turn; None for a row that is a box; empty where all are.
        repeated: the lines of rows that stand there already, word for word.
        best: the largest score; NaN where it is missing.
        widths: how many columns rows have.
        named: how many rows have a class name in place of a number.
        highest: the largest coordinate, of boxes and outlines.
    """

    table: array[float] = field(default_factory=lambda: array("d"))
    lines: list[int] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    tracks: list[int] = field(default_factory=list)
    outlines: list[list[float] | None] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    best: float = math.nan
    widths: set[int] = field(default_factory=set)
    named: int = 0
    highest: float = 0.0

    def __len__(self) -> int:
        """How many rows are boxes."""
        return len(self.lines)

    @property
    def scores(self) -> list[float]:
        """Those that there are."""
        return [score for score in self.table[5::NUMBERS] if score == score]  # noqa: PLR0124 # NaN is no score

    def coordinates(self) -> Iterator[float]:
        """Every one, of boxes and of outlines."""
        for start in range(1, len(self.table), NUMBERS):
            yield from self.table[start : start + 4]
        for outline in self.outlines:
            yield from outline or ()


def parse(data: bytes, layout: Layout, classes: Classes) -> Rows:
    """The rows of a label file.

    Raises:
        BadImage: it is no label file, or its encoding is not known.
        UnknownNameError: a class is a name that is not among those given.
    """
    text = text_of(data)
    quick = layout.columns is None and layout.six != "track" and layout.kind != "pose"
    rows = parse_compiled(text) if quick else None
    rows = parse_quickly(text) if quick and rows is None else rows
    return parse_carefully(text, layout, classes) if rows is None else rows


def text_of(data: bytes) -> bytes:
    """The text of a label file, as UTF-8.

    Raises:
        BadImage: it is no text.
    """
    try:
        return plain(data)
    except TextError as error:
        raise BadImage(str(error), Code.BAD_ENCODING) from None


def parse_compiled(text: bytes) -> Rows | None:
    """As `parse_quickly`, by the compiled function; None also where it is not compiled or leaves the text alone."""
    found = None if compiled.speedups is None else compiled.speedups.yolo_rows(text)
    if found is None:
        return None
    numbers, width, highest, best = found
    table = array("d", numbers)
    return Rows(table, list(range(1, len(table) // NUMBERS + 1)), best=best, widths={width}, highest=highest)


def parse_quickly(text: bytes) -> Rows | None:
    """The rows of a file in which nothing is in doubt, read as JSON; None for any other."""
    body = text.rstrip().replace(b"\r\n", b"\n").replace(b" ", b",").replace(b"\n", b"],[")
    if b"," in text or b"[" in text or b"]" in text:
        return None
    if b"[]" in b"[" + body + b"]":
        return None if body else Rows()
    try:
        values = _decoder.decode(b"[[" + body + b"]]")
    except msgspec.DecodeError:
        return None
    try:
        columns = list(zip(*values, strict=True))
    except ValueError:
        return None
    if len(columns) not in COLUMNS or _in_doubt(values, columns):
        return None
    if len(columns) == NUMBERS:
        flat, best = chain.from_iterable(values), max(columns[5])
    else:
        flat, best = chain.from_iterable([*row, math.nan] for row in values), math.nan
    highest = max(map(max, columns[1:5]))
    return Rows(array("d", flat), list(range(1, len(values) + 1)), best=best, widths={len(columns)}, highest=highest)


def _in_doubt(values: list[list[float]], columns: list[tuple[float, ...]]) -> bool:
    """Whether a class is no whole number, a number is too large, or a row stands there twice."""
    lowest, classes = list(map(min, columns)), columns[0]
    if max(map(max, columns)) > LARGEST or min(lowest) < -LARGEST or lowest[0] < 0:
        return True
    if not all(map(float.is_integer, classes)):
        return True
    distinct = len({row[1] for row in values}) == len(values) or len(set(map(tuple, values))) == len(values)
    return not distinct


def words_of(text: bytes, classes: Classes, *, place: int = 0) -> tuple[dict[int, list[str]], int]:
    """The words of each line that has some, class names replaced by their numbers; and how many were.

    Args:
        text: UTF-8.
        classes: numbers the names.
        place: the column of the class.

    Raises:
        BadImage: the rows are those of a classification result.
        UnknownNameError: a class is a name that is not among those given.
    """
    found = {}
    for line, raw in enumerate(text.split(b"\n"), start=1):
        if words := raw.decode("utf-8", "replace").split():
            found[line] = words
    if found and all(_is_classification(words) for words in found.values()):
        raise BadImage("is a classification result ('score name'), it has no boxes", Code.CLASSIFICATION)
    named = 0
    for line, words in found.items():
        if (count := name_length(words, place)) > 0:
            try:
                number = classes.number(" ".join(words[place : place + count]))
            except InputError as error:
                raise UnknownNameError(str(error), line) from None
            words[place : place + count] = [str(number)]
            named += 1
    return found, named


def name_length(words: list[str], place: int = 0) -> int:
    """How many words from a place on are a class's name, before the numbers of a row; 0 where a number stands there."""
    count = 0
    while place + count < len(words) and not NUMBER.fullmatch(words[place + count]):
        count += 1
    if count == 0:
        return 0
    rest = words[place + count :]
    count = count if place == 0 else min(count, 1)
    return count if len(words) - count >= 4 and all(NUMBER.fullmatch(word) for word in rest) else 0


def parse_carefully(text: bytes, layout: Layout, classes: Classes) -> Rows:
    """The rows of any file, line by line.

    Raises:
        BadImage: the rows are those of a classification result.
        UnknownNameError: a class is a name that is not among those given.
    """
    lines, named = words_of(text, classes, place=layout.columns.index("cls") if layout.columns else 0)
    rows = Rows(widths={len(words) for words in lines.values()}, named=named)
    seen: set[tuple[str, ...]] = set()
    for line, words in lines.items():
        if (problem := _problem(words, layout)) is not None:
            rows.bad.append((line, problem))
        elif tuple(words) in seen:
            rows.repeated.append(line)
        else:
            seen.add(tuple(words))
            _add(rows, line, words, layout)
    rows.best = max(rows.scores, default=math.nan)
    rows.highest = max(rows.coordinates(), default=0.0)
    return rows


def _add(rows: Rows, line: int, words: list[str], layout: Layout) -> None:
    """One row that is a detection, in the form of `Rows`."""
    numbers = [float(word) for word in words]
    box, outline, track = _meant(numbers, layout)
    if track is not None or rows.tracks:
        rows.tracks += [-1] * (len(rows) - len(rows.tracks)) + [-1 if track is None else track]
    if outline is not None or rows.outlines:
        rows.outlines += [None] * (len(rows) - len(rows.outlines)) + [outline]
    rows.table.extend(box)
    rows.lines.append(line)


def _meant(numbers: list[float], layout: Layout) -> tuple[list[float], list[float] | None, int | None]:
    """Six numbers as `Rows.table` has them, an outline, and a track id."""
    if layout.columns is not None:
        found = dict(zip(layout.columns, numbers, strict=True))
        box = [found[name] for name in ("cls", "x", "y", "w", "h")] + [found.get("conf", math.nan)]
        return box, None, int(found["id"]) if "id" in found else None
    if layout.kind == "pose":
        return _pose(numbers, layout)
    if layout.outlines and (len(numbers) > 7 or (len(numbers) == 7 and layout.seven == "outline")):
        return _outline(numbers, layout)
    score, track = _ends(numbers[5:], layout.six)
    return [*numbers[:5], *score], None, track


def _outline(numbers: list[float], layout: Layout) -> tuple[list[float], list[float], int | None]:
    more = 1 if len(numbers) % 2 == 0 else 2 if layout.odd == "scored" and len(numbers) > 7 else 0
    corners = numbers[1 : len(numbers) - more]
    score, track = _ends(numbers[len(numbers) - more :], layout.even)
    return [numbers[0], *_bounds(corners), *score], corners, track


def _pose(numbers: list[float], layout: Layout) -> tuple[list[float], None, int | None]:
    more = layout.spare(len(numbers))
    score, track = _ends(numbers[len(numbers) - more :], layout.six)
    return [*numbers[:5], *score], None, track


def _ends(more: list[float], last: str | None) -> tuple[list[float], int | None]:
    """Score, in a list, and track of the columns that follow a shape: a score, a track, or both in this order."""
    if len(more) == 2:
        return more[:1], int(more[1])
    if more and last == "track" and more[0] >= 1 and more[0] % 1 == 0:
        return [math.nan], int(more[0])
    return (more or [math.nan])[:1], None


def _bounds(corners: list[float]) -> list[float]:
    """Centre and size of what encloses the corners."""
    left, top, right, bottom = min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2])
    return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]


def _is_classification(words: list[str]) -> bool:
    return len(words) == 2 and bool(NUMBER.fullmatch(words[0])) and not NUMBER.fullmatch(words[1])


def _problem(words: list[str], layout: Layout) -> str | None:
    """Why a row is no detection, or None."""
    shown = " ".join(words)[:MOST_SHOWN]
    if wrong := [word for word in words if not NUMBER.fullmatch(word)]:
        return f"'{wrong[0][:MOST_SHOWN]}' is not a number; expected '{_expected(layout)}'"
    if not _fits(len(words), layout):
        return f"{len(words)} columns in '{shown}'; expected '{_expected(layout)}'"
    numbers = [float(word) for word in words]
    if not all(abs(number) <= LARGEST for number in numbers):
        return f"'{shown}' holds a number that is too large, or none"
    number = numbers[layout.columns.index("cls") if layout.columns else 0]
    if number < 0 or number % 1:
        return f"class {number:g}; expected a whole number from 0"
    if layout.columns is None and _ends_in_track(len(words), layout) and numbers[-1] % 1:
        return f"'{shown}': its last column is no track id; --yolo-kind segments reads triangles"
    return None


def _ends_in_track(columns: int, layout: Layout) -> bool:
    if layout.kind == "pose":
        return layout.spare(columns) == 2
    if columns == 7:
        return layout.seven != "outline"
    return layout.outlines and columns > 7 and columns % 2 == 1 and layout.odd == "scored"


def _fits(columns: int, layout: Layout) -> bool:
    if layout.columns is not None:
        return columns == len(layout.columns)
    if layout.kind == "pose":
        return 0 <= layout.spare(columns) <= 2
    return columns in {5, 6, 7} or (columns >= 8 and layout.outlines)


def _expected(layout: Layout) -> str:
    if layout.columns is not None:
        return " ".join(layout.columns)
    if layout.kind in {"segments", "obb"}:
        return "class x1 y1 x2 y2 x3 y3 … [score]"
    if layout.kind == "pose":
        count, values = layout.points or (0, 3)
        return f"class cx cy w h, {count or 'some'} key points of {values} values, [score] [track]"
    return "class cx cy w h [score] [track]"
