"""What an item has besides its box: outlines, fields, frame and track; put aside until its chunk is built."""

from __future__ import annotations

import pickle
import tempfile
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from boxferry.boxes.detections import objects
from boxferry.boxes.outlines import bounds_of
from boxferry.parsing.spill import said_of_disk
from boxferry_adapters.coco.items import BadItem
from boxferry_adapters.coco.segments import rings_of

if TYPE_CHECKING:
    from boxferry.formats import Context, Id

TRACK_KEYS = ("track_id", "instance_id")
LARGEST_TRACK = 2**62


class Extras:
    """Keeps what was asked for in a temporary file until the chunk of its box is built.

    Attributes:
        frames: image id → frame of its video; None where images are stills.
        derived: how many boxes are the bounds of a segmentation.
        unreadable: how many segmentations could not be read beside a bbox that could.
    """

    def __init__(self, context: Context) -> None:
        self.frames: dict[Id, int] | None = None
        self.derived = 0
        self.unreadable = 0
        self._context = context
        self._open = ExitStack()
        self._file: Any = None
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what a full disk did not take has been said
            self._open.close()

    @property
    def wanted(self) -> bool:
        """Whether items have to be looked at key by key."""
        return self._context.polygons or bool(self._context.attributes) or self.frames is not None

    def bounds(self, segmentation: Any) -> tuple[float, float, float, float]:  # noqa: ANN401 # any JSON value
        """The bbox [x, y, width, height] of a segmentation.

        Raises:
            BadItem: it cannot be read, or covers nothing.
        """
        rings = rings_of(segmentation)
        if not rings:
            raise BadItem("segmentation: covers no pixel, and there is no bbox")
        left, top, right, bottom = bounds_of(list(rings))
        self.derived += 1
        return left, top, right - left, bottom - top

    def keep(self, value: dict[str, Any], image_id: Id) -> int:
        """Keep what was asked for of an item that is a box; gives the place by which `columns` finds it again.

        Raises:
            InputError: the disk takes no more.
        """
        kept = _Kept(self._rings(value), self._asked(value), *self._seen(value, image_id))
        with said_of_disk():
            if self._file is None:
                self._file = self._open.enter_context(tempfile.TemporaryFile(prefix="boxferry-"))  # noqa: SIM115 # it is
            place = self._end
            self._end += self._file.write(pickle.dumps(kept))
        return place

    def _rings(self, value: dict[str, Any]) -> Any:  # noqa: ANN401 # a tuple of (K, 2) arrays, or None
        if not self._context.polygons or not value.get("segmentation"):
            return None
        try:
            return rings_of(value["segmentation"]) or None
        except BadItem:
            self.unreadable += 1
            return None

    def _asked(self, value: dict[str, Any]) -> dict[str, Any] | None:
        nested = value.get("attributes")
        nested = nested if isinstance(nested, dict) else {}
        both = {name: value.get(name, nested.get(name)) for name in self._context.attributes}
        return {name: each for name, each in both.items() if each is not None} or None

    def _seen(self, value: dict[str, Any], image_id: Id) -> tuple[int, int]:
        """Frame and track."""
        track = next((value[key] for key in TRACK_KEYS if isinstance(value.get(key), int)), -1)
        return (self.frames or {}).get(image_id, 0), min(max(-1, track), LARGEST_TRACK)

    def columns(self, places: list[int]) -> dict[str, Any]:
        """The optional columns of a chunk."""
        kept = [self._found(place) for place in places]
        found: dict[str, Any] = {}
        if self._context.polygons:
            found["polygons"] = objects([each.rings for each in kept])
        if self._context.attributes:
            found["attributes"] = objects([each.fields for each in kept])
        if self.frames is not None:
            found["frame"] = np.array([each.frame for each in kept], np.int64)
            found["track"] = np.array([each.track for each in kept], np.int64)
        return found

    def _found(self, place: int) -> _Kept:
        self._file.seek(place)
        kept: _Kept = pickle.load(self._file)  # noqa: S301 # written above, into a file that nobody else can open
        return kept

    def note(self) -> None:
        """Say what is worth knowing of the whole."""
        if self.derived:
            self._context.tally.note(
                "derived", f"{self.derived} boxes are the bounds of segmentations: no bbox is given"
            )
        if self.unreadable:
            message = f"{self.unreadable} segmentations cannot be read: those boxes go as boxes"
            self._context.tally.note("no-outline", message)


class _Kept(NamedTuple):
    """What is kept of one item."""

    rings: Any
    fields: dict[str, Any] | None
    frame: int
    track: int
