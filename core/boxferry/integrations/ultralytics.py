"""Ultralytics: what a model predicts goes to a collector too; nothing of Ultralytics is imported."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.collector.collector import Collector


@contextmanager
def add_to(model: Any, collector: Collector) -> Iterator[Collector]:  # noqa: ANN401 # Ultralytics' model
    """Hand the results of a model over, as long as the context lasts.

    Used as `with add_to(model, diffgram.collector(…)) as collect:`. Those of `predict` and `track`, batch by batch, and
    those of `val`, which has to be called with `save_json=True`.

    Args:
        model: a `YOLO`, or another model of Ultralytics.
        collector: takes the results; its context is entered and left here.

    Raises:
        UsageError: it is no model of Ultralytics.
    """
    if not callable(getattr(model, "add_callback", None)):
        raise UsageError(f"{type(model).__name__} is no model of Ultralytics, such as YOLO: it has no add_callback")
    handed: list[str] = []
    events: dict[str, Callable[[Any], None]] = {"on_predict_batch_end": partial(_predicted, collector, handed)}
    if "on_val_end" in getattr(model, "callbacks", ()):
        events["on_val_end"] = partial(_validated, collector, handed)
    with collector:
        for event, call in events.items():
            model.add_callback(event, call)
        try:
            yield collector
        finally:
            for event, call in events.items():
                _remove(model, event, call)
        if not handed:
            collector.report.note(
                "the model has predicted nothing inside the with block; results of stream=True are to be read there"
            )


def _predicted(collector: Collector, handed: list[str], predictor: Any) -> None:  # noqa: ANN401 # Ultralytics'
    handed[:] = ["predict"]
    collector.ultralytics_batch(predictor)


def _validated(collector: Collector, handed: list[str], validator: Any) -> None:  # noqa: ANN401 # Ultralytics'
    """Not the validations of a training, which has one each epoch, unless they have results."""
    handed[:] = ["val"]
    training = getattr(validator, "training", False) or getattr(validator.args, "mode", "") == "train"
    if getattr(validator, "jdict", None) or not training:
        collector.ultralytics_validation(validator)


def _remove(model: Any, event: str, call: object) -> None:  # noqa: ANN401 # likewise
    """Take one's own callback away, also of the predictor, which has the lists of its model."""
    for owner in (model, getattr(model, "predictor", None)):
        there = getattr(owner, "callbacks", {}).get(event, [])
        if call in there:
            there.remove(call)
