"""Where the images of one push go: the file on the server for each, in its pixels and frames, or why there is none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.outbox.original import original_of
from boxferry.plan.server_frames import Timing, timing_problem, to_server_frames
from boxferry.plan.server_size import size_of_new, to_server_size
from boxferry.plan.target import Problem, Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections, Image
    from boxferry.plan.planner import Planner


class Placing:
    """Where the images of one pass go; knows which names are taken."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._taken: dict[str, str] = {}
        self._found: dict[str, Target | Problem] = {}

    def placed(self, chunk: Detections) -> Detections:
        """The boxes in the pixels and frames of the files that they go to; what stands in the way is remembered."""
        found = self._planner.destinations.of(chunk.images)
        self._found = {image.key: self._target(image, each) for image, each in zip(chunk.images, found, strict=True)}
        viewed = [self._viewed(image) for image in chunk.images]
        chunk, problems = to_server_size(chunk, [size for size, _ in viewed], self._planner.tally)
        for index, problem in problems.items():
            self._found[chunk.images[index].key] = problem
        for image in chunk.images if self._planner.by_name else ():
            self._compare(image)
        return to_server_frames(chunk, [timing for _, timing in viewed], self._planner.tally)

    def _viewed(self, image: Image) -> tuple[tuple[int, int], Timing]:
        """The size and the timing of the file that an image's boxes go to; for a new one, what they will be."""
        found = self._found[image.key]
        if isinstance(found, Problem) or found.file_id is None:
            rate = min(image.frame_rate, self._planner.video_rate)
            frames = round(image.frames * rate / image.frame_rate) if image.frame_rate else image.frames
            return size_of_new((image.width, image.height)), Timing(rate, frames)
        file = self._planner.holdings.view(found.file_id)
        timing = Timing(file.rate, file.frames or image.frames)
        if problem := timing_problem(image, timing):
            self._found[image.key] = problem
        return file.size, timing

    def _compare(self, image: Image) -> None:
        """See that a file that was found by its name is of this very picture, where that can be known."""
        found = self._found[image.key]
        if isinstance(found, Problem) or found.file_id is None or image.file_id:
            return
        if problem := self._planner.other_picture(found.file_id, found.file_name, image.media):
            self._found[image.key] = Problem(Code.OTHER_PICTURE, problem)

    def _target(self, image: Image, found: Target | Problem) -> Target | Problem:
        if isinstance(found, Problem):
            return found
        other = self._taken.setdefault(found.file_name, image.key)
        if other != image.key:
            return Problem(Code.NAME_CLASH, f"its name on the server, '{found.file_name}', is that of '{other}' too")
        return dataclasses.replace(found, width=image.width, height=image.height, key=image.key, image_id=image.id)

    def targets(self, chunk: Detections) -> list[Target | None]:
        """(M,) where each image's boxes go; an image that cannot be sent is recorded, with its boxes, as failed."""
        targets: list[Target | None] = []
        for image, rows in chunk.each_image():
            found, count = self._found[image.key], rows.stop - rows.start
            if isinstance(found, Target):
                targets.append(self._with_original(found, image, chunk.score[rows]))
                continue
            targets.append(None)
            if found.fails and (count or self._planner.destinations.creates):
                self._planner.tally.fail(found.code, found.message, Place(image.key), boxes=count)
            elif count:
                self._planner.tally.discard(found.code, found.message, Place(image.key), boxes=count)
        return targets

    def _with_original(self, target: Target, image: Image, scores: NDArray[np.float64]) -> Target:
        """A target with the source's own file of its image, where the format keeps it."""
        fmt = self._planner.predictions.format
        kept = original_of(image, scores) if fmt.keeps_files else b""
        return dataclasses.replace(target, original=kept) if kept else target
