"""Frame numbers as the server counts them: a faster video is resampled, and nothing is past its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.refine import without
from boxferry.plan.target import SkipReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally

TOLERANCE = 0.01  #: two rates that differ by less are the same: 29.97 and 30


class Timing(NamedTuple):
    """A video on the server; 0 where unknown.

    Attributes:
        rate: frames a second.
        frames: how many there are.
    """

    rate: float = 0.0
    frames: int = 0


def timing_problem(image: Image, server: Timing) -> SkipReason | None:
    """Why the frames of a video that is on the server cannot be told apart, or None."""
    if not server.frames or not image.frames or (image.frame_rate and server.rate):
        return None
    if abs(image.frames - server.frames) <= 1:
        return None
    counts = f"its frames are numbered for {image.frames}, the server has {server.frames}"
    return SkipReason(Code.FRAMES_DIFFER, f"{counts}: add --images with the video, so that its frame rate is known")


def to_server_frames(detections: Detections, timings: Sequence[Timing], tally: Tally) -> Detections:
    """The boxes at the frames that the server has; those between two of them, and past the end, are dropped.

    Of a video of 60 frames a second that the server has at 30, frame 2n is its frame n, and frame 2n + 1 is none.

    Args:
        detections: a chunk of M images.
        timings: (M,) as the server has or will have them.
        tally: counts what is dropped.
    """
    if detections.frame is None or not len(detections):
        return detections
    ratio = np.array([_ratio(i, t) for i, t in zip(detections.images, timings, strict=True)])[detections.image_index]
    frame = np.floor(detections.frame * ratio + 1e-6).astype(np.int64)
    between = (ratio < 1) & (np.ceil(frame / ratio - 1e-6).astype(np.int64) != detections.frame)
    detections = detections.replace(frame=frame)
    kept = without(detections, between, Code.RESAMPLED, "the server has a lower frame rate, and no such frame", tally)
    last = np.array([timing.frames for timing in timings], np.int64)[kept.image_index]
    late = (last > 0) & (np.asarray(kept.frame) >= last)
    return without(kept, late, Code.NO_SUCH_FRAME, "its video has fewer frames", tally)


def _ratio(image: Image, server: Timing) -> float:
    """The server's frames for one of the source."""
    if not image.frame_rate or not server.rate or server.rate > image.frame_rate * (1 - TOLERANCE):
        return 1.0
    return server.rate / image.frame_rate
