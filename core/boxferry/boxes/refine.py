"""Refine steps: fewer boxes, or other labels. Detections in, Detections out, and each box left out is on the tally."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.geometry import area, nms_keep

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from numpy.typing import NDArray

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.label_map import LabelMap
    from boxferry.boxes.tally import Tally


def without(detections: Detections, rows: NDArray[np.bool_], code: str, message: str, tally: Tally) -> Detections:
    """The chunk without the boxes at `rows`, a mask (N,), which are counted as dropped for the reason `code`."""
    if not rows.any():
        return detections
    tally.drop(code, message, detections, rows)
    return detections.take(~rows)


def without_labels(detections: Detections, problems: Mapping[str, str], tally: Tally) -> Detections:
    """The chunk without the boxes of some labels, dropped as 'bad-label'; `problems` is label → why."""
    for label, problem in problems.items():
        rows = detections.label == detections.labels.index(label)
        detections = without(detections, rows, Code.BAD_LABEL, problem, tally)
    return detections


def filter_score(detections: Detections, *, min_score: float, tally: Tally) -> Detections:
    """Drop the boxes whose score is under `min_score` ('below-threshold'); boxes without a score stay."""
    message = f"the score is under {min_score}"
    return without(detections, detections.score < min_score, Code.BELOW_THRESHOLD, message, tally)


def filter_max_score(detections: Detections, *, max_score: float, tally: Tally) -> Detections:
    """Drop the boxes whose score is over `max_score` ('above-threshold'); boxes without a score stay."""
    message = f"the score is over {max_score}"
    return without(detections, detections.score > max_score, Code.ABOVE_THRESHOLD, message, tally)


def filter_labels(detections: Detections, *, labels: Container[str], tally: Tally) -> Detections:
    """Drop the boxes of all labels but these ('other-label')."""
    others = np.array([name not in labels for name in detections.labels], np.bool_)
    return without(detections, others[detections.label], Code.OTHER_LABEL, "its label is not one to be kept", tally)


def filter_area(detections: Detections, *, min_area: float, tally: Tally) -> Detections:
    """Drop the boxes of less than `min_area` square pixels ('small-box')."""
    message = f"its area is under {min_area:g} square pixels"
    return without(detections, area(detections.xyxy) < min_area, Code.SMALL_BOX, message, tally)


def suppress(detections: Detections, *, iou: float, tally: Tally, across_labels: bool = False) -> Detections:
    """Drop the boxes that overlap a better one of their image or frame too much ('suppressed'): greedy NMS.

    Args:
        detections: the chunk.
        iou: the overlap, intersection over union, above which the box with the lower score goes. A box without a score
            is below all others; of equals the first stays.
        tally: counts what is dropped.
        across_labels: compare boxes of different labels too.
    """
    group = detections.scene_index
    if not across_labels:
        group = group * len(detections.labels) + detections.label
    keep = nms_keep(detections.xyxy, detections.score, group, iou=iou)
    return without(detections, ~keep, Code.SUPPRESSED, f"it overlaps a better box by more than {iou}", tally)


def limit(detections: Detections, *, max_boxes: int, tally: Tally) -> Detections:
    """Drop all but the `max_boxes` best boxes of each image or frame ('over-limit'); the others keep their order.

    A box without a score is below all others; of equals the first is better.
    """
    scene = detections.scene_index
    best_first = np.lexsort((-detections.score, scene))
    starts = np.searchsorted(scene[best_first], scene[best_first])
    over = np.zeros(len(detections), np.bool_)
    over[best_first] = np.arange(len(detections)) - starts >= max_boxes
    return without(detections, over, Code.OVER_LIMIT, f"its image has {max_boxes} better boxes", tally)


def relabel(detections: Detections, label_map: LabelMap) -> Detections:
    """The same boxes under the names that the map gives them; labels that come to one name become one label."""
    names = [label_map(name) for name in detections.labels]
    codes = {name: code for code, name in enumerate(dict.fromkeys(names))}
    new_code = np.array([codes[name] for name in names], np.int32)
    return detections.replace(labels=tuple(codes), label=new_code[detections.label])
