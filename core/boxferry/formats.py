"""What a format is, and what it is handed: the two functions read and write, a source, and its context."""

from __future__ import annotations

import io
import os
import posixpath
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, TextIO, TypeVar

from boxferry.boxes.labels import ClassTable
from boxferry.errors import InputError, UsageError
from boxferry.remote.ahead import open_ahead, open_here_and_there, read_ahead
from boxferry.remote.urls import is_url
from boxferry.system_errors import STDOUT, naming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.boxes.truth import Truth

T = TypeVar("T")
R = TypeVar("R")
Id = int | str  #: a class or image id as the source has it: an int where the value is integral, else a string


class Source(Protocol):
    """What the user named to be read: a file, a folder, a glob, or standard input; gzip is undone on the way."""

    @property
    def name(self) -> str:
        """As the user gave it; '-' is standard input."""
        ...

    @property
    def value(self) -> object | None:
        """What was handed over, where it is results in memory rather than a file; an iterator can be peeked at."""
        ...

    @property
    def is_stream(self) -> bool:
        """Whether it is one file or standard input, rather than a folder or a glob."""
        ...

    @property
    def head(self) -> bytes:
        """The first 64 KiB of a stream, decompressed; empty for folders and globs."""
        ...

    def open(self) -> BinaryIO:
        """The stream's bytes, decompressed, from the start; may be called again for a second pass."""
        ...

    def files(self, *suffixes: str) -> Iterator[tuple[str, str]]:
        """Each file with one of the suffixes ('.txt', lower case), as (path relative to the source, path to open).

        The path to open is a URL where the source is one: `read_file`, `open_file`, `open_text` and `for_library`
        take both.
        A single file gives itself. Relative paths have forward slashes and come sorted, folders depth-first.
        """
        ...

    def each(self, *suffixes: str) -> Iterator[tuple[str, Source]]:
        """As `files`, each with a source of its own, which undoes gzip: ('.json', '.json.gz')."""
        ...


class Snapshot(NamedTuple):
    """Results in memory whose boxes were copied, so that they can be read after their framework has gone on.

    Attributes:
        format: the name of the format that reads it.
        name: that of the source the results were of.
        results: image name where one is known, number of boxes, and the copy, whose kind the format knows.
    """

    format: str
    name: str
    results: Sequence[tuple[str, int, Any]]

    @property
    def boxes(self) -> int:
        """How many boxes there are."""
        return sum(count for _, count, _ in self.results)

    def parts(self) -> list[Snapshot]:
        """Each result by itself."""
        return [self._replace(results=[each]) for each in self.results]


class Images(Protocol):
    """What is known of the images that boxes are about, from the images folder, a dataset file, or a fixed size.

    Each look-up answers with an Image whose size is 0 where it is unknown.
    """

    def named(self, name: str, *likelier: str) -> Image:
        """The image called `name`: by its whole relative path first, by its base name only where that is unique.

        The whole paths `likelier` are tried before that of `name`; where no image is found, the key is `name`.

        Raises:
            InputError: several images answer to the name; the message lists them.
        """
        ...

    def stem(self, stem: str, *likelier: str) -> Image:
        """The image whose relative path without its last suffix is `stem`; where unknown, its key is the stem.

        Otherwise as `named`.

        Raises:
            InputError: several images answer to the stem; the message lists them.
        """
        ...

    def numbered(self, image_id: Id) -> Image | None:
        """The image with this id in the dataset file (`--categories`), or None."""
        ...

    def local(self, path: str, *, measured: bool = True, there: bool | None = None) -> Image | None:
        """The image or video file at a path of this machine, under its last part; None where it is missing.

        Without `measured` the header of an image is left unread, and its size is 0. `there` says whether the file was
        there when its result was taken; without it that is looked up now.
        """
        ...

    def id_of(self, image: Image) -> Id | None:
        """The id of an image in the dataset file, or None."""
        ...

    def ids(self) -> Iterable[Id]:
        """Every id of the dataset file."""
        ...

    def known(self) -> Iterable[Image]:
        """Every image of the images folder or the dataset file, in their order."""
        ...


IMAGE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"))
VIDEO_SUFFIXES = frozenset((".mp4", ".mov", ".avi", ".m4v"))


def file_stem(image: Image, taken: set[str]) -> str:
    """The relative path without suffix under which a format writes an image's own file.

    Only a suffix that is an image's is taken off: 'frame_0.1' keeps its '.1'.

    Args:
        image: the image.
        taken: the stems that were given already; this one is added.

    Raises:
        InputError: the path leads out of the folder that is written to, or another image has the stem.
    """
    key = PurePosixPath(image.key)
    if key.is_absolute() or ".." in key.parts or "\\" in image.key or PureWindowsPath(image.key).drive or not key.stem:
        raise InputError(f"{image.key}: the image's name points outside the output folder; rename it")
    stem = str(key.with_suffix("") if key.suffix.lower() in IMAGE_SUFFIXES else key)
    if stem in taken:
        raise InputError(f"{image.key}: another image is called '{stem}' without its suffix: one file cannot hold both")
    taken.add(stem)
    return stem


def check_sized(image: Image) -> None:
    """See that the size of an image is known, for a format that cannot be written without.

    Raises:
        InputError: it is not.
    """
    if not image.sized:
        raise InputError(f"{image.key}: its size is not known; add --images DIR, --size WxH or --categories FILE")


def without_suffix(path: str) -> str:
    """A path without its last suffix, as `posixpath.splitext` has it, in a third of the time."""
    head, point, tail = path.rpartition(".")
    if not point or "/" in tail or head[-1:] in {"", "/", "."}:
        return posixpath.splitext(path)[0]
    return head


def read_file(path: str) -> bytes:
    """A file's bytes, by two calls to the system where its size is what it says; a URL's by its file system.

    Raises:
        OSError: it cannot be read.
    """
    if is_url(path):
        return read_ahead(path)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(descriptor).st_size
        parts = [os.read(descriptor, size + 1)]
        while parts[-1] and sum(map(len, parts)) != size:
            parts.append(os.read(descriptor, 1 << 16))
        return b"".join(parts)
    finally:
        os.close(descriptor)


def open_file(path: str) -> BinaryIO:
    """A file's bytes from the start, as `files()` of a source names it: a path of this machine, or a URL.

    Raises:
        OSError: it cannot be read.
    """
    return open_ahead(path) if is_url(path) else open(path, "rb")  # noqa: PTH123 # a path as text, as it came


def open_text(path: str) -> TextIO:
    """As `open_file`, as UTF-8 text; what is none becomes replacement characters.

    Raises:
        OSError: it cannot be read.
    """
    return io.TextIOWrapper(open_file(path), encoding="utf-8-sig", errors="replace")


def open_seekable(path: str) -> BinaryIO:
    """As `open_file`, to be read here and there: of a URL only those parts are fetched, where its server knows ranges.

    Raises:
        OSError: it cannot be read.
    """
    return open_here_and_there(path) if is_url(path) else open_file(path)


@contextmanager
def for_library(path: str) -> Iterator[str | BinaryIO]:
    """What a library is handed that opens files by itself: the path, or an open file where it is a URL.

    Raises:
        OSError: it cannot be read.
    """
    if not is_url(path):
        yield path
        return
    with open_seekable(path) as stream:
        yield stream


def _here(target: Path) -> Path:
    """The target, which is on this machine.

    Raises:
        UsageError: it was a URL.
    """
    if len(target.parts) > 1 and is_url(f"{target.parts[0]}//") and not os.path.exists(target.parts[0]):  # noqa: PTH110
        where = str(target).replace(":/", "://", 1)
        raise UsageError(f"{where}: output cannot go to a URL; name a local file or folder")
    return target


@contextmanager
def output_stream(target: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Standard output for '-', else a file that appears under its name only when it is whole.

    Args:
        target: the path.
        private: only the file's owner may read it.

    Raises:
        UsageError: the target is a folder, or cannot be written.
    """
    with naming(STDOUT if str(target) == "-" else str(target)), _stream(target, private=private) as stream:
        yield stream


@contextmanager
def _stream(target: Path, *, private: bool) -> Iterator[BinaryIO]:
    if str(target) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = _here(target).resolve()  # a link stays a link
    if path.is_dir():
        raise UsageError(f"{target}: a folder; expected the name of a file")
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:  # a pipe or a device is written to, never replaced
            yield stream
        return
    part = path.with_name(path.name + ".part")
    created = _created(part, target, private=private)
    try:
        with created:
            yield created
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def output_folder(target: Path) -> Iterator[Path]:
    """A folder to write into; what is written appears below `target` only when all of it is whole.

    Files that are in `target` already stay, except those of the same names.

    Raises:
        UsageError: the target is a file, or cannot be written.
    """
    path = _here(target).resolve()  # a link stays a link
    if str(target) == "-" or (path.exists() and not path.is_dir()):
        raise UsageError(f"{target}: the format writes many files; name a folder with -o")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from error
    try:
        yield part
        _move_below(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _move_below(part: Path, path: Path) -> None:
    """Put the files of one folder below another, which may be there."""
    if not path.exists():
        part.rename(path)
        return
    for folder, _, names in os.walk(part):
        place = path / os.path.relpath(folder, part)
        place.mkdir(parents=True, exist_ok=True)
        for name in names:
            os.replace(os.path.join(folder, name), place / name)  # noqa: PTH105, PTH118 # paths are text here


def _created(part: Path, target: Path, *, private: bool) -> BinaryIO:
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        if private:
            part.unlink(missing_ok=True)
        return open(part, "wb", opener=_private if private else None)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def still_images(chunks: Iterable[Detections], name: str) -> Iterator[Detections]:
    """The chunks, for a format that has no frames.

    Raises:
        InputError: boxes are on frames of a video; the format would put them all on one image.
    """
    for chunk in chunks:
        if chunk.frame is not None and len(chunk):
            key = next(image.key for image, rows in chunk.each_image() if rows.stop > rows.start)
            raise InputError(
                f"{key}: a video, but the format '{name}' has no frames; write packets, 'boxferry' or 'mot'"
            )
        yield chunk


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """Names, images and sizes without boxes, as a dataset file (`--categories`) gives them.

    Attributes:
        names: class id → label.
        images: image id → image.
    """

    names: Mapping[Id, str]
    images: Mapping[Id, Image]


class Map(Protocol):
    """As the built-in `map`, of one sequence of items."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], batch: int = 1) -> Iterator[R]:
        """What `function` gives for each item, in their order."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a format knows besides its source.

    Attributes:
        images: looks images and their sizes up.
        tally: counts what is read and what is skipped.
        names: class id → label, from `--names` or `--categories`; empty where neither was given.
        options: the values of the options that the format declares, by their names; defaults filled in.
        polygons: whether outlines are asked for: a format that has them fills `Detections.polygons`, else leaves it
            None.
        attributes: the names of the source's further fields that are asked for ('difficult', 'pose'): a format that
            has such fields fills `Detections.attributes`, where a box has them.
        names_counted: the ids of `names` are places in a list, from 0: the list does not say which number is the first.
        keypoints: how many key points a pose has, and how many values each of them, where the class names' file says
            so (`kpt_shape` of a data.yaml); None else.
        score_scale: what scores are divided by once they are read, 100 where they are percent: a format that judges
            scores has to know.
        classes: a reader whose source has class ids of its own tells them here; a writer that numbers classes keeps
            them.
        original: an image's own file as it was read, by the image's key, where its boxes have not changed since; a
            writer that has the same boxes to write writes the same bytes. Empty where there is none.
        map: as the built-in one: what a function of a module gives for each of many items, in their order. With
            `--jobs` other processes call it, `batch` items at a time; nothing that it gives may depend on that.
        takes: whether an image of a name is in the part of the source that is read; a reader of a file for each image,
            with its name, need not open the others. What is read all the same is left out by the core.
        measured: whether the sizes of images that results in memory name are read out of their files, and compared with
            what the results say; else that is done later, by who has set it.
    """

    images: Images
    tally: Tally
    names: Mapping[Id, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    polygons: bool = False
    attributes: tuple[str, ...] = ()
    names_counted: bool = False
    keypoints: tuple[int, int] | None = None
    score_scale: float = 1.0
    classes: ClassTable = field(default_factory=ClassTable)
    original: Callable[[str], bytes] = lambda key: b""  # noqa: ARG005 # none is kept
    map: Map = lambda function, items, batch=1: map(function, items)  # noqa: ARG005 # in this process
    takes: Callable[[str], bool] = lambda name: True  # noqa: ARG005 # the whole source
    measured: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """An option that a format adds to the commands that read or write it, as `--name VALUE`.

    Attributes:
        name: without dashes in front, 'voc-origin'; begins with the format's name or is unmistakable.
        help: one sentence for `--help`.
        default: the value where none is given; '' means not set.
        choices: the values allowed; empty means any text.
        writes: whether it says how the format is written too.
    """

    name: str
    help: str
    default: str = ""
    choices: tuple[str, ...] = ()
    writes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stumble:
    """What keeps a source that looks like one of a format from being recognised as such.

    Attributes:
        where: file and line, or the like.
        found: what stands there, and what was expected, in one clause.
        share: how much of what was looked at is as expected, 0 to 1: the nearest format is suggested.
    """

    where: str
    found: str
    share: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One format: two free functions, read and write, and how it is recognised.

    Attributes:
        name: one lower-case word, as in `--format coco`.
        summary: one line for `boxferry formats`.
        sniff: says why the source is of this format ('a JSON list whose items have image_id, category_id, bbox'),
            or None; looks at the content, raises nothing, and reads little.
        read: yields chunks of boxes, never holding the whole source; counts them on the context's tally. None where
            the format is only written.
        write: writes chunks to a path (a file or a folder; the format says which in its summary) or, where the format
            is one stream, to standard output when the path is '-'. None where the format is only read.
        catalog: reads names, images and sizes from a file given as `--categories`; None where it has none.
        truth: reads a source as a ground truth for metrics, with areas and crowd flags as written; gives None where
            the source holds none. None where the format has no such flags: then the boxes of `read` are the truth.
        options: further options of its own.
        writes_videos: `write` keeps the frames of boxes; others are handed no boxes that have frames.
        live: it is of results in memory, so that it is no use on the command line.
        reads_images_folder: the source is itself the images folder, where no other one is named.
        any_scores: its scores may be below 0 or above 1, by its definition.
        keeps_files: an image has a file of its own, which is kept with a run as it was read where its boxes have no
            scores; `write` is given it back for an image that people left as it was, as `Context.original`.
        snapshot: copies results in memory, but for their outlines, so that `read` can be given the copy as the
            source's value later, in another thread; raises an InputError for what `read` would not read. None where
            the format cannot: then results are read at once.
        stumble: where `sniff` gives None: what it stumbled over, if the source looks like one of this format at all;
            raises nothing. None where the format does not say.
    """

    name: str
    summary: str
    sniff: Callable[[Source], str | None]
    read: Callable[[Source, Context], Iterator[Detections]] | None = None
    write: Callable[[Iterable[Detections], Path, Context], None] | None = None
    catalog: Callable[[Source], Catalog] | None = None
    truth: Callable[[Source, Context], Truth | None] | None = None
    options: tuple[Option, ...] = ()
    writes_videos: bool = False
    live: bool = False
    reads_images_folder: bool = False
    any_scores: bool = False
    keeps_files: bool = False
    snapshot: Callable[[Source], Snapshot] | None = None
    stumble: Callable[[Source], Stumble | None] | None = None
