"""The packet as it stands on the wire: its JSON keys are the fields below; a field that is UNSET is left out."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class Box(msgspec.Struct, gc=False, kw_only=True):
    """One entry of an instance list.

    Attributes:
        type: always 'box'.
        label_file_id: the label's id on the server; a packet for Diffgram's SDK has the `name` in its place.
        name: the label's name, where the ids are not known.
        x_min, y_min, x_max, y_max: pixels, integers, 0-based; the maxima are exclusive.
        machine_made: True for a prediction; else reviewers take the box for human work.
        score: the model's confidence.
        model_ref, model_run_ref: the model and the run that made the box.
        creation_ref_id: boxferry's reference of the box, see `reference`.
    """

    type: str = "box"
    label_file_id: int | UnsetType = UNSET
    name: str | UnsetType = UNSET
    x_min: int
    y_min: int
    x_max: int
    y_max: int
    machine_made: bool = True
    score: float | UnsetType = UNSET
    model_ref: str | UnsetType = UNSET
    model_run_ref: str | UnsetType = UNSET
    creation_ref_id: str | UnsetType = UNSET


class Media(msgspec.Struct, kw_only=True):
    """Where the server fetches the image, and what it is."""

    url: str
    type: str = "image"


class Packet(msgspec.Struct, kw_only=True):
    """What is sent for one file.

    Attributes:
        media: for a new file that the server fetches by itself.
        original_filename: the name under which a new file appears; always sent, since the server else cuts the URL's
            last part at the first dot.
        directory_id: in the body, never a header.
        file_id: the file to be updated.
        mode: 'update' appends to the file; left out for new media.
        instance_list: the boxes; left out where there are none, since an empty list is refused.
    """

    media: Media | UnsetType = UNSET
    original_filename: str | UnsetType = UNSET
    directory_id: int | UnsetType = UNSET
    file_id: int | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    instance_list: list[Box] | UnsetType = UNSET


_encoder = msgspec.json.Encoder()


def encode(packet: Packet) -> bytes:
    """The packet's JSON, compact, UTF-8."""
    return _encoder.encode(packet)


def with_batch(body: bytes, batch_id: int) -> bytes:
    """A packet's JSON with the input batch that it goes out in, by which it is found again on the server."""
    return b'{"batch_id":%d,%b' % (batch_id, body[1:])
