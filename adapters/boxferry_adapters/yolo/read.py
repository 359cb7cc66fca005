"""Reads label files into chunks: many files' rows become one set of columns."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.geometry import cxcywh_to_xyxy
from boxferry.boxes.labels import Vocabulary
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry_adapters.yolo.rows import NUMBER, LabelFileError, Rows, parse, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Context, Source

CHUNK_FILES = 512
SNIFFED_FILES = 5
SNIFFED_BYTES = 4096
NOT_LABELS = re.compile(r"(classes|train|val|test|README.*)\.txt", re.IGNORECASE)
VOC_RESULTS = re.compile(r"comp\d+_(det|cls)_.*\.txt")
NAME_FILES = ("data.yaml", "data.yml", "classes.txt", "obj.names")
PIXELS = 1.5  #: a normalised coordinate above this is none
PIXEL_SHARE = 0.01


def sniff(source: Source) -> str | None:
    """Recognise the rows of the first label files."""
    try:
        seen = [lines for path in _first_files(source) if (lines := _first_lines(path))]
    except (OSError, InputError, LabelFileError):
        return None
    if not seen or not all(_looks_like_row(line) for lines in seen for line in lines):
        return None
    columns = len(seen[0][0].split())
    return "text rows of 'class cx cy w h'" + {5: "", 6: " and a score"}.get(columns, f", {columns} columns")


def _first_files(source: Source) -> Iterator[str]:
    found = 0
    for relative, path in source.files(".txt"):
        if found < SNIFFED_FILES and _is_label_file(relative, path) and Path(path).stat().st_size:
            found += 1
            yield path


def _is_label_file(relative: str, path: str) -> bool:
    """Whether a text file holds rows: a list of classes or of images lies beside them in many folders."""
    name = PurePosixPath(relative).name
    if NOT_LABELS.fullmatch(name):
        lines = _first_lines(path)
        return bool(lines) and all(map(_looks_like_row, lines))
    return not VOC_RESULTS.fullmatch(name)


def _first_lines(path: str) -> list[str]:
    with Path(path).open("rb") as stream:
        data = stream.read(SNIFFED_BYTES)
    whole = data if len(data) < SNIFFED_BYTES else data.rpartition(b"\n")[0]
    return [line for line in plain(whole).decode("utf-8", "replace").splitlines() if line.strip()]


def _looks_like_row(line: str) -> bool:
    tokens = line.split()
    return len(tokens) >= 5 and all(NUMBER.fullmatch(t) for t in tokens) and float(tokens[0]) % 1 == 0


@dataclass(slots=True)
class _Batch:
    """The files of one chunk."""

    images: list[Image] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def add(self, image: Image, rows: Rows) -> None:
        self.images.append(image)
        self.counts.append(len(rows.values))
        self.values += rows.values
        self.lines += rows.lines


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for every 512 files.

    Raises:
        InputError: there are no label files, or boxes and no class names, or the source is standard input.
    """
    if source.name == "-":
        raise InputError("standard input: YOLO needs files, since a file's name tells its image; name a folder")
    vocabulary, batch, scores = Vocabulary(context.names), _Batch(), _Scores()
    seen: dict[str, str] = {}
    for relative, path in source.files(".txt"):
        if not _is_label_file(relative, path):
            continue
        shown = source.name if source.is_stream else path
        try:
            scores.see(shown, _read_file(batch, path, relative, shown, context, seen))
        except _FileError as error:
            scores.fail(shown, error)
            context.tally.fail(error.code, error.message, Place(shown), boxes=error.boxes, counted=False)
        if batch.values and not context.names:
            raise InputError(f"{shown}: class ids need names; add --names FILE or LIST{_names_nearby(path)}")
        if len(batch.images) >= CHUNK_FILES:
            yield _chunk(batch, vocabulary, context)
            batch = _Batch()
    if batch.images:
        yield _chunk(batch, vocabulary, context)
    scores.judge()
    if not seen and not context.tally.failed:
        raise InputError(f"{source.name}: no label files (*.txt) in it")
    vocabulary.report(context.tally)


class _FileError(Exception):
    """A file fails as a whole, with the boxes in it."""

    def __init__(self, code: str, message: str, boxes: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.boxes = code, message, boxes


@dataclass(slots=True)
class _Scores:
    """Sees whether the last column is of scores or of track ids: in a file whose last column is 1 it can be either."""

    ones: str = ""
    ids: str = ""

    def see(self, shown: str, rows: Rows) -> None:
        if rows.values and all(row[5] == 1 for row in rows.values):
            self.ones = self.ones or shown

    def fail(self, shown: str, error: _FileError) -> None:
        if error.code == "not-a-score":
            self.ids = self.ids or shown

    def judge(self) -> None:
        """Raise InputError where some files have track ids, so that a 1 elsewhere is no score."""
        if self.ones and self.ids:
            raise InputError(
                f"{self.ids}: its last column holds track ids, so the 1 in {self.ones} is one too, and no score; "
                "write the predictions with save_conf, or cut the column off"
            )


def _names_nearby(path: str) -> str:
    """The file of names that lies in the folder of a label file or above it, as a hint; it is not taken unasked."""
    for folder in list(Path(path).absolute().parents)[:3]:
        for name in NAME_FILES:
            if (folder / name).is_file():
                return f" ({folder / name} is there)"
    return ""


def _read_file(batch: _Batch, path: str, relative: str, shown: str, context: Context, seen: dict[str, str]) -> Rows:
    """Add one label file to the batch, and give its rows.

    Raises:
        _FileError: it fails as a whole.
    """
    try:
        rows = parse(_bytes_of(path))
        image = context.images.stem(str(PurePosixPath(relative).with_suffix("")))
    except OSError as error:
        raise _FileError("unreadable", f"cannot be read: {error.strerror}") from None
    except LabelFileError as error:
        raise _FileError(error.code, str(error)) from None
    except InputError as error:
        raise _FileError("ambiguous-image", str(error)) from None
    _check(rows, image, seen.setdefault(image.key, shown), shown)
    for line, problem in rows.bad:
        context.tally.skip("bad-row", problem, Place(shown, line=line))
    batch.add(msgspec.structs.replace(image, source=shown), rows)
    return rows


def _bytes_of(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _check(rows: Rows, image: Image, first: str, shown: str) -> None:
    boxes = len(rows.values) + len(rows.bad)
    if first != shown:
        raise _FileError("duplicate-file", f"is about image '{image.key}', and so is {first}", boxes)
    if not rows.values:
        return
    if not image.sized:
        message = f"the size of its image '{image.key}' is not known; add --images DIR, --size WxH or --categories FILE"
        raise _FileError("no-size", message, boxes)
    high = sum(value > PIXELS for row in rows.values for value in row[1:5])
    if high > PIXEL_SHARE * 4 * len(rows.values) and high:
        message = f"{high} of {4 * len(rows.values)} coordinates are above 1; expected shares of the image, not pixels"
        raise _FileError("pixels", message, boxes)
    score = max((row[5] for row in rows.values if row[5] == row[5]), default=0.0)  # NaN is no score
    if score > 1 or any(row[5] < 0 for row in rows.values):
        message = f"the last column reaches {score:g}; expected scores from 0 to 1 (whole numbers look like track ids)"
        raise _FileError("not-a-score", message, boxes)


def _chunk(batch: _Batch, vocabulary: Vocabulary, context: Context) -> Detections:
    table = np.array(batch.values, np.float64).reshape(-1, 6)
    counts = np.array(batch.counts, np.int64)
    sizes = np.array([(image.width, image.height) for image in batch.images], np.float64)
    owner = np.repeat(np.arange(len(counts)), counts)
    xyxy = cxcywh_to_xyxy(table[:, 1:5] * np.tile(sizes[owner], 2))
    codes = vocabulary.codes(
        table[:, 0].astype(np.int64), lambda row: Place(batch.images[owner[row]].source, line=batch.lines[row])
    )
    known = codes >= 0
    detections = Detections.from_counts(
        batch.images,
        np.bincount(owner[known], minlength=len(counts)),
        xyxy[known],
        codes[known],
        vocabulary.labels,
        score=table[known, 5],
        row=np.array(batch.lines, np.int64)[known],
    )
    context.tally.count(detections)
    return detections
