"""What a packet carries: the boxes of an image, or those of a video by frame; and the same read out of its JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec
from msgspec import UNSET

from boxferry.packets.bodies import ADD, REPLACE
from boxferry.packets.reference import detection
from boxferry.packets.rows import Row, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from boxferry.packets.bodies import Box, Packet, Polygon

Frames = dict[int | None, list[Row]]  #: boxes by the frame of a video; those of an image under None
IMAGE, VIDEO = "instance_list", "frame_packet_map"  #: the keys of a packet that hold boxes
VIDEO_KEY = b'"frame_packet_map"'


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
    def rows(self) -> list[Row]:
        """Every box as its packet has it."""
        return [shape_row(shape) for shape in self]

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


def shape_row(shape: Box | Polygon) -> Row:
    """A box as its packet has it."""
    return Row(msgspec.to_builtins(shape))


def frames_in(body: bytes) -> Frames:
    """The boxes of a packet's JSON by their frame; those of an image under None."""
    packet = msgspec.json.decode(body)
    listed = {None: packet.get(IMAGE) or []} | (packet.get(VIDEO) or {})
    return {None if frame is None else int(frame): rows(boxes) for frame, boxes in listed.items() if boxes}


def boxes_of(frames: Frames) -> list[Row]:
    """The boxes of all frames."""
    return [box for boxes in frames.values() for box in boxes]


def boxes_in(body: bytes) -> list[Row]:
    """Every box of a packet's JSON."""
    return boxes_of(frames_in(body))


def detections_of(frames: Frames) -> int:
    """How many detections boxes are of: the parts of one outline are one."""
    return len({detection(box.reference) for box in boxes_of(frames)})


def among(frames: Frames, references: Collection[str]) -> Frames:
    """Those boxes whose references are among these."""
    left = {frame: [box for box in boxes if box.reference in references] for frame, boxes in frames.items()}
    return {frame: boxes for frame, boxes in left.items() if boxes}


def apart_from(frames: Frames, references: Collection[str]) -> Frames:
    """Those boxes whose references are not among these."""
    return among(frames, {box.reference for box in boxes_of(frames)} - set(references))


def with_boxes(body: bytes, frames: Frames) -> bytes:
    """A packet's JSON with these boxes in place of its own; without any it has no list: an empty one is refused."""
    packet = {name: value for name, value in msgspec.json.decode(body).items() if name not in {IMAGE, VIDEO}}
    return msgspec.json.encode(packet | _lists(frames))


def appending(file_id: int, frames: Frames) -> bytes:
    """The packet that adds boxes to a file."""
    return msgspec.json.encode({"file_id": file_id, "mode": ADD} | _lists(frames))


def replacing(file_id: int, directory_id: int, boxes: list[Row]) -> bytes:
    """The packet in which the boxes of an image are all that it has afterwards."""
    place = {"file_id": file_id, "directory_id": directory_id, "mode": REPLACE}
    return msgspec.json.encode(place | _lists({None: boxes}))


def _lists(frames: Frames) -> dict[str, object]:
    by_frame = {str(frame): boxes for frame, boxes in frames.items() if frame is not None and boxes}
    found: dict[str, object] = {IMAGE: frames[None]} if frames.get(None) else {}
    return found | ({VIDEO: by_frame} if by_frame else {})


def is_of_video(body: bytes) -> bool:
    """Whether a packet's boxes are those of a video."""
    return VIDEO_KEY in body
