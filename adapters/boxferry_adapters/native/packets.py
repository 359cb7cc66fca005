"""The format `packets`: what `boxferry convert` writes, and instance lists of Diffgram's SDK, read back as boxes.

A line of JSON is a packet: the media, the file's name, and its boxes under `instance_list`, or those of a video's
frames under `frame_packet_map`. In memory it is a list of such dicts, or one of them.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import id_key
from boxferry.boxes.outlines import bounds_of
from boxferry.boxes.tally import Place
from boxferry.formats import Format
from boxferry.parsing.documents import object_of
from boxferry.parsing.encoding import utf8_head
from boxferry.parsing.files import heads_of, streams_of
from boxferry.parsing.gather import BadBox, BadImage, Box, Gathering, located, usable
from boxferry.parsing.values import label_of, number, ring_of, score_of, shown, track_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Source

SUFFIXES = (".ndjson", ".jsonl", ".json")
KEYS = rb"media|type|connection_id|file_id|original_filename|instance_list|frame_packet_map"
BEGINNING = re.compile(rb'^\s*\{\s*"(' + KEYS + rb')"\s*:')
OWN_KEY = re.compile(rb'"(original_filename|instance_list|frame_packet_map)"\s*:')
BOXES = ("instance_list", "frame_packet_map")
CORNERS = ("x_min", "y_min", "x_max", "y_max")


def sniff(source: Source) -> str | None:
    """Recognise the first line, or the first dict."""
    if source.value is not None:
        return "packets: dicts with an instance_list" if _is_packet(_first(source.value)) else None
    for head in heads_of(source, *SUFFIXES):
        line = utf8_head(head).partition(b"\n")[0]
        return "lines of JSON that are packets" if BEGINNING.match(line) and OWN_KEY.search(line) else None
    return None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of images; a line that is no packet fails alone."""
    seen: dict[str, str] = {}
    if source.value is not None:
        packets: Any = [source.value] if _is_packet(source.value) else source.value
        places = (Place(source.name, item=item) for item in count())
        yield from _Reader(context, "", seen).chunks(zip(packets, places, strict=False))
        return
    for file, stream in streams_of(source, context, *SUFFIXES, json=True):
        lines = ((text.strip(), Place(file.shown, line=line)) for line, text in enumerate(stream, start=1))
        yield from _Reader(context, file.shown, seen).chunks((text, place) for text, place in lines if text)


def _first(value: Any) -> Any:  # noqa: ANN401 # whatever was handed over
    if hasattr(value, "peek"):
        return value.peek()
    return value[0] if isinstance(value, list | tuple) and value else value


def _is_packet(value: Any) -> bool:  # noqa: ANN401 # whatever was handed over
    return isinstance(value, dict) and any(isinstance(value.get(key), list | dict) for key in BOXES)


class _Reader:
    """Reads the packets of one source."""

    def __init__(self, context: Context, source: str, seen: dict[str, str]) -> None:
        self._context, self._source = context, source
        self._gathering = Gathering(context, context.names, source=source, row_unit="item", seen=seen)

    def chunks(self, packets: Iterable[tuple[Any, Place]]) -> Iterator[Detections]:
        """Their images."""
        return self._gathering.read(packets, self._image)

    def _image(self, decoded: Any, place: Place) -> tuple[Image, list[Box]]:  # noqa: ANN401 # a line, or a value
        packet = _decoded(decoded)
        given = packet.get("media")
        media: dict[str, Any] = given if isinstance(given, dict) else {}
        rows = _rows(packet)
        names = [name for name in (packet.get("original_filename"), media.get("url")) if isinstance(name, str)]
        if not names:
            raise BadImage("neither original_filename nor media.url says which image it is", Code.BAD_LINE, len(rows))
        image = located(self._context, names, source=self._source, boxes=len(rows))
        image = msgspec.structs.replace(
            image, video=media.get("type") == "video" or image.video, file_id=whole(packet.get("file_id"))
        )
        return image, usable(rows, partial(self._box, place), self._context, place)

    def _box(self, place: Place, row: Any, index: int) -> Box:  # noqa: ANN401 # any JSON value
        frame, value = row
        if not isinstance(value, dict):
            raise BadBox(f"expected an object, found {shown(value)}")
        corners, rings = _shape(value)
        return Box(
            code=self._code(value, place),
            corners=corners,
            score=score_of(value["score"]) if value.get("score") is not None else float("nan"),
            row=index,
            track=track_of(value["number"]) if value.get("number") is not None else -1,
            frame=frame,
            rings=rings,
        )

    def _code(self, value: dict[str, Any], place: Place) -> int:
        if value.get("name") is not None:
            return self._gathering.vocabulary.add(label_of(value["name"]))
        if value.get("label_file_id") is None:
            raise BadBox("neither name nor label_file_id says what its label is")
        return self._gathering.vocabulary.code(id_key(value["label_file_id"]), place)


def _decoded(packet: Any) -> dict[str, Any]:  # noqa: ANN401 # a line, or what was handed over
    if isinstance(packet, bytes):
        text = packet.removeprefix(b"\xef\xbb\xbf")
        return object_of(text, "a packet", malformed="not a line of JSON, or cut off", code=Code.BAD_LINE)
    if not isinstance(packet, dict):
        raise BadImage(f"expected a packet, found {shown(packet)}", Code.BAD_LINE)
    return packet


def _rows(packet: dict[str, Any]) -> list[tuple[int, Any]]:
    """Each box of a packet, with its frame."""
    listed, frames = packet.get("instance_list"), packet.get("frame_packet_map")
    if frames is None:
        if not isinstance(listed, list | None):
            raise BadImage(f"instance_list: expected a list, found {shown(listed)}", Code.BAD_LINE)
        return [(whole(box.get("frame_number")) if isinstance(box, dict) else 0, box) for box in listed or ()]
    if not isinstance(frames, dict):
        raise BadImage(f"frame_packet_map: expected an object, found {shown(frames)}", Code.BAD_LINE)
    return [(_frame(key), box) for key, boxes in frames.items() if isinstance(boxes, list) for box in boxes]


def _frame(key: Any) -> int:  # noqa: ANN401 # any key
    if not str(key).isdecimal():
        raise BadImage(f"frame_packet_map: frame {shown(key)}; expected a whole number", Code.BAD_LINE)
    return int(key)


def _shape(value: dict[str, Any]) -> tuple[tuple[float, float, float, float], tuple[Any, ...]]:
    """Corners in pixels, and the outline where it is a polygon."""
    if value.get("type", "box") == "polygon":
        points = value.get("points")
        if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
            raise BadBox("points: expected a list of x and y")
        ring = ring_of([[point.get("x"), point.get("y")] for point in points], "points")
        return bounds_of([ring]), (ring,)
    if value.get("type", "box") != "box":
        raise BadBox(f"type {shown(value['type'])}; expected box or polygon")
    x_min, y_min, x_max, y_max = (number(value.get(name), name) for name in CORNERS)
    return (x_min, y_min, x_max, y_max), ()


FORMAT = Format(
    name="packets",
    summary="lines of JSON that are packets, as `boxferry convert` writes them and Diffgram's SDK takes them",
    sniff=sniff,
    read=read,
)
