"""What a video file says of itself: width, height, and how many frames there are."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, NamedTuple

from boxferry.formats import for_library, open_seekable

if TYPE_CHECKING:
    from collections.abc import Iterator


class VideoFacts(NamedTuple):
    """Of a video; 0 where unknown.

    Attributes:
        width, height: pixels.
        frames: how many there are.
        rate: frames a second.
    """

    width: int = 0
    height: int = 0
    frames: int = 0
    rate: float = 0.0


def video_facts(path: str) -> VideoFacts:
    """What the file's header says, through PyAV (the extra `video`); nothing is known without it.

    A container that does not say how many frames it holds is gone through, packet by packet, undecoded.
    """
    try:
        import av
        from av.error import FFmpegError
    except ModuleNotFoundError:
        return VideoFacts()
    try:
        with for_library(path) as opened, av.open(opened, "r") as container:
            if not container.streams.video:
                return VideoFacts()
            stream = container.streams.video[0]
            frames = stream.frames or len([packet for packet in container.demux(stream) if packet.size])
            return VideoFacts(stream.width, stream.height, frames, float(stream.average_rate or 0))
    except (FFmpegError, OSError, ValueError):
        return VideoFacts()


def clip_problem(path: str) -> str | None:
    """Why a video of this machine cannot be read, or None: a server that is sent one is at it for good.

    With PyAV its first frame is decoded; without it the container has to have its outline: a QuickTime or MPEG-4 file
    its `moov`, an AVI file its header.
    """
    try:
        import av
        from av.error import FFmpegError
    except ModuleNotFoundError:
        return _outline_problem(path)
    try:
        with for_library(path) as opened, av.open(opened, "r") as container:
            if not container.streams.video:
                return "it has no video in it"
            if next(container.decode(video=0), None) is None:
                return "not one frame of it can be read"
    except (FFmpegError, OSError, ValueError) as error:
        return f"it cannot be read as a video: {error}"
    return None


def _outline_problem(path: str) -> str | None:
    try:
        with open_seekable(path) as file:
            head = file.read(12)
            if head[:4] == b"RIFF":
                return None if head[8:12] == b"AVI " else "it cannot be read as a video: a RIFF file, but not an AVI"
            file.seek(0)
            return None if b"moov" in _atoms(file) else "it cannot be read as a video: its index (moov) is missing"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _atoms(file: IO[bytes]) -> Iterator[bytes]:
    """The kinds of a QuickTime file's outermost atoms that are there as a whole."""
    end = file.seek(0, os.SEEK_END)
    start = file.seek(0)
    while len(head := file.read(8)) == 8:
        size = int.from_bytes(head[:4])
        if size == 1:
            size = int.from_bytes(file.read(8))
        size = size or end - start
        if size < 8 or start + size > end:
            return
        yield head[4:]
        start = file.seek(start + size)
