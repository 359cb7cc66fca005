"""The packet as it stands on the wire: its JSON keys are the fields below; a field that is UNSET is left out."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

ADD, REPLACE = "update", "update_with_existing"  #: the modes of a packet for a file that is there


class Shape(msgspec.Struct, gc=False):
    """What boxes and polygons have in common.

    Attributes:
        label_file_id: the label's id on the server; a packet for Diffgram's SDK has the `name` in its place.
        name: the label's name, where the ids are not known.
        machine_made: True for a prediction; else reviewers take the box for human work.
        score: the model's confidence.
        model_ref, model_run_ref: the model and the run that made the box.
        creation_ref_id: boxferry's reference of the box, see `reference`.
        number: the sequence, or track, in a video.
        frame_number: the frame of a video; Diffgram's SDK asks for it, a server does not.
        attribute_groups: the attribute group's id, as text → its value.
    """

    label_file_id: int | UnsetType = UNSET
    name: str | UnsetType = UNSET
    machine_made: bool = True
    score: float | UnsetType = UNSET
    model_ref: str | UnsetType = UNSET
    model_run_ref: str | UnsetType = UNSET
    creation_ref_id: str = ""
    number: int | UnsetType = UNSET
    frame_number: int | UnsetType = UNSET
    attribute_groups: dict[str, Any] | UnsetType = UNSET


class Box(Shape, gc=False):
    """One box of an instance list; where many are made, they are given their fields in this order.

    Attributes:
        type: always 'box'.
        x_min, y_min, x_max, y_max: pixels, integers, 0-based; the maxima are exclusive.
    """

    type: str = "box"
    x_min: int = 0
    y_min: int = 0
    x_max: int = 0
    y_max: int = 0


class Point(msgspec.Struct, gc=False):
    """A corner of a polygon, in pixels."""

    x: int
    y: int


class Polygon(Shape, gc=False, kw_only=True):
    """One outline of an instance list; an object of several parts is several of them.

    Attributes:
        type: always 'polygon'.
        points: three or more corners.
    """

    type: str = "polygon"
    points: list[Point]


class Media(msgspec.Struct, kw_only=True):
    """Where the server fetches the media, and what it is: 'image' or 'video'."""

    url: str | UnsetType = UNSET
    type: str = "image"


class Packet(msgspec.Struct, kw_only=True):
    """What is sent for one file.

    Attributes:
        media: for a new file that the server fetches by itself.
        type: 'from_blob_path' for a file in a bucket; left out for a URL.
        connection_id, bucket_name, raw_data_blob_path: where in a bucket the server fetches it.
        original_filename: the name under which a new file appears; always sent, since the server else cuts the URL's
            last part at the first dot.
        directory_id: in the body, never a header.
        job_id: the job that a new file is attached to.
        video_split_duration: seconds after which the server cuts a new video, 2 to 180.
        file_id: the file to be updated.
        mode: 'update' appends to the file, 'update_with_existing' replaces; left out for new media.
        instance_list: the boxes, or their JSON; left out where there are none, since an empty list is refused.
        frame_packet_map: the boxes of a video, frame → boxes.
    """

    media: Media | UnsetType = UNSET
    type: str | UnsetType = UNSET
    connection_id: int | UnsetType = UNSET
    bucket_name: str | UnsetType = UNSET
    raw_data_blob_path: str | UnsetType = UNSET
    original_filename: str | UnsetType = UNSET
    directory_id: int | UnsetType = UNSET
    job_id: int | UnsetType = UNSET
    video_split_duration: int | UnsetType = UNSET
    file_id: int | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    instance_list: list[Box | Polygon] | msgspec.Raw | UnsetType = UNSET
    frame_packet_map: dict[str, list[Box | Polygon]] | UnsetType = UNSET


_encoder = msgspec.json.Encoder()


def encode(packet: Packet) -> bytes:
    """The packet's JSON, compact, UTF-8."""
    return _encoder.encode(packet)


def with_batch(body: bytes, batch_id: int) -> bytes:
    """A packet's JSON with the input batch that it goes out in, by which it is found again on the server."""
    return b'{"batch_id":%d,%b' % (batch_id, body[1:])
