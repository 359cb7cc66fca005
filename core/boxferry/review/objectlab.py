"""ObjectLab's scores of label errors, by the package cleanlab where it is installed (https://docs.cleanlab.ai)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from boxferry.review.scenes import Scene


class ObjectLabInput(NamedTuple):
    """What cleanlab's `object_detection` takes.

    Attributes:
        labels: for each scene {'bboxes': (L, 4) float64 corners, 'labels': (L,) int64}.
        predictions: for each scene a list of K arrays, one a class, each (M, 5): corners and score.
        names: the K classes.
        order: for each scene (M,) which of the scene's predictions each row is, the classes one after the other.
    """

    labels: list[dict[str, NDArray[Any]]]
    predictions: list[Any]
    names: list[str]
    order: list[NDArray[np.int64]]


class ObjectLabScores(NamedTuple):
    """Scores from 0 (surely an error) to 1, NaN where one does not apply.

    Attributes:
        label: for each scene (N,), of boxes that people left: whether the label is another one.
        place: for each scene (N,), likewise: whether the box is elsewhere.
        missing: for each scene (M,), of predictions: whether there should be a box.
    """

    label: list[NDArray[np.float64]]
    place: list[NDArray[np.float64]]
    missing: list[NDArray[np.float64]]


def objectlab_input(scenes: Sequence[Scene]) -> ObjectLabInput:
    """The scenes as cleanlab takes them."""
    left = {box.label for scene in scenes for box in scene.left}
    names = sorted(left | {box.label for scene in scenes for box in scene.predicted})
    codes = {name: code for code, name in enumerate(names)}
    labels, predictions, order = [], [], []
    for scene in scenes:
        corners = np.array([box.corners for box in scene.left], np.float64).reshape(-1, 4)
        labels.append({"bboxes": corners, "labels": np.array([codes[box.label] for box in scene.left], np.int64)})
        rows = np.array([(*box.corners, box.score) for box in scene.predicted], np.float64).reshape(-1, 5)
        classes = np.array([codes[box.label] for box in scene.predicted], np.int64)
        by_class = np.empty(len(names), object)
        for code in range(len(names)):
            by_class[code] = rows[classes == code]
        predictions.append(by_class)
        order.append(np.argsort(classes, kind="stable").astype(np.int64))
    return ObjectLabInput(labels, predictions, names, order)


def objectlab_scores(scenes: Sequence[Scene]) -> ObjectLabScores | None:
    """What cleanlab makes of the scenes; None where it is not installed."""
    try:
        from cleanlab.object_detection import rank
    except ImportError:
        return None
    given = objectlab_input(scenes)
    if not scenes:
        return ObjectLabScores([], [], [])
    facts = {"labels": given.labels, "predictions": given.predictions}
    missing = [
        _in_order(scores, order)
        for scores, order in zip(rank.compute_overlooked_box_scores(**facts), given.order, strict=True)
    ]
    return ObjectLabScores(rank.compute_swap_box_scores(**facts), rank.compute_badloc_box_scores(**facts), missing)


def _in_order(scores: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.float64]:
    """(M,) scores of rows that stand class by class, in the order of the scene's predictions."""
    found = np.empty(len(order))
    found[order] = scores
    return found
