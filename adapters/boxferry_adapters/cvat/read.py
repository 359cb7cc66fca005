"""Reads files into chunks: images one by one, or one video with all its tracks."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.formats import VIDEO_SUFFIXES
from boxferry.parsing.files import streams_of
from boxferry.parsing.gather import BadBox, BadImage, Box, Gathering, located, one_image, usable
from boxferry.parsing.values import LARGEST_WHOLE, TRACK, label_of, number, score_of, track_of, whole
from boxferry.parsing.xml import XmlError, elements_of
from boxferry_adapters.cvat.shapes import SHAPES, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Source
    from boxferry.parsing.files import File

SCORES = ("score", "confidence")
FIELDS = ("occluded", "z_order", "group_id", "source", "rotation")  #: of a shape itself
FLAGS = ("occluded",)
DERIVED = "shapes are no rectangles along the axes: their boxes are their bounds"


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Chunks of images, and a chunk for each video; a file that cannot be read to its end fails.

    Raises:
        InputError: the source is one file and cannot be opened.
    """
    gathering = Gathering(context, source=source.name)
    return gathering.chunks(_Reader(context, gathering).images(source))


@dataclass(frozen=True, slots=True)
class _Reader:
    _context: Context
    _gathering: Gathering

    def images(self, source: Source) -> Iterator[tuple[Image, list[Box], Place]]:
        for file, stream in streams_of(source, self._context, ".xml"):
            video = _Video()
            try:
                for element in elements_of(stream, {"image", "track", "meta"}):
                    yield from self._seen(element, video, file)
            except XmlError as error:
                self._gathering.fail(BadImage(str(error), Code.BAD_XML), Place(file.shown, line=error.line))
            if video.boxes:
                yield from self._video(video, file)

    def _seen(self, element: Element, video: _Video, file: File) -> Iterator[tuple[Image, list[Box], Place]]:
        """What an element right below the root gives."""
        if element.tag in {"annotations", "meta"}:
            _describe(element, video)
        elif element.tag == "track":
            video.boxes += self._track(element, Place(file.shown, item=video.tracks))
            video.tracks += 1
        elif element.tag == "image":
            place = Place(file.shown, item=video.images)
            video.images += 1
            try:
                yield *self._image(element, place), place
            except BadImage as error:
                self._gathering.fail(error, place)
        else:
            raise XmlError(f"its root is <{element.tag}>, expected <annotations>")

    def _image(self, element: Element, place: Place) -> tuple[Image, list[Box]]:
        shapes = [shape for shape in element if shape.tag in SHAPES]
        said = whole(element.get("width")), whole(element.get("height"))
        names = [element.get("name", "")]
        image = located(self._context, names, said=said, source=place.source, boxes=len(shapes))
        return image, usable(shapes, partial(self._box, place.item or 0), self._context, place)

    def _track(self, track: Element, place: Place) -> list[Box]:
        shapes = []
        for shape in (each for each in track if each.tag in SHAPES):
            if shape.get("outside") == "1":
                self._gathering.remark(Code.OUTSIDE, "shapes say that a track's object is outside: they are no boxes")
            else:
                shapes.append(shape)
        number_of = whole(track.get("id", place.item))
        label = track.get("label", "")
        return usable(shapes, partial(self._tracked, number_of, label, place.item or 0), self._context, place)

    def _tracked(self, track: int, label: str, row: int, shape: Element, index: int) -> Box:
        frame = number(shape.get("frame"), "frame")
        if not 0 <= frame <= LARGEST_WHOLE or frame % 1:
            raise BadBox(f"frame {frame:g}, expected a whole number from 0")
        shape.set("label", label)
        box = self._box(row, shape, index)
        box.track, box.frame = track, int(frame)
        return box

    def _box(self, row: int, shape: Element, _: int) -> Box:
        corners, rings = shape_of(shape)
        values = {each.get("name", ""): (each.text or "").strip() for each in shape.iterfind("attribute")}
        label = label_of(shape.get("label"))
        given = next((values[name] for name in SCORES if name in values), shape.get("score"))
        score = score_of(given)
        if rings:
            self._gathering.remark(Code.DERIVED, DERIVED)
        return Box(
            code=self._gathering.vocabulary.add(label),
            corners=corners,
            score=score,
            row=row,
            track=track_of(values.get(TRACK)),
            rings=rings,
            fields=_fields(shape, values) if self._context.attributes else {},
        )

    def _video(self, video: _Video, file: File) -> Iterator[tuple[Image, list[Box], Place]]:
        place = Place(file.shown)
        try:
            yield _video_image(self._context, video, file), video.boxes, place
        except BadImage as error:
            error.boxes = len(video.boxes)
            self._gathering.fail(error, place)


@dataclass(slots=True)
class _Video:
    """What a file says of its video, as far as it was read."""

    name: str = ""
    size: tuple[int, int] = (0, 0)
    frames: int = 0
    tracks: int = 0
    images: int = 0
    boxes: list[Box] = field(default_factory=list)


def _describe(element: Element, video: _Video) -> None:
    for task in ("task", "job", "project"):
        if (found := element.find(task)) is not None:
            video.name = found.findtext("source") or element.findtext("source") or found.findtext("name") or ""
            size = found.find("original_size")
            video.frames = whole(found.findtext("size"))
            if size is not None:
                video.size = whole(size.findtext("width")), whole(size.findtext("height"))
            return


def _video_image(context: Context, video: _Video, file: File) -> Image:
    """The video of a file: by the name that it gives, else by the file's own.

    Raises:
        BadImage: it is an image, or another size.
    """
    with one_image():
        names = [video.name.strip(), context.images.stem(posixpath.splitext(file.relative)[0]).key]
    found = located(context, names, said=video.size, source=file.shown)
    if found.media and posixpath.splitext(found.media)[1].lower() not in VIDEO_SUFFIXES:
        raise BadImage(f"it has tracks, but '{found.key}' is an image; expected a video", Code.NOT_A_VIDEO)
    return msgspec.structs.replace(found, video=True, frames=found.frames or video.frames)


def _fields(shape: Element, values: dict[str, str]) -> dict[str, str | bool]:
    """The values below a shape, and some of its own."""
    own: dict[str, str | bool] = {name: shape.get(name, "") for name in FIELDS if shape.get(name)}
    own |= {name: own[name] == "1" for name in FLAGS if name in own}
    return own | {name: value for name, value in values.items() if name}
