"""Reads label files into chunks: many files' rows become one set of columns."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import Vocabulary
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import read_file, without_suffix
from boxferry.parsing.files import files_of
from boxferry.parsing.gather import BadImage
from boxferry.remote.path import folders_above, path_of
from boxferry_adapters.yolo.batch import Batch
from boxferry_adapters.yolo.classes import Classes
from boxferry_adapters.yolo.frames import videos_of
from boxferry_adapters.yolo.layout import SCORES_OR_TRACKS, Layout, layout_of, settled
from boxferry_adapters.yolo.rows import (
    NUMBERS,
    Rows,
    UnknownNameError,
    name_length,
    parse,
)
from boxferry_adapters.yolo.sniffing import first_lines, is_label_file, lines_of
from boxferry_adapters.yolo.watch import Crowd, Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Source
    from boxferry.parsing.files import File

CHUNK_FILES = 512
NAME_FILES = ("data.yaml", "data.yml", "classes.txt", "obj.names")
LABELS = re.compile(r"(?<![^/])labels(?![^/])(?!.*(?<![^/])labels(?![^/]))")  #: the last folder of this name
LOOKED_AT = 64  #: files whose rows say what the columns mean
PIXELS = 1.5  #: a normalised coordinate above this is none
PIXEL_SHARE = 0.01
NOISE = 1e-6  #: that arithmetic in 32 bits leaves above 1


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for every 512 files, or for every few videos.

    Raises:
        InputError: there are no label files, or boxes and no class names, or the rows can be read in two ways, or the
            source is standard input.
    """
    if source.name == "-":
        raise InputError("standard input: YOLO needs files, since a file's name tells its image; name a folder")
    files = _label_files(source)
    ahead = list(islice(files, LOOKED_AT))
    classes = Classes(context.names)
    points, scale = context.keypoints, context.score_scale
    layout = layout_of(context.options, _first_rows(ahead), source.name, points=points, scale=scale)
    reader = _Reader(source, context, layout, classes, Order(source.name, watched=layout.columns is None))
    if origin := context.options.get("yolo-frames"):
        yield from reader.videos([*ahead, *files], int(origin))
    else:
        yield from reader.stills(ahead)
        yield from reader.stills(files)
    yield from reader.rest()
    if not ahead and not context.tally.failed:
        raise InputError(f"{source.name}: no label files (*.txt) in it")


def _label_files(source: Source) -> Iterator[File]:
    return (file for file in files_of(source, ".txt") if is_label_file(file.relative, file.path))


def _first_rows(files: list[File]) -> Iterator[list[str]]:
    """The words of the rows of some files, as far as they can be read, a number in the first place."""
    for file in files:
        try:
            yield from _rows_of(first_lines(file.path))
        except (OSError, BadImage):
            continue  # said when it is read


def _rows_of(lines: Iterable[str]) -> Iterator[list[str]]:
    for words in map(str.split, lines):
        named = name_length(words)
        yield ["0", *words[named:]] if named else words


@dataclass(slots=True)
class _Reader:
    """One pass over the files; `seen` has the file of each image, by its path in the source."""

    source: Source
    context: Context
    layout: Layout
    classes: Classes
    order: Order
    crowd: Crowd = field(default_factory=Crowd)
    vocabulary: Vocabulary = field(init=False)
    batch: Batch = field(default_factory=Batch)
    seen: dict[str, str] = field(default_factory=dict)
    widths: set[int] = field(default_factory=set)
    outlines: int = 0

    def __post_init__(self) -> None:
        self.vocabulary = Vocabulary(self.context.names)

    def stills(self, files: Iterator[File] | list[File]) -> Iterator[Detections]:
        """A file an image."""
        for file in files:
            stem = without_suffix(file.relative)
            if self._wanted(stem):
                self._still(file, stem)
            if len(self.batch) >= CHUNK_FILES:
                yield self._chunk()

    def _still(self, file: File, stem: str) -> None:
        """Take a file, where its image is in the part that is read; one that fails is in that of its own name."""
        key = f"{stem}.image"
        try:
            rows = self._rows(file)
            image = self._image(stem, rows, file)
            key = image.key
            if self.context.takes(key):
                self._check_first(rows, image, self.seen.setdefault(key, file.relative), file)
                self._check(rows, image)
                self._add(image, rows, file)
        except BadImage as error:
            if self.context.takes(key):
                self._fail(file, error)

    def _wanted(self, stem: str) -> bool:
        """Whether a file's image may be in the part that is read; its name is the file's, or begins with its stem."""
        return self.context.takes(f"{stem}.image") or self.context.takes(stem)

    def videos(self, files: list[File], origin: int) -> Iterator[Detections]:
        """A file a frame; `origin` is the number of the first frame in the names."""
        videos, unnumbered = videos_of(files, origin)
        for file in unnumbered:
            message = f"its name has no frame number from {origin} at its end, as in clip_{origin}.txt"
            self._fail(file, BadImage(message, Code.NO_FRAME, self._boxes_in(file)))
        for stem, frames in videos.items():
            first = True
            for frame, file in frames:
                try:
                    rows = self._rows(file)
                    image = msgspec.structs.replace(self._image(stem, rows, file), video=True)
                    self._check(rows, image)
                    self._add(image, rows, file, frame=frame, more=not first)
                    first = False
                except BadImage as error:
                    self._fail(file, error)
            if len(self.batch.lines) >= CHUNK_FILES:
                yield self._chunk()

    def rest(self) -> Iterator[Detections]:
        """The last chunk; then what is to be said of the whole."""
        if len(self.batch):
            yield self._chunk()
        if self.outlines:
            self.context.tally.note(Code.OUTLINES, f"{self.outlines} boxes are the bounds of outlines")
        self.crowd.finish(self.context.tally)
        self.vocabulary.report(self.context.tally)

    def _chunk(self) -> Detections:
        batch, self.batch = self.batch, Batch()
        for number, name in self.classes.own.items():
            self.vocabulary.define(number, name)
        chunk = batch.detections(
            self.vocabulary, self.order, absolute=self.layout.absolute, polygons=self.context.polygons
        )
        self.context.tally.count(chunk)
        return chunk

    def _fail(self, file: File, error: BadImage) -> None:
        self.context.tally.fail(error.code, str(error), Place(file.shown), boxes=error.boxes, counted=False)

    def _rows(self, file: File) -> Rows:
        try:
            rows = parse(read_file(file.path), self.layout, self.classes)
            if not rows.widths <= self.widths and self.layout.open(rows.widths):
                lines = lines_of(read_file(file.path))
                self.layout = settled(self.layout, list(_rows_of(line for line in lines if line.strip())), file.shown)
                rows = parse(read_file(file.path), self.layout, self.classes)
        except OSError as error:
            raise BadImage(f"cannot be read: {error.strerror}", Code.UNREADABLE) from None
        except UnknownNameError as error:
            raise InputError(f"{Place(file.shown, line=error.line)}: {error}") from None
        self.widths |= rows.widths
        self._judge_six(rows, file)
        return rows

    def _judge_six(self, rows: Rows, file: File) -> None:
        """Hold the sixth column of a file against what it is elsewhere; the first file that has one decides.

        Raises:
            InputError: it is something else here.
        """
        if self.layout.columns is not None or self.layout.kind == "pose" or self.layout.scale != 1:
            return
        above = [score for score in rows.scores if score > 1] if rows.best > 1 else []
        whole = bool(above) and all(score % 1 == 0 for score in above)
        if self.layout.six == "score" and whole:
            found = "its sixth column holds whole numbers above 1, that of others scores"
            raise InputError(f"{file.shown}: {found}: {SCORES_OR_TRACKS}")
        if self.layout.six == "track" and not rows.outlines and len(rows.scores) > _scored(rows):
            found = "its sixth column holds scores, that of others track ids"
            raise InputError(f"{file.shown}: {found}: {SCORES_OR_TRACKS}")

    def _boxes_in(self, file: File) -> int:
        try:
            rows = self._rows(file)
        except BadImage:
            return 0
        return _size(rows)

    def _image(self, stem: str, rows: Rows, file: File) -> Image:
        try:
            return self._found(stem, file)
        except InputError as error:
            raise BadImage(str(error), Code.AMBIGUOUS_IMAGE, _size(rows)) from None

    def _found(self, stem: str, file: File) -> Image:
        """The image of a stem; where `labels` is a folder above it, the one that lies so below `images` goes first."""
        if "labels" in stem and (beside := _beside(stem)):
            return self.context.images.stem(stem, beside)
        try:
            return self.context.images.stem(stem)
        except InputError:
            if beside := _beside(posixpath.splitext(file.path.replace("\\", "/"))[0]):
                return self.context.images.stem(stem, beside)
            raise

    def _add(self, image: Image, rows: Rows, file: File, *, frame: int | None = None, more: bool = False) -> None:
        if len(rows) and len(rows) + len(rows.repeated) > rows.named and not self.context.names:
            hint = _names_nearby(file.path)
            raise InputError(f"{file.shown}: class ids need names; add --names FILE or LIST{hint}")
        for line, problem in rows.bad:
            self.context.tally.skip(Code.BAD_ROW, problem, Place(file.shown, line=line))
        for line in rows.repeated:
            message = "stands in this file already, word for word: was the file written to twice?"
            self.context.tally.skip(Code.DUPLICATE_LINE, message, Place(file.shown, line=line))
        self.crowd.see(file.shown, len(rows), rows.tracks)
        if rows.outlines:
            self.outlines += sum(outline is not None for outline in rows.outlines)
        self.batch.add(msgspec.structs.replace(image, source=file.shown), rows, frame=frame, more=more)

    def _check_first(self, rows: Rows, image: Image, first: str, file: File) -> None:
        if first != file.relative:
            shown = next(each.shown for each in _label_files(self.source) if each.relative == first)
            raise BadImage(f"is about image '{image.key}', and so is {shown}", Code.DUPLICATE_FILE, _size(rows))

    def _check(self, rows: Rows, image: Image) -> None:
        if not len(rows):
            return
        if not image.sized:
            remedy = "add --images DIR, --size WxH or --categories FILE"
            raise BadImage(f"the size of its image '{image.key}' is not known; {remedy}", Code.NO_SIZE, _size(rows))
        if rows.highest > PIXELS and not self.layout.absolute:
            coordinates = list(rows.coordinates())
            high = sum(value > PIXELS for value in coordinates)
            if high > PIXEL_SHARE * len(coordinates):
                found = f"{high} of {len(coordinates)} coordinates are above 1; expected shares of the image"
                raise BadImage(f"{found}; if they are pixels, pass --absolute yes", Code.PIXELS, _size(rows))
        if rows.best > self.layout.scale:
            self._check_scores(rows, _size(rows))

    def _check_scores(self, rows: Rows, boxes: int) -> None:
        """Most scores of a file above 1 are none; a few are noted once all is read."""
        scale = self.layout.scale
        over = sum(score > scale * (1 + NOISE) for score in rows.scores)
        if 2 * over > len(rows.scores):
            found = f"{over} of {len(rows.scores)} scores are above 1, up to {rows.best / scale:g}"
            hint = "if they are percent, add --score-scale 100"
            if all(0 <= second <= 1 for second in rows.table[1::NUMBERS]):
                hint = f"{hint}; if the second column holds the scores, --columns cls,conf,x,y,w,h"
            raise BadImage(f"{found}; expected 0 to 1; {hint}; {SCORES_OR_TRACKS}", Code.NOT_A_SCORE, boxes)


def _beside(stem: str) -> str:
    """The same path below `images` in place of `labels`; empty where it is not below `labels`."""
    folders, _, name = stem.rpartition("/")
    return f"{LABELS.sub('images', folders)}/{name}" if LABELS.search(folders) else ""


def _scored(rows: Rows) -> int:
    """How many rows have a score and a track id, which are rows of seven columns."""
    scores = rows.table[5::NUMBERS]
    return sum(track >= 0 and score == score for track, score in zip(rows.tracks, scores, strict=False))  # noqa: PLR0124 # NaN


def _size(rows: Rows) -> int:
    """How many boxes a file holds, the unusable ones among them."""
    return len(rows) + len(rows.bad) + len(rows.repeated)


def _names_nearby(path: str) -> str:
    """The file of names that lies in the folder of a label file or above it, as a hint; it is not taken unasked."""
    for folder in folders_above(path_of(path), 3):
        for name in NAME_FILES:
            if (folder / name).is_file():
                return f" ({folder / name} is there)"
    return ""
