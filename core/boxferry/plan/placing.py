"""Where the images of one push go: the file on the server for each, in its pixels and frames, or the reason why not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.formats import read_file
from boxferry.plan.server_size import Timing, size_of_new, timing_problem, to_server_frames, to_server_size
from boxferry.plan.target import SkipReason, Target
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.plan.earlier import Earlier
    from boxferry.plan.making import Making

MOST = 1 << 16  #: bytes of a source's own file; one that is larger is not kept


class Placed(NamedTuple):
    """A chunk whose images have their places.

    Attributes:
        chunk: the boxes, in the pixels and frames of the files that they go to.
        found: an image's key → the file that its boxes go to, or the reason why not.
    """

    chunk: Detections
    found: dict[str, Target | SkipReason]

    def targets(self, chunk: Detections) -> list[Target | None]:
        """(M,) the file of each image of a chunk that comes from this one; None where it is missing."""
        found = (self.found[image.key] for image in chunk.images)
        return [each if isinstance(each, Target) else None for each in found]


@dataclass(slots=True)
class Placing:
    """Finds the places of images, chunk by chunk; knows which names are taken.

    Attributes:
        making: knows where boxes go, what the files there are like, and the options of the push.
        earlier: knows the pictures that were uploaded from here.
    """

    making: Making
    earlier: Earlier
    _taken: dict[str, str] = field(default_factory=dict)

    def placed(self, chunk: Detections) -> Placed:
        """A chunk with the places of its images."""
        targets = zip(chunk.images, self.making.destinations.of(chunk.images), strict=True)
        found = {image.key: self._unless_taken(image, target) for image, target in targets}
        sizes, timings = [], []
        for image in chunk.images:
            found[image.key], size, timing = self._viewed(image, found[image.key])
            sizes.append(size)
            timings.append(timing)
        chunk, problems = to_server_size(chunk, sizes, self.making.tally)
        for index, problem in problems.items():
            found[chunk.images[index].key] = problem
        if self.making.options.file_ids is None:
            found = {image.key: self._unless_other(image, found[image.key]) for image in chunk.images}
        return Placed(to_server_frames(chunk, timings, self.making.tally), found)

    def _unless_taken(self, image: Image, found: Target | SkipReason) -> Target | SkipReason:
        if isinstance(found, SkipReason):
            return found
        other = self._taken.setdefault(found.file_name, image.key)
        if other != image.key:
            return SkipReason(Code.NAME_CLASH, f"its name on the server, '{found.file_name}', is that of '{other}' too")
        return dataclasses.replace(found, width=image.width, height=image.height, key=image.key, image_id=image.id)

    def _viewed(self, image: Image, found: Target | SkipReason) -> tuple[Target | SkipReason, tuple[int, int], Timing]:
        """The place, with the size and the timing of the file; for a new one, what they will be."""
        if isinstance(found, SkipReason) or found.file_id is None:
            rate = min(image.frame_rate, self.making.options.video_rate)
            frames = round(image.frames * rate / image.frame_rate) if image.frame_rate else image.frames
            return found, size_of_new((image.width, image.height)), Timing(rate, frames)
        file = self.making.stored_boxes.view(found.file_id)
        timing = Timing(file.rate, file.frames or image.frames)
        return timing_problem(image, timing) or found, file.size, timing

    def _unless_other(self, image: Image, found: Target | SkipReason) -> Target | SkipReason:
        """See that a file that was found by its name is of this very picture, where that can be known."""
        if isinstance(found, SkipReason) or found.file_id is None or image.file_id:
            return found
        problem = self.earlier.other_picture(found.file_id, found.file_name, image.media)
        return SkipReason(Code.OTHER_PICTURE, problem) if problem else found


def leave_out(placed: Placed, chunk: Detections, tally: Tally, *, creates: bool) -> None:
    """Record the images that have no place, with their boxes.

    Args:
        placed: the places.
        chunk: its boxes as they are about to be sent.
        tally: counts them.
        creates: whether files are made, so that an image without boxes counts too.
    """
    for image, rows in chunk.each_image():
        found, count = placed.found[image.key], rows.stop - rows.start
        if isinstance(found, Target):
            continue
        if found.fails and (count or creates):
            tally.fail(found.code, found.message, Place(image.key), boxes=count)
        elif count:
            tally.discard(found.code, found.message, Place(image.key), boxes=count)


def with_originals(targets: list[Target | None], chunk: Detections) -> list[Target | None]:
    """The targets, each with the source's own file of its image: what people leave alone comes home as it was."""
    kept = [original_of(image, chunk.score[rows]) for image, rows in chunk.each_image()]
    return [
        dataclasses.replace(target, original=original) if target and original else target
        for target, original in zip(targets, kept, strict=True)
    ]


def original_of(image: Image, scores: NDArray[np.float64]) -> bytes:
    """The file that an image's boxes were read from; empty where it is not worth keeping.

    Boxes come home without scores, so that a file with scores is never written as it was.

    Args:
        image: the image.
        scores: (N,) of its boxes, NaN for none.
    """
    if image.video or not len(scores) or not np.isnan(scores).all() or is_url(image.source):
        return b""
    try:
        found = read_file(image.source)
    except OSError:
        return b""
    return found if len(found) <= MOST else b""
