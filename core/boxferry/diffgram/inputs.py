"""What the server knows of a packet or an upload: its input, as typed values; boxes are decoded where they count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.diffgram.answers import ANY, FileRecord, Id, lazy, moment
from boxferry.packets.bodies import ADD, REPLACE
from boxferry.packets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Collection


class InputDirectory(msgspec.Struct, frozen=True):
    """The directory of an input, as far as it is told; an update may have none."""

    id: int | None = None


class _Referenced(msgspec.Struct, frozen=True):
    creation_ref_id: Any = None


class _Listed(msgspec.Struct, frozen=True):
    boxes: list[_Referenced] | None = msgspec.field(name="list", default=None)


_LIST: msgspec.json.Decoder[_Listed | None] = msgspec.json.Decoder(_Listed | None)
_FRAMES: msgspec.json.Decoder[dict[str, list[_Referenced]] | None] = msgspec.json.Decoder(
    dict[str, list[_Referenced]] | None
)


class InputRecord(msgspec.Struct, frozen=True):
    """What the server knows of one packet or upload.

    Attributes:
        id: the input's number; an upload that is turned away at once has none.
        status: 'success', 'failed', or anything else while it is being worked on.
        status_text: the reason, where it failed.
        file_id: the file, once it is known.
        batch_id: the input batch that the packet named.
        mode: 'update', 'update_with_existing', or nothing for new media.
        media_type: 'image' or 'video'.
        directory: the directory that a new file is made in.
        original_filename: as it was sent.
        update_log: further reasons, as the server gives them.
        parent_input_id: of a clip that a long video was split into: the input of the whole.
        percent_complete: how far it is, as the server says.
        created_time, time_updated: when it was made, and last written, by the server's clock, ISO 8601 without a zone:
            UTC; not every server tells the latter.
        instance_list: the JSON of {'list': [boxes as they were sent]}, not decoded: most lists are never looked into.
        frame_packet_map: the JSON of a video's boxes by frame; only where one input was asked for.
    """

    id: Id | None = None
    status: str | None = None
    status_text: str | None = None
    file_id: Id | None = None
    batch_id: Id | None = None
    mode: str | None = None
    media_type: str | None = None
    directory: InputDirectory | None = None
    original_filename: str | None = None
    update_log: Any = None
    parent_input_id: Id | None = None
    percent_complete: float | None = None
    created_time: str | None = None
    time_updated: str | None = None
    instance_list: msgspec.Raw = msgspec.Raw(b"null")
    frame_packet_map: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def references(self) -> set[str]:
        """The references of the boxes as they were sent; those of a video only where one input was asked for."""
        what = f"boxes of input {self.id}"
        frames = lazy(_FRAMES, self.frame_packet_map, what) or {}
        boxes = [
            *((lazy(_LIST, self.instance_list, what) or _Listed()).boxes or ()),
            *(b for f in frames.values() for b in f),
        ]
        return {str(box.creation_ref_id) for box in boxes if box.creation_ref_id is not None}

    def may_name(self, starts: Collection[str]) -> bool:
        """Whether one of `references` can begin like this; told from the JSON without decoding it.

        Only where it has a backslash can a text stand in it that is not there letter for letter.
        """
        texts = [bytes(memoryview(part)) for part in (self.instance_list, self.frame_packet_map)]
        return any(b"\\" in text or any(start.encode() in text for start in starts) for text in texts)

    @property
    def replaces(self) -> bool:
        """Whether what it brings stands in the place of what the file had."""
        return self.mode == REPLACE

    @property
    def updates(self) -> bool:
        """Whether it is for a file that is there."""
        return self.mode in {ADD, REPLACE}

    @property
    def created(self) -> float | None:
        """When it was made, seconds since the epoch by the server's clock; None where that cannot be read."""
        return moment(self.created_time)

    @property
    def written(self) -> float:
        """When it was last written, as far as the server tells: no earlier than what it brought; likewise, else 0.

        Where that is in whole seconds, as in lists, it is the end of that second.
        """
        told = moment(self.time_updated) or 0.0
        return max(self.created or 0.0, told + (told.is_integer() and told > 0))

    @property
    def applied(self) -> float:
        """When it was last written, which is when it was applied; likewise, 0 where the server does not tell.

        Lists have whole seconds: what people did within that second comes after it.
        """
        return moment(self.time_updated) or 0.0

    @property
    def boxes(self) -> list[Row]:
        """The boxes as they were sent."""
        found = lazy(ANY, self.instance_list, f"boxes of input {self.id}")
        listed = found.get("list") if isinstance(found, dict) else None
        return [Row(box) for box in listed or () if isinstance(box, dict)]

    @property
    def all_boxes(self) -> list[Row]:
        """The boxes of an image, and those of all frames of a video."""
        return [*self.boxes, *(box for boxes in self.boxes_by_frame.values() for box in boxes)]

    @property
    def boxes_by_frame(self) -> dict[int, list[Row]]:
        """The boxes of a video as they were sent, by frame; only where one input was asked for."""
        found = lazy(ANY, self.frame_packet_map, f"boxes of input {self.id}")
        frames = found if isinstance(found, dict) else {}
        return {
            int(frame): [Row(box) for box in boxes if isinstance(box, dict)]
            for frame, boxes in frames.items()
            if isinstance(boxes, list) and str(frame).isdecimal()
        }


class UploadAnswer(msgspec.Struct, frozen=True):
    """What an upload answers when everything is done: the file where one was made, and the finished input."""

    input: InputRecord
    file: FileRecord | None = None

    @property
    def file_id(self) -> int | None:
        """The file's id, where the server made one."""
        return self.file.id if self.file else self.input.file_id
