"""What an item has besides its box: outlines, fields, frame and track; kept until its chunk is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.detections import objects
from boxferry.boxes.outlines import bounds_of
from boxferry_adapters.coco.items import BadItem
from boxferry_adapters.coco.segments import rings_of

if TYPE_CHECKING:
    from boxferry.formats import Context, Id

TRACK_KEYS = ("track_id", "instance_id")


@dataclass(slots=True)
class Extras:
    """Gathers what was asked for.

    Attributes:
        derived: how many boxes are the bounds of a segmentation.
        unreadable: how many segmentations could not be read beside a bbox that could.
    """

    context: Context
    frames: dict[Id, int] | None = None
    derived: int = 0
    unreadable: int = 0
    _rings: dict[int, Any] = field(default_factory=dict)
    _fields: dict[int, dict[str, Any]] = field(default_factory=dict)
    _frames: dict[int, int] = field(default_factory=dict)
    _tracks: dict[int, int] = field(default_factory=dict)
    _held: Any = None

    @property
    def wanted(self) -> bool:
        """Whether items have to be looked at key by key."""
        return self.context.polygons or bool(self.context.attributes) or self.frames is not None

    def bounds(self, segmentation: Any) -> tuple[float, float, float, float]:  # noqa: ANN401 # any JSON value
        """The bbox [x, y, width, height] of a segmentation.

        Raises:
            BadItem: it cannot be read, or covers nothing.
        """
        self._held = rings_of(segmentation)
        if not self._held:
            raise BadItem("segmentation: covers no pixel, and there is no bbox")
        left, top, right, bottom = bounds_of(list(self._held))
        self.derived += 1
        return left, top, right - left, bottom - top

    def see(self, value: dict[str, Any], index: int, image_id: Id) -> None:
        """Keep what was asked for of an item that is a box."""
        held, self._held = self._held, None
        if self.context.polygons and value.get("segmentation"):
            try:
                self._rings[index] = held or rings_of(value["segmentation"])
            except BadItem:
                self.unreadable += 1
        if fields := self._asked(value):
            self._fields[index] = fields
        if self.frames is not None:
            self._frames[index] = self.frames.get(image_id, 0)
            track = next((value[key] for key in TRACK_KEYS if isinstance(value.get(key), int)), -1)
            self._tracks[index] = max(-1, track)

    def _asked(self, value: dict[str, Any]) -> dict[str, Any]:
        nested = value.get("attributes")
        nested = nested if isinstance(nested, dict) else {}
        both = {name: value.get(name, nested.get(name)) for name in self.context.attributes}
        return {name: each for name, each in both.items() if each is not None}

    def columns(self, rows: list[int]) -> dict[str, Any]:
        """The optional columns of a chunk, by the indices of its items; they are not kept any longer."""
        found: dict[str, Any] = {}
        if self.context.polygons:
            found["polygons"] = objects([self._rings.pop(row, None) or None for row in rows])
        if self.context.attributes:
            found["attributes"] = objects([self._fields.pop(row, None) for row in rows])
        if self.frames is not None:
            found["frame"] = np.array([self._frames.pop(row, 0) for row in rows], np.int64)
            found["track"] = np.array([self._tracks.pop(row, -1) for row in rows], np.int64)
        return found

    def note(self) -> None:
        """Say what is worth knowing of the whole."""
        if self.derived:
            self.context.tally.note(
                "derived", f"{self.derived} boxes are the bounds of segmentations: no bbox is given"
            )
        if self.unreadable:
            message = f"{self.unreadable} segmentations cannot be read: those boxes go as boxes"
            self.context.tally.note("no-outline", message)
