"""What the server answers, as typed values; keys that are not named here are passed over."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from boxferry.errors import Unreachable
from boxferry.packets.rows import Row

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
        found = lazy(ANY, self.instance_list, f"boxes of file {self.id}") if self.instance_list else None
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


ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()

T = TypeVar("T")


def lazy(decoder: msgspec.json.Decoder[T], part: msgspec.Raw, what: str) -> T:
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
