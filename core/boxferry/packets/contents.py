"""What a packet carries: the boxes of an image, or those of a video by frame; and the same read out of its JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec import UNSET

from boxferry.packets.reference import detection

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from boxferry.packets.wire import Box, Packet, Polygon


def _nothing() -> None:
    """No text without the boxes."""


class Contents:
    """The boxes of one file.

    Those of an image without outlines and tracks are made when one of them is looked at: most are only written.

    Attributes:
        frames: those of a video, frame → boxes; None for an image.
    """

    __slots__ = ("_boxes", "_made", "_make", "_text", "frames")

    def __init__(
        self,
        shapes: Iterable[Box | Polygon] = (),
        frames: dict[int, list[Box | Polygon]] | None = None,
    ) -> None:
        """Hold the shapes of an image, or the frames of a video."""
        self.frames = frames
        self._made: list[Box | Polygon] | None = [*shapes]
        self._make: Callable[[], list[Box | Polygon]] = list
        self._text: Callable[[], bytes | None] = _nothing
        self._boxes = 0

    @classmethod
    def later(
        cls, boxes: int, make: Callable[[], list[Box | Polygon]], text: Callable[[], bytes | None] = _nothing
    ) -> Self:
        """Boxes of an image that are made when they are looked at.

        Args:
            boxes: how many there are.
            make: makes them.
            text: gives their JSON where that is had without making them, else None.
        """
        contents = cls()
        contents._boxes, contents._made, contents._make, contents._text = boxes, None, make, text
        return contents

    @property
    def shapes(self) -> list[Box | Polygon]:
        """Those of an image."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def __iter__(self) -> Iterator[Box | Polygon]:
        """Every box."""
        if self.frames is None:
            return iter(self.shapes)
        return (shape for shapes in self.frames.values() for shape in shapes)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._boxes > 0 if self._made is None else next(iter(self), None) is not None

    @property
    def boxes(self) -> int:
        """How many detections they come from: one whose outline has several parts counts once."""
        if self._made is None:
            return self._boxes
        plain, parts = 0, set()
        for shape in self:
            if shape.type == "polygon":
                parts.add(detection(shape.creation_ref_id))
            else:
                plain += 1
        return plain + len(parts)

    def without(self, references: Collection[str]) -> Self:
        """Those whose references are not among these."""
        if not references:
            return self
        if self.frames is None:
            return type(self)([shape for shape in self.shapes if shape.creation_ref_id not in references])
        left = {
            frame: [shape for shape in shapes if shape.creation_ref_id not in references]
            for frame, shapes in self.frames.items()
        }
        return type(self)(frames={frame: shapes for frame, shapes in left.items() if shapes})

    def only(self, references: Collection[str]) -> Self:
        """Those whose references are among these."""
        return self.without({shape.creation_ref_id for shape in self} - set(references))

    def put(self, packet: Packet) -> Packet:
        """The packet with the boxes in it; where there are none, without a list, since an empty one is refused."""
        text = self._text() if self._made is None and self._boxes else None
        if text is not None:
            packet.instance_list = msgspec.Raw(text)
        elif self:
            packet.instance_list = self.shapes or UNSET
            packet.frame_packet_map = {str(frame): shapes for frame, shapes in (self.frames or {}).items()} or UNSET
        return packet


class _Reference(msgspec.Struct):
    creation_ref_id: str | None = None


class _Packet(msgspec.Struct):
    instance_list: list[_Reference] | None = None
    frame_packet_map: dict[str, list[_Reference]] | None = None


_decoder = msgspec.json.Decoder(_Packet)  # made at import: no thread may be the first to meet a type


def references_in(body: bytes) -> set[str]:
    """The references of the boxes in a packet's JSON."""
    packet = _decoder.decode(body)
    frames = (packet.frame_packet_map or {}).values()
    boxes = [*(packet.instance_list or ()), *(box for frame in frames for box in frame)]
    return {box.creation_ref_id for box in boxes if box.creation_ref_id}


def only(body: bytes, references: Collection[str]) -> dict[str, Any]:
    """The boxes of a packet's JSON whose references are among these: its instance_list, or its frame_packet_map."""
    packet = msgspec.json.decode(body)

    def chosen(boxes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [box for box in boxes if box.get("creation_ref_id") in references]

    found: dict[str, Any] = {}
    if listed := chosen(packet.get("instance_list") or []):
        found["instance_list"] = listed
    frames = {frame: chosen(boxes) for frame, boxes in (packet.get("frame_packet_map") or {}).items()}
    if frames := {frame: boxes for frame, boxes in frames.items() if boxes}:
        found["frame_packet_map"] = frames
    return found
