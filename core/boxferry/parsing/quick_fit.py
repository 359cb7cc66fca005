"""The fit by the compiled function, where no box is to be dropped or counted as changed; else by its pure twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from boxferry.boxes import fit as twin
from boxferry.parsing import compiled

if TYPE_CHECKING:
    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally


def fit(detections: Detections, *, tally: Tally, tiny: Literal["drop", "expand"] = "drop") -> Detections:
    """As `boxes.fit.fit`.

    Raises:
        InputError: an image that has boxes has no known size.
    """
    found = quickly_fitted(detections)
    return twin.fit(detections, tally=tally, tiny=tiny) if found is None else found


def quickly_fitted(detections: Detections) -> Detections | None:
    """The boxes with whole-numbered corners, all of them; None where that is left to the twin."""
    if compiled.speedups is None or detections.frame is not None or detections.track is not None:
        return None
    corners = np.ascontiguousarray(detections.xyxy)
    found = compiled.speedups.whole_edges(detections.offsets.data, corners.data, detections.sizes.data)
    return None if found is None else detections.replace(xyxy=np.frombuffer(found, np.float64).reshape(-1, 4))
