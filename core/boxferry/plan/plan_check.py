"""A plan from elsewhere is held to what our own packets are: nothing in it can harm a server, or send another file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from boxferry.destination import label_problem, media_problem, name_problem, text_problem
from boxferry.errors import InputError
from boxferry.outbox.kinds import REPLACING, Mode, Via
from boxferry.packets.bodies import ADD, REPLACE
from boxferry.packets.reference import detection, parsed
from boxferry.plan.routes import SPLITS
from boxferry.reading.video import clip_problem
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from boxferry.outbox.entry import Entry

LARGEST = 2**31 - 1  #: of the whole numbers that a server's database keeps

Number = Annotated[int, Meta(ge=0, le=LARGEST)]
Id = Annotated[int, Meta(ge=1, le=LARGEST)]
LabelId = Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]  #: below 0 it stands for a label that is made first
Filled = Annotated[str, Meta(min_length=1)]
Groups = dict[Annotated[str, Meta(pattern="^[0-9]+$")], Any]


class _Shape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    label_file_id: LabelId
    machine_made: bool = False
    score: float | UnsetType = UNSET
    model_ref: str | UnsetType = UNSET
    model_run_ref: str | UnsetType = UNSET
    creation_ref_id: Filled
    number: Annotated[int, Meta(ge=-LARGEST, le=LARGEST)] | UnsetType = UNSET
    attribute_groups: Groups | UnsetType = UNSET


class _Box(_Shape, tag="box", tag_field="type", kw_only=True):
    x_min: Number
    y_min: Number
    x_max: Number
    y_max: Number


class _Point(msgspec.Struct, forbid_unknown_fields=True):
    x: Number
    y: Number


class _Polygon(_Shape, tag="polygon", tag_field="type", kw_only=True):
    points: Annotated[list[_Point], Meta(min_length=3)]


_Shapes = Annotated[list[_Box | _Polygon], Meta(min_length=1)]


class _Media(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    url: str | UnsetType = UNSET


class _Packet(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    media: _Media | UnsetType = UNSET
    type: str | UnsetType = UNSET
    connection_id: Id | UnsetType = UNSET
    bucket_name: Filled | UnsetType = UNSET
    raw_data_blob_path: Filled | UnsetType = UNSET
    original_filename: str | UnsetType = UNSET
    directory_id: Id | UnsetType = UNSET
    job_id: Id | UnsetType = UNSET
    video_split_duration: Annotated[int, Meta(ge=SPLITS[0], le=SPLITS[-1])] | UnsetType = UNSET
    file_id: Id | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    instance_list: _Shapes | UnsetType = UNSET
    frame_packet_map: dict[Annotated[str, Meta(pattern="^[0-9]{1,9}$")], _Shapes] | UnsetType = UNSET


_packets = msgspec.json.Decoder(_Packet)


def check_entry(entry: Entry, directory_id: int, place: str) -> None:
    """See that a packet of a plan is one that a push could have made.

    Args:
        entry: the packet.
        directory_id: the plan's directory.
        place: names the packet in messages.

    Raises:
        InputError: it is not; the message has the place and what is wrong there.
    """
    try:
        packet = _packets.decode(entry.body)
    except msgspec.DecodeError as error:
        raise InputError(f"{place}: {error}") from None
    if problem := next(_problems(entry, packet, directory_id), None):
        raise InputError(f"{place}: {problem}")


def check_labels(names: Mapping[str, int], place: str) -> None:
    """See that the labels that a plan makes first can be made.

    Raises:
        InputError: one cannot.
    """
    for name in names:
        if problem := label_problem(name):
            raise InputError(f"{place}: create_labels: {problem}")


def check_texts(place: str, **texts: str) -> None:
    """See that a server's database takes some texts.

    Raises:
        InputError: it would not; the message has the text's name.
    """
    for name, text in texts.items():
        if problem := text_problem(text):
            raise InputError(f"{place}: {name}: {problem}")


def _problems(entry: Entry, packet: _Packet, directory_id: int) -> Iterator[str]:
    if entry.route not in _ROUTES:
        yield f"route '{entry.route}', expected one of {', '.join(_ROUTES)}"
        return
    yield from _ROUTES[entry.route](entry, packet)
    if entry.route != Via.EXISTING:
        yield from _new_file(entry, packet)
    if packet.directory_id not in {UNSET, directory_id}:
        yield f"directory_id {packet.directory_id}, and the plan is for {directory_id}"
    for where, shape in _shapes(packet):
        if problem := _shape_problem(shape):
            yield f"{where}: {problem}"
    if entry.boxes != (held := _detections(packet)):
        yield f"boxes {entry.boxes}, and the packet has {held}"


def _new_file(entry: Entry, packet: _Packet) -> Iterator[str]:
    if entry.mode != Mode.NEW or entry.file_id is not None or {packet.mode, packet.file_id} != {UNSET}:
        yield "a new file has mode 'new' and no file_id"
    if packet.directory_id is UNSET:
        yield "a new file needs a directory_id"
    if problem := name_problem(entry.file_name) or _kind_problem(entry.file_name, packet):
        yield problem


def _kind_problem(name: str, packet: _Packet) -> str | None:
    """Why a file of this name is not of its packet's kind; an upload without frames may be of either."""
    if packet.frame_packet_map or (packet.media and packet.media.type == "video"):
        return media_problem(name, video=True)
    problem = media_problem(name)
    return problem if packet.media or media_problem(name, video=True) else None


def _upload(entry: Entry, packet: _Packet) -> Iterator[str]:
    given = {name for name in _Packet.__struct_fields__ if getattr(packet, name) is not UNSET}
    if others := given - {"directory_id", "instance_list", "frame_packet_map"}:
        yield f"an upload has no {min(others)}"
    video = not media_problem(entry.media, video=True)
    if not video and media_problem(entry.media):
        yield f"media '{entry.media}' is neither an image nor a video"
    if video and not is_url(entry.media) and Path(entry.media).is_file() and (problem := clip_problem(entry.media)):
        yield f"media '{entry.media}': {problem}"


def _url(entry: Entry, packet: _Packet) -> Iterator[str]:
    url = UNSET if packet.media is UNSET else packet.media.url
    if url != entry.media or urlsplit(entry.media).scheme not in {"http", "https"}:
        yield f"media.url {url!r}, expected that of the file's media, and http:// or https://"
    yield from _fetched(entry, packet)


def _blob(entry: Entry, packet: _Packet) -> Iterator[str]:
    if packet.type != "from_blob_path" or packet.raw_data_blob_path != entry.media:
        yield "a bucket's packet has type 'from_blob_path' and the raw_data_blob_path of the file's media"
    if UNSET in {packet.connection_id, packet.bucket_name}:
        yield "a bucket's packet needs connection_id and bucket_name"
    yield from _fetched(entry, packet)


def _fetched(entry: Entry, packet: _Packet) -> Iterator[str]:
    if packet.media is UNSET or packet.media.type not in {"image", "video"}:
        yield "media.type is neither 'image' nor 'video'"
    if packet.original_filename != entry.file_name:
        yield f"original_filename {packet.original_filename!r}, and the file's name is '{entry.file_name}'"


def _existing(entry: Entry, packet: _Packet) -> Iterator[str]:
    wanted = REPLACE if entry.mode in REPLACING else ADD
    if entry.mode not in {Mode.APPEND, *REPLACING} or packet.mode != wanted:
        yield f"mode '{entry.mode}' and the packet's '{packet.mode}' do not fit together"
    if entry.replaces and entry.mode != Mode.REPLACE_OWN:
        yield f"it replaces models, and its mode is '{entry.mode}'"
    if packet.file_id != entry.file_id or entry.file_id is None:
        yield f"file_id {packet.file_id}, and the file's is {entry.file_id}"
    if packet.media is not UNSET or packet.type is not UNSET or packet.original_filename is not UNSET:
        yield "a file that is there has no media"


_ROUTES: dict[str, Callable[[Entry, _Packet], Iterator[str]]] = {
    Via.UPLOAD: _upload,
    Via.URL: _url,
    Via.BLOB: _blob,
    Via.EXISTING: _existing,
}


def _shapes(packet: _Packet) -> Iterator[tuple[str, _Box | _Polygon]]:
    """Each box, with its place."""
    for index, shape in enumerate(packet.instance_list or ()):
        yield f"box {index}", shape
    for frame, shapes in (packet.frame_packet_map or {}).items():
        for index, shape in enumerate(shapes):
            yield f"frame {frame}, box {index}", shape


def _shape_problem(shape: _Box | _Polygon) -> str | None:
    """What is wrong with a box, beyond its types."""
    if isinstance(shape, _Box) and not (shape.x_min < shape.x_max and shape.y_min < shape.y_max):
        return "its corners are not in order"
    if parsed(shape.creation_ref_id) is None:
        return f"creation_ref_id '{shape.creation_ref_id}' is not a boxferry reference"
    if shape.label_file_id == 0:
        return "label_file_id is 0"
    texts = shape.model_ref or "", shape.model_run_ref or "", shape.creation_ref_id
    return next(filter(None, map(text_problem, texts)), None)


def _detections(packet: _Packet) -> int:
    """How many detections a packet's boxes come from: one whose outline has several parts counts once."""
    shapes = [shape for _, shape in _shapes(packet)]
    parts = {detection(shape.creation_ref_id) for shape in shapes if isinstance(shape, _Polygon)}
    return len(parts) + sum(isinstance(shape, _Box) for shape in shapes)
