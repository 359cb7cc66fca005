"""Fitted detections to instance lists: pure, needs neither file nor server."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from msgspec import UNSET

from boxferry.errors import UnknownLabel
from boxferry.packets.reference import box_reference, file_digest
from boxferry.packets.wire import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from boxferry.boxes.detections import Detections


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxMaker:
    """Turns chunks of fitted detections into instance lists.

    Attributes:
        model: becomes each box's `model_ref`.
        run: becomes each box's `model_run_ref`.
        label_ids: label name → `label_file_id`; None writes the label's name, the form that Diffgram's SDK takes.
        machine_made: True for predictions; False only where the boxes are people's work.
    """

    model: str
    run: str
    label_ids: Mapping[str, int] | None = None
    machine_made: bool = True

    def instance_lists(
        self, detections: Detections, file_names: Sequence[str | None]
    ) -> Iterator[tuple[int, list[Box]]]:
        """Each image of a chunk, by its index, with its boxes.

        Args:
            detections: a fitted chunk of M images: whole pixels, inside the images.
            file_names: (M,) the name of each image's file on the server; None leaves the image out.

        Raises:
            UnknownLabel: a label that is used has no id.
        """
        ids = self._ids(detections)
        corners = detections.xyxy.astype(np.int64).tolist()
        label, score = detections.label.tolist(), detections.score.tolist()
        bounds = detections.offsets.tolist()
        for index, file_name in enumerate(file_names):
            if file_name is None:
                continue
            digest = file_digest(file_name, self.model, self.run)
            yield (
                index,
                [
                    self._box(detections.labels[label[i]], ids[label[i]], corners[i], score[i], digest)
                    for i in range(bounds[index], bounds[index + 1])
                ],
            )

    def _ids(self, detections: Detections) -> list[int | None]:
        if self.label_ids is None:
            return [None] * len(detections.labels)
        used = set(np.unique(detections.label).tolist())
        for code in used:
            if detections.labels[code] not in self.label_ids:
                raise UnknownLabel(f"label '{detections.labels[code]}' has no id on the server")
        return [self.label_ids.get(name) for name in detections.labels]

    def _box(self, name: str, label_id: int | None, corners: list[int], score: float, digest: str) -> Box:
        x_min, y_min, x_max, y_max = corners
        return Box(
            label_file_id=UNSET if label_id is None else label_id,
            name=name if label_id is None else UNSET,
            x_min=x_min,
            y_min=y_min,
            x_max=x_max,
            y_max=y_max,
            machine_made=self.machine_made,
            score=score if isfinite(score) else UNSET,
            model_ref=self.model,
            model_run_ref=self.run,
            creation_ref_id=box_reference(digest, name, (x_min, y_min, x_max, y_max)),
        )
