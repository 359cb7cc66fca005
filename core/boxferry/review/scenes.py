"""What people left on each picture beside what models predict there: the input of the search for label errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.geometry import iou_matrix
from boxferry.packets.reference import is_ours
from boxferry.review.own import own_boxes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from boxferry.review.judged import Predicted, Stored
    from boxferry.review.pull import ReviewedFile


@dataclass(slots=True)
class Scene:
    """One image, or one frame of a video.

    Attributes:
        file: the file.
        frame: of a video, else None.
        left: N boxes as people left them; untouched ones of other runs are not among them.
        drawn: for each, whether people drew it.
        predicted: M boxes with a score that models predict there.
    """

    file: ReviewedFile
    frame: int | None
    left: list[Stored] = field(default_factory=list)
    drawn: list[bool] = field(default_factory=list)
    predicted: list[Predicted] = field(default_factory=list)

    def overlaps(self) -> NDArray[np.float64]:
        """(N, M) IoU of what people left and what is predicted."""
        one, two = ([box.corners for box in boxes] for boxes in (self.left, self.predicted))
        if not one or not two:
            return np.zeros((len(one), len(two)))
        return iou_matrix(np.array(one, np.float64), np.array(two, np.float64))


def scenes_of(reviewed: Iterable[ReviewedFile], others: Sequence[Iterable[ReviewedFile]] = ()) -> list[Scene]:
    """The scenes of the reviewed files of a run.

    Args:
        reviewed: those files.
        others: all files of other runs, whose predictions count where they are on the same files.
    """
    elsewhere = [{file.file_id: file.predicted for file in files} for files in others]
    return [
        scene
        for file in reviewed
        for scene in _scenes_of_file(file, [box for files in elsewhere for box in files.get(file.file_id, ())])
    ]


def _scenes_of_file(file: ReviewedFile, others: Iterable[Predicted]) -> list[Scene]:
    own, scenes = own_boxes(file), dict[int | None, Scene]()
    for left in own.stored:
        scene = scenes.setdefault(left.frame, Scene(file, left.frame))
        scene.left.append(left)
        scene.drawn.append(not is_ours(left.reference))
    for predicted in (*own.predicted, *others):
        if predicted.score is not None:
            scenes.setdefault(predicted.frame, Scene(file, predicted.frame)).predicted.append(predicted)
    return list(scenes.values())
