"""Boxes into the pixels and frames of the file on the server: sizes and lengths are compared before sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import objects
from boxferry.boxes.fit import LARGEST
from boxferry.boxes.refine import without
from boxferry.plan.target import SkipReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally

    Size = tuple[int, int]  # width and height in pixels; 0 where unknown

LONGEST_SIDE = 7680  #: what the server scales longer images down to
VIDEO_RATE = 30.0  #: frames a second that a project is set to, unless its settings were changed
TOLERANCE = 0.01  #: two rates that differ by less are the same: 29.97 and 30
UNKNOWN: Size = (0, 0)


def factor(own: Size, server: Size) -> float | SkipReason:
    """By how much boxes made for an image of one size are scaled for its file on the server, or why they cannot be.

    Sides over 7680 pixels are scaled down by the server, which then records width and height the wrong way round.

    Args:
        own: the size that the boxes were made for.
        server: the size that the server recorded.
    """
    if own == server or UNKNOWN in {own, server}:
        return 1.0
    scale = LONGEST_SIDE / max(own)
    scaled = tuple(side * scale for side in own)
    if scale < 1 and any(_near(scaled, way) for way in (server, server[::-1])):
        return scale
    sizes = f"its boxes were made for {_shown(own)}, the file on the server is {_shown(server)}"
    if own == server[::-1]:
        turned = "turned, as by an EXIF orientation; make the boxes on the turned image"
        return SkipReason(Code.SIZE_DIFFERS, f"{sizes}: {turned}")
    return SkipReason(Code.SIZE_DIFFERS, f"{sizes}: are they of another image, or of a resized one?")


def size_of_new(own: Size) -> Size:
    """The size that a new file's image will have once the server has scaled it; 0 where it stays as it is.

    A size that no image can have is left to the fit, which drops its boxes.
    """
    if max(own) <= LONGEST_SIDE or max(own) > LARGEST:
        return UNKNOWN
    scale = LONGEST_SIDE / max(own)
    return max(1, int(own[0] * scale)), max(1, int(own[1] * scale))


def to_server_size(
    detections: Detections, sizes: Sequence[Size], tally: Tally
) -> tuple[Detections, dict[int, SkipReason]]:
    """The boxes in the pixels of the files on the server, and for the images where that cannot be, why.

    Args:
        detections: a chunk of M images.
        sizes: (M,) as the server recorded them; 0 for a file that is not there yet, or where it did not.
        tally: counts the boxes that are scaled.
    """
    factors, problems, images = [], {}, []
    for index, (image, size) in enumerate(zip(detections.images, sizes, strict=True)):
        found = factor((image.width, image.height), size)
        if isinstance(found, SkipReason):
            problems[index] = found
            found = 1.0
        factors.append(found)
        images.append(_resized(image, size, found))
    changed = detections.replace(images=images)
    scales = np.array(factors)[detections.image_index] if images else np.ones(0)
    if (scaled := scales != 1).any():
        tally.change(Code.SCALED, "the server scaled its image down", detections, scaled)
        changed = changed.replace(xyxy=detections.xyxy * scales[:, None], polygons=_scaled(detections, scales))
    return changed, problems


def _resized(image: Image, size: Size, scale: float) -> Image:
    width, height = image.width, image.height
    if scale != 1:
        width, height = int(width * scale), int(height * scale)
    elif not (width and height):
        width, height = size
    return msgspec.structs.replace(image, width=width, height=height)


def _scaled(detections: Detections, scales: np.ndarray) -> np.ndarray | None:
    if detections.polygons is None:
        return None
    pairs = zip(detections.polygons, scales.tolist(), strict=True)
    return objects([None if rings is None else tuple(ring * scale for ring in rings) for rings, scale in pairs])


def _near(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(one, other, strict=True))


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


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

    Of a video of 60 frames a second that the server has at 30, frame 2n is its frame n, and frame 2n + 1 has none.

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
