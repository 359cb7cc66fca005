"""A stored box, typed: each is looked at on its own, so that an odd one spoils no other."""

from __future__ import annotations

from typing import Any

import msgspec


class Point(msgspec.Struct, frozen=True, gc=False):
    """A corner of an outline, in pixels."""

    x: float
    y: float


class Instance(msgspec.Struct, frozen=True):
    """A stored box, with what a correction leaves behind.

    Attributes:
        id: its number; a changed box is a new row with a new one.
        type: 'box', 'polygon' or another shape.
        label_file_id: its label.
        x_min, y_min, x_max, y_max: pixels; of other shapes, their bounds.
        points: of an outline.
        machine_made: False for what a person drew or changed in the interface.
        creation_ref_id: the reference that it was sent with; of the interface's own, or none, for a drawn box.
        score: as it was sent.
        number: its sequence or track.
        attribute_groups: {"<group id>": value}.
        frame_number: of a video.
        model_run_id: the server's record of the run that it came from.
        version, previous_id: the chain of changes.
    """

    id: int
    type: str | None = None
    label_file_id: int | None = None
    x_min: float | None = None
    y_min: float | None = None
    x_max: float | None = None
    y_max: float | None = None
    points: list[Point] | None = None
    machine_made: bool | None = None
    creation_ref_id: str | None = None
    score: float | None = None
    number: int | None = None
    attribute_groups: Any = None
    frame_number: int | None = None
    model_run_id: int | None = None
    version: int | None = None
    previous_id: int | None = None

    @property
    def touched(self) -> bool:
        """Whether it was saved again since it was sent."""
        return (self.version or 1) > 1 or self.previous_id is not None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """x_min, y_min, x_max, y_max in pixels; 0 where the server gives nothing."""
        if not self.points:
            return self.x_min or 0.0, self.y_min or 0.0, self.x_max or 0.0, self.y_max or 0.0
        xs, ys = [point.x for point in self.points], [point.y for point in self.points]
        return min(xs), min(ys), max(xs), max(ys)


class _Reference(msgspec.Struct, frozen=True):
    creation_ref_id: Any = None


_decoder, _reference = msgspec.json.Decoder(Instance), msgspec.json.Decoder(_Reference)


def instance(row: bytes | msgspec.Raw) -> Instance:
    """A stored box out of its JSON.

    Raises:
        msgspec.DecodeError: it is not a box.
    """
    return _decoder.decode(row)


def reference_of(row: bytes | msgspec.Raw) -> str | None:
    """The reference of a stored box whose other fields may be odd; None where it has none."""
    try:
        found = _reference.decode(row).creation_ref_id
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, str) else None
