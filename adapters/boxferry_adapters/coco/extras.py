"""What an item has besides its box: outlines, fields, frame and track; put aside until its chunk is built."""

from __future__ import annotations

import pickle
import tempfile
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import objects
from boxferry.boxes.outlines import bounds_of
from boxferry.parsing.gather import BadBox
from boxferry.parsing.spill import said_of_disk
from boxferry_adapters.coco.items import bounds_of_points
from boxferry_adapters.coco.segments import rings_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.formats import Context
    from boxferry_adapters.coco.items import Bounds

    Scale = tuple[float, float]


class Extras:
    """Keeps what was asked for in a temporary file until the chunk of its box is built.

    Attributes:
        derived: how many boxes are the bounds of a segmentation or of key points.
        unreadable: how many segmentations could not be read beside a bbox that could.
        scaled: how many masks have another size than their image, and its shape.
        framed: whether images are frames of videos.
    """

    def __init__(self, context: Context) -> None:
        self.derived = 0
        self.unreadable = 0
        self.scaled = 0
        self.framed = False
        self._tracked = False
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
        return self._context.polygons or bool(self._context.attributes) or self.framed

    def bounds(self, value: dict[str, Any]) -> Bounds:
        """The bbox [x, y, width, height] of an item that has a segmentation or key points in its place.

        Raises:
            BadBox: they cannot be read, or cover nothing.
        """
        if not value.get("segmentation"):
            found = bounds_of_points(value["keypoints"])
        else:
            rings = rings_of(value["segmentation"])
            if not rings:
                raise BadBox("segmentation: covers no pixel, and there is no bbox")
            left, top, right, bottom = bounds_of(rings)
            found = left, top, right - left, bottom - top
        self.derived += 1
        return found

    def keep(self, value: dict[str, Any], *, frame: int = 0, track: int = -1, scale: Scale | None = (1.0, 1.0)) -> int:
        """Keep what was asked for of an item that is a box; gives the place by which `columns` finds it again.

        Args:
            value: the item, or {} where nothing of it was asked for.
            frame: the frame of its video, from 0.
            track: its track, -1 for none.
            scale: what its outline is multiplied by, x and y; None where the outline cannot be used.

        Raises:
            InputError: the disk takes no more.
        """
        self._tracked |= track >= 0
        kept = _Kept(None if scale is None else self._rings(value, scale), self._asked(value), frame, track)
        with said_of_disk():
            if self._file is None:
                self._file = self._open.enter_context(tempfile.TemporaryFile(prefix="boxferry-"))  # noqa: SIM115 # it is
            place = self._end
            self._end += self._file.write(pickle.dumps(kept))
        return place

    def _rings(self, value: dict[str, Any], scale: Scale) -> Any:  # noqa: ANN401 # a tuple of (K, 2) arrays, or None
        if not self._context.polygons or not value.get("segmentation"):
            return None
        try:
            rings = rings_of(value["segmentation"]) or None
        except BadBox:
            self.unreadable += 1
            return None
        return rings if rings is None or scale == (1.0, 1.0) else tuple(ring * scale for ring in rings)

    def _asked(self, value: dict[str, Any]) -> dict[str, Any] | None:
        nested = value.get("attributes")
        nested = nested if isinstance(nested, dict) else {}
        both = {name: value.get(name, nested.get(name)) for name in self._context.attributes}
        return {name: each for name, each in both.items() if each is not None} or None

    def columns(self, places: NDArray[np.int64]) -> dict[str, Any]:
        """The optional columns of a chunk; a place of -1 is that of an item of which nothing is kept."""
        if self._file is None and not self.wanted:
            return {}
        kept = [self._found(place) if place >= 0 else NOTHING for place in places.tolist()]
        found: dict[str, Any] = {}
        if self._context.polygons:
            found["polygons"] = objects([each.rings for each in kept])
        if self._context.attributes:
            found["attributes"] = objects([each.fields for each in kept])
        if self.framed:
            found["frame"] = np.array([each.frame for each in kept], np.int64)
        if self.framed or self._tracked:
            found["track"] = np.array([each.track for each in kept], np.int64)
        return found

    def _found(self, place: int) -> _Kept:
        self._file.seek(place)
        kept: _Kept = pickle.load(self._file)  # noqa: S301 # written above, into a file that no other user can open
        return kept

    def note(self) -> None:
        """Say what is worth knowing of the whole."""
        if self.derived:
            self._context.tally.note(
                Code.DERIVED, f"{self.derived} boxes are the bounds of segmentations or key points: no bbox is given"
            )
        if self.scaled:
            message = (
                f"{self.scaled} masks are smaller or larger than their images, and of their shape: they are scaled"
            )
            self._context.tally.note(Code.SCALED_MASKS, message)
        if self.unreadable:
            message = f"{self.unreadable} segmentations cannot be read: those boxes go as boxes"
            self._context.tally.note(Code.NO_OUTLINE, message)


class _Kept(NamedTuple):
    """What is kept of one item."""

    rings: Any = None
    fields: dict[str, Any] | None = None
    frame: int = 0
    track: int = -1


NOTHING = _Kept()
