"""What a video file says of itself: width, height, and how many frames there are."""

from __future__ import annotations

from typing import NamedTuple


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
    except ModuleNotFoundError:
        return VideoFacts()
    try:
        with av.open(path, "r") as container:
            if not container.streams.video:
                return VideoFacts()
            stream = container.streams.video[0]
            frames = stream.frames or len([packet for packet in container.demux(stream) if packet.size])
            return VideoFacts(stream.width, stream.height, frames, float(stream.average_rate or 0))
    except (av.FFmpegError, OSError, ValueError):
        return VideoFacts()
