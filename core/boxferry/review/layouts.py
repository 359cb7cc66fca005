"""Where the files of a dataset are, in the layouts that training takes: Ultralytics', COCO's, Pascal VOC's. Pure."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.errors import UnknownFormat
from boxferry.formats import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from boxferry.formats import Id
    from boxferry.review.manifest import Row

VOC = "VOCdevkit/VOC2012"  #: the folder that torchvision looks for
NAMES = "data.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """One layout; paths are relative to the dataset, with forward slashes.

    Attributes:
        name: of the format in which annotations are written.
        first: the number of the first class, where there is no table of classes.
        counted: whether classes have to count from 0.
        images: the folder of the images of a part ('{split}').
        written: what the format writes of a part: a file, or the folder in it that holds a file for each image.
        home: where that belongs.
        suffix: of an image's own file; empty where a part has one file.
        options: of the format.
        lists: the further files: path → text, by the image paths of each part and the classes.
    """

    name: str
    first: int
    counted: bool = False
    images: str
    written: str
    home: str
    suffix: str = ""
    options: Mapping[str, str]
    lists: Callable[[Mapping[str, Sequence[str]], Mapping[Id, str]], dict[str, str]]

    def image(self, split: str, path: str) -> str:
        """Where an image is."""
        return f"{self.images.format(split=split)}/{path}"

    def annotation(self, split: str, path: str) -> str:
        """Where the boxes of an image are."""
        home = self.home.format(split=split)
        return f"{home}/{stem_of(path)}{self.suffix}" if self.suffix else home

    def holds(self, rows: Iterable[Row]) -> bool:
        """Whether a manifest is of a dataset in this layout."""
        return any(row.annotation.startswith(self.home.format(split=row.split)) for row in rows)


def stem_of(path: str) -> str:
    """A path without the suffix of an image."""
    stem, suffix = posixpath.splitext(path)
    return stem if suffix.lower() in IMAGE_SUFFIXES else path


def _yaml(names: Mapping[Id, str], **more: str) -> str:
    import yaml

    return yaml.safe_dump({**more, "names": dict(names)}, sort_keys=False, allow_unicode=True)


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _yolo_lists(images: Mapping[str, Sequence[str]], names: Mapping[Id, str]) -> dict[str, str]:
    """The lists name images by './', which Ultralytics takes as relative to the list; a `path` it would look up."""
    ordered = {class_id: names[class_id] for class_id in sorted(names, key=int)}
    parts = {split: f"{split}.txt" for split in images}
    lists = {parts[split]: _lines([f"./images/{split}/{path}" for path in paths]) for split, paths in images.items()}
    return {**lists, NAMES: _yaml(ordered, **parts)}


def _coco_lists(_: Mapping[str, Sequence[str]], names: Mapping[Id, str]) -> dict[str, str]:
    return {NAMES: _yaml(names)}


def _voc_lists(images: Mapping[str, Sequence[str]], names: Mapping[Id, str]) -> dict[str, str]:
    stems = {split: list(map(stem_of, paths)) for split, paths in images.items()}
    stems["trainval"] = sorted(stem for paths in stems.values() for stem in paths)
    sets = {f"{VOC}/ImageSets/Main/{split}.txt": _lines(found) for split, found in stems.items()}
    return {**sets, NAMES: _yaml(names)}


LAYOUTS = {
    "yolo": Layout(
        name="yolo",
        first=0,
        counted=True,
        images="images/{split}",
        written="labels",
        home="labels/{split}",
        suffix=".txt",
        options={},
        lists=_yolo_lists,
    ),
    "coco": Layout(
        name="coco",
        first=1,
        images="images/{split}",
        written="",
        home="annotations/instances_{split}.json",
        options={"coco-form": "dataset"},
        lists=_coco_lists,
    ),
    "voc": Layout(
        name="voc",
        first=1,
        images=f"{VOC}/JPEGImages",
        written="Annotations",
        home=f"{VOC}/Annotations",
        suffix=".xml",
        options={},
        lists=_voc_lists,
    ),
}


def layout_of(name: str) -> Layout:
    """The layout of this name.

    Raises:
        UnknownFormat: there is none.
    """
    if name not in LAYOUTS:
        raise UnknownFormat(f"a dataset is written as {', '.join(LAYOUTS)}, not as '{name}'")
    return LAYOUTS[name]
