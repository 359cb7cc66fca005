"""A stored box, typed: each is looked at on its own, so that an odd one spoils no other."""

from __future__ import annotations

from typing import Any

import msgspec

from boxferry.diffgram.answers import moment


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
        points: of an outline, a line or a point.
        center_x, center_y, width, height, angle: of an ellipse, whose width and height count from its centre; the width
            and height of other shapes are their sides.
        nodes: of key points; p1, p2: of a curve; front_face, rear_face: of a cuboid. Each as the server has it.
        machine_made: False for what a person drew or changed in the interface.
        creation_ref_id: the reference that it was sent with; of the interface's own, or none, for a drawn box.
        score: as it was sent.
        number: its sequence or track.
        attribute_groups: {"<group id>": value}.
        frame_number: of a video.
        model_run_id: the server's record of the run that it came from.
        version, previous_id, root_id: the chain of changes, and the first row of it.
        action_type: what made this row: 'created', 'edited', 'undeleted', …
        member_created_id: who made it; None for a packet.
        created_time: when, ISO 8601 without a zone: UTC.
    """

    id: int
    type: str | None = None
    label_file_id: int | None = None
    x_min: float | None = None
    y_min: float | None = None
    x_max: float | None = None
    y_max: float | None = None
    points: list[Point] | None = None
    center_x: Any = None
    center_y: Any = None
    width: Any = None
    height: Any = None
    angle: Any = None
    nodes: Any = None
    p1: Any = None
    p2: Any = None
    front_face: Any = None
    rear_face: Any = None
    machine_made: bool | None = None
    creation_ref_id: str | None = None
    score: float | None = None
    number: int | None = None
    attribute_groups: Any = None
    frame_number: int | None = None
    model_run_id: int | None = None
    version: int | None = None
    previous_id: int | None = None
    root_id: int | None = None
    action_type: Any = None
    member_created_id: Any = None
    created_time: Any = None

    @property
    def touched(self) -> bool:
        """Whether a person has saved it again since it was sent.

        A packet that sends a row back which a person has changed meanwhile brings it back, and is no person.
        """
        by_packet = self.action_type == "undeleted" and self.member_created_id is None
        return ((self.version or 1) > 1 or self.previous_id is not None) and not by_packet

    @property
    def created(self) -> float:
        """When this row came to be, seconds since the epoch by the server's clock; 0 where it does not tell."""
        return (moment(self.created_time) if isinstance(self.created_time, str) else None) or 0.0


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
