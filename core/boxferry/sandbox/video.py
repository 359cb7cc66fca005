"""Videos as the server takes them: resampled to the project's rate, split when they are long, boxes frame by frame."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from math import ceil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from boxferry.sandbox.bounds import BoxError
from boxferry.sandbox.boxes import new_row, same_box, touch, vanishes
from boxferry.sandbox.instances import check
from boxferry.sandbox.media import VIDEOS
from boxferry.sandbox.pool import Abandoned

if TYPE_CHECKING:
    from boxferry.sandbox.store import Row, Store

PROJECT_FPS = 30.0  #: a faster source is resampled
SPLIT_S = 30  #: a longer video is cut, unless the packet says otherwise
SPLITS = range(2, 181)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A video, or a part of one.

    Attributes:
        name: its file's name.
        width, height: pixels.
        rate: frames a second, as the server has them.
        frames: how many there are.
        offset_s: where it begins in the whole, in seconds; None for a whole.
        first: the number of its first frame in the whole.
    """

    name: str
    width: int
    height: int
    rate: float
    frames: int
    offset_s: int | None = None
    first: int = 0

    def row(self) -> Row:
        """Its columns of the file table."""
        return {
            "original_filename": self.name,
            "type": "video",
            "width": self.width,
            "height": self.height,
            "frame_rate": self.rate,
            "frame_count": self.frames,
            "offset_s": self.offset_s,
        }


def is_video(name: str) -> bool:
    """Whether a file's name is that of a video."""
    return PurePosixPath(name).suffix.lower() in VIDEOS


def opened_video(name: str, data: bytes) -> Clip:
    """What a video is, at the project's rate.

    Raises:
        Abandoned: it cannot be read.
    """
    import av
    from av.error import FFmpegError

    try:
        with av.open(io.BytesIO(data), "r") as container:
            stream = container.streams.video[0]
            frames = stream.frames or len([packet for packet in container.demux(stream) if packet.size])
            source = float(stream.average_rate or 0) or PROJECT_FPS
            width, height = stream.width, stream.height
    except (FFmpegError, IndexError, ValueError, OSError) as error:
        raise Abandoned(f"failed to read the first frame of {name}: {error}") from error
    rate = min(source, PROJECT_FPS)
    return Clip(name=name, width=width, height=height, rate=rate, frames=round(frames * rate / source))


def clips_of(whole: Clip, split_s: int | None) -> list[Clip]:
    """The parts that a video is cut into; the whole alone where it is short enough."""
    length = split_s if split_s is not None and split_s in SPLITS else SPLIT_S
    count = ceil(whole.frames / whole.rate / length)
    if count < 2:
        return [whole]
    each = round(length * whole.rate)
    return [
        replace(
            whole,
            name=f"{part * length}_{whole.name}",
            frames=min(each, whole.frames - part * each),
            offset_s=part * length,
            first=part * each,
        )
        for part in range(count)
    ]


def frames_of(clip: Clip, packets: dict[str, list[Any]] | None) -> dict[str, list[Any]] | None:
    """The frames of a whole's packet map that fall into a clip, counted from 0 in it."""
    if packets is None:
        return None
    inside = {int(frame) - clip.first: boxes for frame, boxes in packets.items()}
    return {str(frame): boxes for frame, boxes in inside.items() if 0 <= frame < clip.frames}


def apply_frames(store: Store, file: Row, packets: dict[str, list[Any]], mode: str | None) -> dict[str, Any]:
    """Add the boxes of a packet map to a video; gives what is wrong, by frame.

    A frame with a bad box is left out, the others are stored. A frame past the end is passed over without a word. In
    mode 'update_with_existing' the boxes that a frame had are deleted.
    """
    rows, wrong = checked_frames(store, file, packets)
    with store.writing():
        if mode == "update_with_existing":
            rows = _replaced(store, file["id"], rows)
        store.add_instances(file["id"], rows)
        touch(store, file["id"], 0)
    return wrong


def _replaced(store: Store, file_id: int, rows: list[Row]) -> list[Row]:
    """Delete what the frames of some boxes held and is not among them; gives the boxes that are new."""
    frames, wanted = {row["frame_number"] for row in rows}, {_place(row) for row in rows}
    there = [box for box in store.instances(file_id) if box.get("frame_number") in frames]
    store.delete_instances([box["id"] for box in there if _place(box) not in wanted])
    kept = {_place(box) for box in there}
    return [row for row in rows if _place(row) not in kept]


def _place(box: Row) -> tuple[int, str]:
    return box["frame_number"], same_box(box)


def checked_frames(store: Store, file: Row, packets: dict[str, list[Any]]) -> tuple[list[Row], dict[str, Any]]:
    """The boxes of a packet map as they are stored, and what is wrong with the frames that are not."""
    rows: list[Row] = []
    wrong: dict[str, Any] = {}
    for frame, boxes in packets.items():
        if not str(frame).isdigit() or int(frame) >= file["frame_count"] or not isinstance(boxes, list):
            continue
        try:
            rows += [_row(store, file, box, int(frame)) for box in boxes if not vanishes(box)]
        except BoxError as error:
            wrong[f"Frame {frame}"] = error.found
    return rows, wrong


def _row(store: Store, file: Row, box: Any, frame: int) -> Row:  # noqa: ANN401 # whatever was sent
    return new_row(check(store, file["project"], box) | {"frame_number": frame})
