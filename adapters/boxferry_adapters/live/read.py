"""Results in memory into chunks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections, objects
from boxferry.boxes.labels import Vocabulary
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import VIDEO_SUFFIXES, Snapshot
from boxferry_adapters.live.image import LiveImage, boxes
from boxferry_adapters.live.items import HOW, nothing_found, pairs, recognised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Image
    from boxferry.formats import Context, Source
    from boxferry_adapters.live.frameworks import Framework

CHUNK_IMAGES = 256
SMALLEST = 16  #: pixels; on smaller images a box under a pixel is nothing odd
NOTHING = LiveImage(xyxy=boxes([]), labels=[])


def sniffer(framework: Framework) -> Callable[[Source], str | None]:
    """What recognises results of a framework."""

    def sniff(source: Source) -> str | None:
        if source.value is None:
            return None
        found = recognised(source.value, framework.is_one) or (framework.empty and nothing_found(source.value))
        return framework.looks_like if found else None

    return sniff


def reader(framework: Framework) -> Callable[[Source, Context], Iterator[Detections]]:
    """What reads results of a framework."""

    def read(source: Source, context: Context) -> Iterator[Detections]:
        """Yield a chunk for every 256 images; the frames of a video are one image.

        Raises:
            InputError: it is no such result, or the image of one is unknown, or what its classes are called.
        """
        if source.value is None:
            raise InputError(f"{source.name}: format '{framework.name}' is of results in memory, not of files")
        gathering = _Gathering(source.name, context)
        for name, live in _converted(framework, source.value, polygons=context.polygons):
            if chunk := gathering.add(name, live):
                yield chunk
        yield from gathering.rest()

    return read


def snapshotter(framework: Framework) -> Callable[[Source], Snapshot]:
    """What copies results of a framework."""

    def snapshot(source: Source) -> Snapshot:
        found = _converted(framework, source.value, polygons=False)
        named = [(name or live.name, live) for name, live in found]
        copies = [(name, len(live.xyxy), live.copied(name)) for name, live in named]
        return Snapshot(framework.name, source.name, copies)

    return snapshot


def _converted(framework: Framework, value: object, *, polygons: bool) -> Iterator[tuple[str, LiveImage]]:
    if isinstance(value, Snapshot):
        yield from ((name, live) for name, _, live in value.results)
        return
    for name, result in pairs(value, framework.is_one, framework.split):
        yield name, _one(framework, name, result, polygons=polygons) if framework.is_one(result) else NOTHING


def _one(framework: Framework, name: str, result: object, *, polygons: bool) -> LiveImage:
    """A result in plain arrays.

    Raises:
        InputError: it holds what is no number, or not as many scores, labels or tracks as boxes.
    """
    try:
        live = framework.convert(result, polygons)
    except InputError as error:
        raise InputError(f"{name or 'a result'}: {error}") from None
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        what = f"missing {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{name or 'a result'}: not as {framework.name} gives it: {what}") from None
    live.check(live.name or name or "a result")
    return live


def _in_pixels(live: LiveImage, image: Image) -> LiveImage:
    if not live.relative or not len(live.xyxy):
        return live
    if not image.sized:
        raise InputError(f"{image.key}: its boxes are shares of an unknown size; pass images=, its folder, or size=")
    return replace(live, xyxy=live.xyxy * np.tile([image.width, image.height], 2))


def _refuse_shares(live: LiveImage, image: Image) -> None:
    """An error where all boxes of an image look like shares of its size."""
    if min(image.width, image.height) > SMALLEST and not live.relative and _within_one(live):
        found = f"all its boxes lie within 0 and 1, on an image of {image.width}x{image.height}"
        raise InputError(f"{image.key}: {found}: they look normalised; multiply them by its width and height")


def _within_one(live: LiveImage) -> bool:
    """Whether all boxes of an image lie within 0 and 1, and not only at these."""
    if not len(live.xyxy) or not (live.xyxy.min() >= 0 and 0 < live.xyxy.max() <= 1):
        return False
    return bool((live.xyxy % 1 > 0).any())


@dataclass(slots=True)
class _Row:
    """One image that is gathered, with its results: one, or those of a video's frames."""

    image: Image
    results: list[LiveImage] = field(default_factory=list)
    codes: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class _Gathering:
    """Gathers images until there are enough for a chunk; a video until its last frame."""

    source: str
    context: Context
    vocabulary: Vocabulary = field(init=False)
    rows: dict[str, _Row] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    told: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vocabulary = Vocabulary(self.context.names)

    def add(self, name: str, live: LiveImage) -> Detections | None:
        """Take one result; gives a chunk where there are enough."""
        image = self._image(name or live.name, live)
        self._learn(live.names)
        _refuse_shares(live, image)
        known = self.rows.get(image.key)
        if (known and not image.video) or (image.key in self.seen and not known):
            message = "an earlier result is of the same image: this one is left out"
            self.context.tally.fail(
                Code.DUPLICATE_IMAGE, message, Place(image.key), boxes=len(live.xyxy), counted=False
            )
            return None
        chunk = self.chunk() if not known and len(self.rows) >= CHUNK_IMAGES else None
        row = self.rows.setdefault(image.key, _Row(image))
        self.seen.add(image.key)
        row.results.append(_in_pixels(live, image))
        row.codes.append(self._codes(image, live))
        return chunk

    def _learn(self, names: Mapping[int, str]) -> None:
        """Tell the class ids of a result; those of the next ones are mostly the same."""
        if names and names != self.told and not self.context.names:
            self.told = names
            own: dict[int | str, str] = dict(names.items())
            self.context.classes.learn(own, self.source)

    def _image(self, name: str, live: LiveImage) -> Image:
        if not name:
            raise InputError(f"{self.source}: which image is a result of? {HOW}")
        image = self.context.images.named(name)
        if not image.media:
            now = self.context.measured or live.relative or _within_one(live)
            image = self.context.images.local(name, measured=now, there=live.there) or image
        video = image.video or os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES  # noqa: PTH122 # likewise
        if not image.sized:
            image = msgspec.structs.replace(image, width=live.size[0], height=live.size[1])
        elif 0 not in live.size and (image.width, image.height) != live.size:
            sizes = f"{live.size[0]}x{live.size[1]}, the image is {image.width}x{image.height}"
            raise InputError(f"{name}: the result is of an image of {sizes}: its boxes may be wrong")
        return msgspec.structs.replace(image, video=video)

    def _codes(self, image: Image, live: LiveImage) -> Any:  # noqa: ANN401 # (N,) int32
        place = Place(image.key)
        if live.labels is not None:
            return np.array([self.vocabulary.add(name) for name in live.labels], np.int32)
        ids = live.ids if live.ids is not None else np.zeros(len(live.xyxy), np.int64)
        if live.names and not self.context.names:
            listed = ids.tolist()
            known = {i: self.vocabulary.add(live.names[i]) for i in dict.fromkeys(listed) if i in live.names}
            named = [known[i] if i in known else self.vocabulary.code(i, place) for i in listed]
            return np.array(named, np.int32)
        if len(ids) and not self.context.names:
            raise InputError(f"{image.key}: class ids need names: pass names=, a list or a dict of id and name")
        return self.vocabulary.codes(ids, lambda _: place)

    def rest(self) -> Iterator[Detections]:
        """The last chunk; then the classes without a name are counted."""
        if self.rows:
            yield self.chunk()
        self.vocabulary.report(self.context.tally)

    def chunk(self) -> Detections:
        """What has been gathered, counted as read."""
        rows, self.rows = list(self.rows.values()), {}
        parts = [(row, frame, live) for row in rows for frame, live in enumerate(row.results)]
        codes = np.concatenate([codes for row in rows for codes in row.codes])
        known = codes >= 0
        counts = [sum(int((c >= 0).sum()) for c in row.codes) for row in rows]
        columns = _columns(parts, known, video=any(row.image.video for row in rows), polygons=self.context.polygons)
        detections = Detections.from_counts(
            [row.image for row in rows],
            counts,
            np.concatenate([live.xyxy for _, _, live in parts])[known],
            codes[known],
            self.vocabulary.labels,
            row_unit="item",
            **columns,
        )
        self.context.tally.count(detections)
        return detections


def _columns(
    parts: list[tuple[_Row, int, LiveImage]],
    known: NDArray[np.bool_],
    *,
    video: bool,
    polygons: bool,
) -> dict[str, Any]:
    """The columns that not every framework fills."""

    def column(values: Callable[[LiveImage], Any], missing: float) -> Any:  # noqa: ANN401 # (N,)
        return np.concatenate(
            [np.full(len(live.xyxy), missing) if (v := values(live)) is None else v for _, _, live in parts]
        )[known]

    found: dict[str, Any] = {
        "score": column(lambda live: live.score, np.nan),
        "row": np.concatenate([np.arange(len(live.xyxy)) for _, _, live in parts])[known],
    }
    if any(live.track is not None for _, _, live in parts):
        found["track"] = column(lambda live: live.track, -1)
    if video:
        found["frame"] = np.concatenate([np.full(len(live.xyxy), frame) for _, frame, live in parts])[known]
    if polygons and any(live.polygons is not None for _, _, live in parts):
        rings = [ring for _, _, live in parts for ring in (live.polygons or [None] * len(live.xyxy))]
        found["polygons"] = objects(rings)[known]
    return found
