"""A dataset: the pictures of a directory, or of some runs, that people have settled; written as training takes it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import ClassTable
from boxferry.boxes.tally import Place, Tally
from boxferry.errors import InputError, UsageError
from boxferry.formats import Context
from boxferry.outbox.source_image import SourceImage
from boxferry.plugins import plugin_manager
from boxferry.reading.images import ImageIndex
from boxferry.reading.names import load_names
from boxferry.reading.writing import option_values
from boxferry.review.class_list import ClassList, check_counted, class_list
from boxferry.review.corrected import corrected
from boxferry.review.dataset_download import Wanted, fetched
from boxferry.review.dataset_images import LocalImages, OwnImages, place
from boxferry.review.inside import inside
from boxferry.review.layouts import LAYOUTS, NAMES, Layout, layout_of
from boxferry.review.manifest import MANIFEST, Changes, Row, changes, manifest_text, read_manifest, row_of
from boxferry.review.place_names import place_names
from boxferry.review.split import SPLITS, split_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from boxferry.formats import Format, Id
    from boxferry.review.pictures import Picture

Placing = Literal["copy", "link", "download"]
#: suffixes of names that are meant as those of one file
OF_FILES = {".json", ".jsonl", ".ndjson", ".csv", ".txt", ".xml", ".yaml", ".yml", ".zip", ".tar", ".gz", ".parquet"}
VAL = 0.1  #: the share of the pictures that are for validation
FORMS = ("images", "labels", "annotations", "VOCdevkit", NAMES)  #: what a dataset of somebody else would have


@dataclass(frozen=True, slots=True)
class LeftOutPicture:
    """A picture that is settled and not written.

    Attributes:
        name: its name on the server.
        code: why, in a fixed word: 'video', 'no-size' or 'no-image'.
        message: why.
    """

    name: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was written.

    Attributes:
        folder: the dataset.
        rows: its manifest.
        changes: what differs from the one that was there before.
        classes: its classes.
        left_out: the pictures that are settled and not in it.
        tally: its boxes, and what was left out, cut, or has no place in the format.
    """

    folder: Path
    rows: list[Row]
    changes: Changes
    classes: ClassList
    left_out: list[LeftOutPicture]
    tally: Tally

    @property
    def exit_code(self) -> int:
        """1 where an image is missing, or not the one that the server has; else 0."""
        return int(any(each.code == Code.NO_IMAGE for each in self.left_out))

    def count(self, split: str) -> int:
        """How many pictures a part has."""
        return sum(row.split == split for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {
            "output": str(self.folder),
            "pictures": len(self.rows),
            "boxes": self.tally.kept,
            **{split: self.count(split) for split in SPLITS},
            "new": self.changes.new,
            "changed": self.changes.changed,
            "gone": self.changes.gone,
            "classes": [{"id": number, "name": name} for number, name in self.classes.names.items()],
            "new_labels": [{"id": number, "name": name} for number, name in self.classes.added.items()],
            "left_out": [{"name": each.name, "code": each.code, "message": each.message} for each in self.left_out],
            "dropped": dict(self.tally.dropped),
            "changed_boxes": dict(self.tally.changed),
            "notes": dict(self.tally.noted),
            "exit_code": self.exit_code,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSet:
    """The pictures that people have settled, and how many others there are.

    Attributes:
        directories: the names of the directories.
        pictures: those that belong to it.
        waiting: how many with boxes of the runs no person has looked at.
        pushed_since: how many people have looked at, before boxes came or went that they have not seen.
        by_people: how many people have settled on which no run put a box; in `pictures` where they were asked for.
        labels: the labels of the project, in their order.
        address: file id → the URL of its image, empty where the server gives none; for images that are downloaded.
    """

    directories: list[str]
    pictures: list[Picture]
    waiting: int = 0
    pushed_since: int = 0
    by_people: int = 0
    labels: list[str] = field(default_factory=list)
    address: Callable[[int], str] = field(default=lambda _: "", repr=False)

    def write(
        self,
        folder: str | os.PathLike[str],
        *,
        to: str = "coco",
        names: str | Mapping[Id, str] | None = None,
        val: float = VAL,
        images: str | os.PathLike[str] | None = None,
        local: LocalImages | OwnImages | None = None,
        placing: Placing = "copy",
        options: Mapping[str, str] | None = None,
        formats: Mapping[str, Format] | None = None,
    ) -> Written:
        """Write the dataset into a folder, over the one that is there: the same pictures give the same bytes.

        Args:
            folder: a new or an empty one, or that of an earlier dataset.
            to: the layout: 'yolo' (Ultralytics'), 'coco' or 'voc' (as torchvision takes it).
            names: the class list: a file of names, or class id → name. Where it is left out, the earlier dataset's, and
                the project's labels in their order where there is none. New labels come after.
            val: the share of the pictures that are for validation, 0 to 1; a picture stays in its part.
            images: the folder of the images on this machine; without it they are only listed.
            local: finds the images, in place of a folder.
            placing: 'copy' or 'link' them, or 'download' them from where the server says that they are.
            options: values of the format's own options.
            formats: those that are installed, where left out.

        Raises:
            UsageError: there is something else in the folder, it cannot be written, a value is out of its range, or the
                format has no such option.
            InputError: there is no such file or folder, or the classes cannot be numbered as the layout needs it.
            UnknownFormat: there is no such layout.
        """
        layout, target = layout_of(to), Path(folder)
        if placing == "download" and images is not None:
            raise UsageError("choose either images or download")
        if not 0 <= val <= 1:
            raise UsageError(f"val: {val}, expected a share from 0 to 1")
        fmt = (formats or plugin_manager().formats())[to]
        values = option_values(fmt, {**layout.options, **(options or {})})
        before = _earlier(target)
        table = {} if names is None else (load_names(names) if isinstance(names, str) else dict(names))
        earlier = load_names(str(target / NAMES)) if (target / NAMES).exists() else {}
        local = local if images is None else LocalImages(os.fspath(images))
        writer = _Writer(self, target, layout, val=val, local=local, placing=placing, options=values)
        return writer.write(table, earlier, before, fmt)


def _earlier(folder: Path) -> list[Row]:
    """The manifest of the dataset that is there.

    Raises:
        UsageError: something else is there.
    """
    if folder.suffix.lower() in OF_FILES and not folder.exists():
        raise UsageError(f"{folder}: a dataset is a folder of many files; name a folder, not a file")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: a dataset is many files; name a folder")
    if not (folder / MANIFEST).exists():
        found = _other(folder)
        if found:
            raise UsageError(f"{folder}: it holds {found} and no {MANIFEST}: name a new folder")
    return read_manifest(folder / MANIFEST)


def _other(folder: Path) -> str:
    """What a folder without a manifest holds, best something that tells what it is; empty where it is nothing.

    What git, DVC and the like keep beside a dataset begins with a dot.
    """
    names = sorted(path.name for path in folder.iterdir() if path.name[0] != ".") if folder.exists() else []
    return next((name for name in FORMS if name in names), names[0] if names else "")


class _Writer:
    """Writes a dataset beside its folder, and then into it."""

    def __init__(
        self,
        dataset: TrainingSet,
        folder: Path,
        layout: Layout,
        *,
        val: float,
        local: LocalImages | OwnImages | None,
        placing: Placing,
        options: Mapping[str, str],
    ) -> None:
        self._options = options
        self._dataset, self._folder, self._layout = dataset, folder, layout
        self._val, self._local, self._placing = val, local, placing
        self._tally = Tally()
        self._left_out: list[LeftOutPicture] = []
        self._images: dict[str, Path] = {}
        self._problems: dict[int, str] = {}

    def write(self, given: Mapping[Id, str], earlier: Mapping[Id, str], before: Sequence[Row], fmt: Format) -> Written:
        if not (self._folder / MANIFEST).exists() and self._placing == "download":
            self._mark()
        pictures = list(self._usable())
        used = {box.label for _, picture in pictures for box in picture.file.stored}
        classes = class_list(given, earlier, self._dataset.labels, used, first=self._layout.first)
        if self._layout.counted:
            check_counted(classes.names)
        rows = [self._row(path, picture) for path, picture in pictures]
        if not (self._folder / MANIFEST).exists():
            self._mark()
        with _Beside(self._folder) as stage:
            for split in SPLITS:
                some = [(path, each) for (path, each), row in zip(pictures, rows, strict=True) if row.split == split]
                self._write_part(stage, split, some, classes.names, fmt)
            self._write_lists(stage, rows, classes.names)
            self._bring(stage, before, rows)
        return Written(
            folder=self._folder,
            rows=rows,
            changes=changes(before, rows),
            classes=classes,
            left_out=self._left_out,
            tally=self._tally,
        )

    def _mark(self) -> None:
        """Write an empty manifest: the folder is a dataset's from now on, whatever happens."""
        _put(manifest_text(()).encode(), self._folder / MANIFEST)

    def _usable(self) -> Iterable[tuple[str, Picture]]:
        """Each picture with its path, in the order of the paths; those that cannot be written are noted."""
        names = place_names((each.file.file_id, each.file.file_name) for each in self._dataset.pictures)
        self._fetch(names)
        for picture in sorted(self._dataset.pictures, key=lambda each: names[each.file.file_id]):
            path, file = names[picture.file.file_id], picture.file
            if file.video:
                self._leave_out(picture, Code.VIDEO, f"a video, and '{self._layout.name}' has no frames: pull its run")
            elif not (file.width and file.height):
                self._leave_out(picture, Code.NO_SIZE, "the server does not tell its size")
            elif self._found(path, picture):
                file, cut = inside(replace(file, image=SourceImage(path, file.file_id)))
                if cut:
                    self._tally.note(Code.CLIPPED, f"{cut} boxes reach beyond it: cut at its edge", Place(path))
                yield path, replace(picture, file=file)

    def _fetch(self, names: Mapping[int, str]) -> None:
        """Download the images, where that is wanted; the problems are noted."""
        if self._placing != "download":
            return
        files = [each.file for each in self._dataset.pictures]
        wanted = [
            Wanted(file.file_id, (file.width, file.height), self._folder / self._image(file.file_name, path))
            for file in files
            for path in [names[file.file_id]]
            if file.width and file.height and not file.video
        ]
        self._problems = fetched(wanted, self._dataset.address)

    def _image(self, name: str, path: str) -> str:
        return self._layout.image(split_of(name, self._val), path)

    def _found(self, path: str, picture: Picture) -> bool:
        """Whether the image is on this machine, where images are wanted."""
        if problem := self._problems.get(picture.file.file_id):
            self._leave_out(picture, Code.NO_IMAGE, problem)
            return False
        if self._local is None:
            return True
        file = picture.file
        try:
            self._images[path] = self._local.find(file.file_name, (file.width, file.height))
        except InputError as error:
            self._leave_out(picture, Code.NO_IMAGE, str(error))
            return False
        return True

    def _leave_out(self, picture: Picture, code: str, message: str) -> None:
        name, boxes = picture.file.file_name, len(picture.file.stored)
        self._left_out.append(LeftOutPicture(name, code, message))
        self._tally.skip(code, message, Place(name), boxes=boxes)

    def _row(self, path: str, picture: Picture) -> Row:
        split = split_of(picture.file.file_name, self._val)
        image, annotation = self._image(picture.file.file_name, path), self._layout.annotation(split, path)
        return row_of(picture, split=split, image=image, annotation=annotation)

    def _write_part(
        self, stage: Path, split: str, some: Sequence[tuple[str, Picture]], names: Mapping[Id, str], fmt: Format
    ) -> None:
        classes = ClassTable()
        classes.learn(names, "the class list")
        context = Context(images=ImageIndex.build(), tally=self._tally, options=self._options, classes=classes)
        labels = list(dict.fromkeys(names.values()))
        chunks = corrected([picture.file for _, picture in some], self._tally, labels=labels)
        home = stage / self._layout.home.format(split=split)
        if fmt.write is None:
            raise UsageError(f"format '{fmt.name}' can be read, not written")
        if not self._layout.written:
            fmt.write(chunks, home, context)
            return
        part = stage / f".{split}"
        fmt.write(chunks, part, context)
        home.mkdir(parents=True, exist_ok=True)
        _merge(part / self._layout.written, home)
        shutil.rmtree(part)

    def _write_lists(self, stage: Path, rows: Sequence[Row], names: Mapping[Id, str]) -> None:
        folder = {split: self._layout.image(split, "") for split in SPLITS}
        paths: dict[str, list[str]] = {
            split: [row.image.removeprefix(folder[split]) for row in rows if row.split == split] for split in SPLITS
        }
        for path, text in {**self._layout.lists(paths, names), MANIFEST: manifest_text(rows)}.items():
            (stage / path).parent.mkdir(parents=True, exist_ok=True)
            (stage / path).write_text(text, encoding="utf-8", newline="\n")

    def _bring(self, stage: Path, before: Sequence[Row], rows: Sequence[Row]) -> None:
        """Put what was written into the folder, with the images; what the earlier dataset alone had goes."""
        for row, image in zip(rows, self._images.values(), strict=False):
            place(image, self._folder / row.image, link=self._placing == "link")
        now = {path for row in rows for path in (row.image, row.annotation)}
        gone = {row.annotation for row in before} | self._annotations() | self._other_lists(before)
        gone -= now | {self._layout.home.format(split=split) for split in SPLITS}
        if self._local is not None or self._placing == "download":
            gone |= {row.image for row in before} - now
        manifest = stage / MANIFEST
        kept = manifest.read_bytes()
        manifest.unlink()
        _merge(stage, self._folder)
        for path in sorted(gone):
            _remove(self._folder, path)
        _put(kept, self._folder / MANIFEST)

    def _other_lists(self, before: Sequence[Row]) -> set[str]:
        """The lists of an earlier dataset in another layout."""
        others = (layout for layout in LAYOUTS.values() if layout is not self._layout and layout.holds(before))
        nothing: dict[str, Sequence[str]] = dict.fromkeys(SPLITS, ())
        return {path for layout in others for path in layout.lists(nothing, {})} - {NAMES}

    def _annotations(self) -> set[str]:
        """The images' own files that the folder has, of a dataset too whose writing was broken off."""
        homes = {self._layout.home.format(split=split) for split in SPLITS} if self._layout.suffix else set()
        found = (path for home in homes for path in (self._folder / home).rglob(f"*{self._layout.suffix}"))
        return {path.relative_to(self._folder).as_posix() for path in found}


class _Beside:
    """A folder beside another one, which goes at the end."""

    def __init__(self, folder: Path) -> None:
        whole = folder.absolute()
        self._part = whole.with_name(f".{whole.name}.{os.getpid()}.part")

    def __enter__(self) -> Path:
        try:
            self._part.mkdir(parents=True)
        except OSError as error:
            raise UsageError(f"{self._part}: cannot be written: {error.strerror}") from error
        return self._part

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._part, ignore_errors=True)


def _merge(source: Path, target: Path) -> None:
    """Put the files of one folder into another; those that have the same bytes already keep their time."""
    for folder, _, names in os.walk(source):
        for name in names:
            path = Path(folder, name)
            _put(path.read_bytes(), target / path.relative_to(source))


def _put(data: bytes, target: Path) -> None:
    try:
        if target.is_file() and target.read_bytes() == data:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from error


def _remove(folder: Path, path: str) -> None:
    """Remove a file of the earlier dataset; a manifest that leads out of its folder is not followed."""
    target = folder / path
    if ".." not in Path(path).parts and target.parent.resolve().is_relative_to(folder.resolve()):
        target.unlink(missing_ok=True)
        for parent in target.parents:
            if parent == folder or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()
