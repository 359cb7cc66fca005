"""What the server answers, as typed values; keys that are not named here are passed over."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from boxferry.errors import Unreachable
from boxferry.packets.bodies import ADD, REPLACE
from boxferry.packets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Collection

Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]  #: a number that a database gives a row
Size = Annotated[int, Meta(ge=0, le=2**31 - 1)]  #: of pixels, frames or boxes
Rate = Annotated[float, Meta(ge=0, le=1e9)]


class Schema(msgspec.Struct, frozen=True):
    """A labels schema."""

    id: Id
    name: str | None = None
    is_default: bool | None = None
    archived: bool | None = None


class LabelName(msgspec.Struct, frozen=True):
    """What a label is called."""

    name: str


class LabelFile(msgspec.Struct, frozen=True):
    """A label of a schema. Several can have one name: a server does not keep two processes from making it twice."""

    id: Id
    label: LabelName | None = None
    state: str | None = None


class Directory(msgspec.Struct, frozen=True):
    """A directory (dataset); its nickname can be missing."""

    id: Id
    nickname: str | None = None


class ImageRecord(msgspec.Struct, frozen=True):
    """The image of a file: its size in pixels, as the server stored it."""

    width: Size | None = None
    height: Size | None = None
    url_signed: str | None = None


class FileRecord(msgspec.Struct, frozen=True):
    """A file as the file lists and `annotation/list` show it.

    Attributes:
        id: its number.
        original_filename: its name.
        type: 'image', 'video' or another.
        state: 'removed' for one that is gone.
        ann_is_complete: whether its annotation is complete.
        time_last_updated: when it was last changed, by a reviewer, a packet or "done"; left out by servers that do not
            tell.
        created_time: when it was made; left out by servers that do not tell.
        count_instances_changed: nothing or 0 where no box was ever put there, and of every video; left out by servers
            that do not tell.
        image: its size, where the list gives it.
        instance_list: the JSON of its boxes, where the list gives them; not decoded, since most are never looked into.
    """

    id: Id
    original_filename: str | None = None
    type: str | None = None
    state: str | None = None
    ann_is_complete: bool | None = None
    time_last_updated: str | msgspec.UnsetType | None = msgspec.UNSET
    created_time: str | None = None
    count_instances_changed: Size | msgspec.UnsetType | None = msgspec.UNSET
    image: ImageRecord | None = None
    instance_list: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    @property
    def shows_boxes(self) -> bool:
        """Whether the answer tells its boxes, be it that there are none."""
        return isinstance(self.instance_list, msgspec.Raw) and bytes(memoryview(self.instance_list)[:1]) == b"["

    @property
    def rows(self) -> list[Row]:
        """Its boxes with every key that the server gives, deleted ones left out; empty where they are not listed."""
        found = _lazy(_ANY, self.instance_list, f"boxes of file {self.id}") if self.instance_list else None
        return alive(found)

    @property
    def removed(self) -> bool:
        """Whether it is gone."""
        return self.state == "removed"

    @property
    def changed(self) -> float:
        """When it was last changed, seconds since the epoch by the server's clock; 0 where the server does not tell."""
        return moment(self.time_last_updated) or 0.0

    @property
    def never_had_boxes(self) -> bool:
        """Whether no box was ever put there; False where the server does not tell, and of videos: it counts none."""
        return self.type != "video" and self.count_instances_changed in {None, 0}

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its image in pixels; 0 where the list does not give them."""
        return (self.image.width or 0, self.image.height or 0) if self.image else (0, 0)


class VideoRecord(msgspec.Struct, frozen=True):
    """The video of a file, as the server stored it: a faster source is resampled to the project's rate."""

    width: Size | None = None
    height: Size | None = None
    frame_rate: Rate | None = None
    frame_count: Size | None = None
    fps_conversion_ratio: float | None = None
    offset_in_seconds: float | None = None


class ViewedFile(msgspec.Struct, frozen=True):
    """One file with what it shows: an image or a video."""

    image: ImageRecord | None = None
    video: VideoRecord | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels as the server recorded them; 0 where it did not."""
        media = self.video or self.image
        return ((media.width or 0), (media.height or 0)) if media else (0, 0)

    @property
    def rate(self) -> float:
        """The frames a second of a video; 0 for an image, or where unknown."""
        return (self.video.frame_rate or 0.0) if self.video else 0.0

    @property
    def frames(self) -> int:
        """How many frames a video has; 0 for an image, or where unknown."""
        return (self.video.frame_count or 0) if self.video else 0


class ModelRun(msgspec.Struct, frozen=True):
    """A run of a model; `reference_id` is the run's name, the model's is not told."""

    id: Id
    reference_id: str | None = None
    model_id: Id | None = None
    created_time: str | None = None


class AttributeOption(msgspec.Struct, frozen=True):
    """One choice of an attribute group."""

    id: Id
    name: str | None = None


class AttributeGroup(msgspec.Struct, frozen=True):
    """An attribute; `kind` is 'text', 'select', 'radio', 'multiple_select' or another."""

    id: Id
    name: str | None = None
    prompt: str | None = None
    kind: str | None = None
    attribute_template_list: list[AttributeOption] | None = None


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


_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()

T = TypeVar("T")


def _lazy(decoder: msgspec.json.Decoder[T], part: msgspec.Raw, what: str) -> T:
    """A part of an answer that is decoded only where it counts.

    Raises:
        Unreachable: it is not a valid Diffgram answer.
    """
    try:
        return decoder.decode(part)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = error
    raise Unreachable(f"the server's {what} is not a valid Diffgram answer: {problem}")


def alive(rows: Any) -> list[Row]:  # noqa: ANN401 # whatever a server put there
    """The boxes among some rows, deleted ones left out; what has to be compared is of a kind that can be."""
    listed = rows if isinstance(rows, list) else []
    return [_comparable(Row(row)) for row in listed if isinstance(row, dict) and not row.get("soft_delete")]


def _comparable(row: Row) -> Row:
    if isinstance(row.get("creation_ref_id"), dict | list):
        row["creation_ref_id"] = str(row["creation_ref_id"])
    if not isinstance(row.get("model_run_id"), int | None):
        row["model_run_id"] = None
    return row


def moment(text: object) -> float | None:
    """Seconds since the epoch of a time as the server writes it, ISO 8601 (without a zone: UTC) or as in mails.

    None for anything else that a server gives in its place.
    """
    if not isinstance(text, str):
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text)
        except (ValueError, TypeError):
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


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
        frames = _lazy(_FRAMES, self.frame_packet_map, what) or {}
        boxes = [
            *((_lazy(_LIST, self.instance_list, what) or _Listed()).boxes or ()),
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
        found = _lazy(_ANY, self.instance_list, f"boxes of input {self.id}")
        listed = found.get("list") if isinstance(found, dict) else None
        return [Row(box) for box in listed or () if isinstance(box, dict)]

    @property
    def all_boxes(self) -> list[Row]:
        """The boxes of an image, and those of all frames of a video."""
        return [*self.boxes, *(box for boxes in self.boxes_by_frame.values() for box in boxes)]

    @property
    def boxes_by_frame(self) -> dict[int, list[Row]]:
        """The boxes of a video as they were sent, by frame; only where one input was asked for."""
        found = _lazy(_ANY, self.frame_packet_map, f"boxes of input {self.id}")
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
