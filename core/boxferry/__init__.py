"""Carries a detection model's boxes to Diffgram, where people correct them, and brings the corrections home."""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

from boxferry.version import __version__

if TYPE_CHECKING:
    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.deliver.report import PushResult
    from boxferry.diffgram.settings import Credentials, Server
    from boxferry.errors import BoxferryError
    from boxferry.plan.push_options import PushOptions
    from boxferry.project import Diffgram
    from boxferry.reading.read import read
    from boxferry.review.measure import evaluate
    from boxferry.review.metrics import Metrics

__all__ = [
    "BoxferryError",
    "Credentials",
    "Detections",
    "Diffgram",
    "Image",
    "Metrics",
    "PushOptions",
    "PushResult",
    "Server",
    "Tally",
    "__version__",
    "evaluate",
    "read",
]

_HOMES = {
    "BoxferryError": "boxferry.errors",
    "Credentials": "boxferry.diffgram.settings",
    "Detections": "boxferry.boxes.detections",
    "Diffgram": "boxferry.project",
    "Image": "boxferry.boxes.detections",
    "Metrics": "boxferry.review.metrics",
    "PushOptions": "boxferry.plan.push_options",
    "PushResult": "boxferry.deliver.report",
    "Server": "boxferry.diffgram.settings",
    "Tally": "boxferry.boxes.tally",
    "evaluate": "boxferry.review.measure",
    "read": "boxferry.reading.read",
}


_FORMER = {"Manner": "PushOptions", "PushReport": "PushResult"}  #: names of the release before this one


def __getattr__(name: str) -> object:
    """Import a public name at its first use, so that `boxferry --version` waits for nothing."""
    if name in _FORMER:
        warnings.warn(f"boxferry.{name} is called {_FORMER[name]} now", DeprecationWarning, stacklevel=2)
        name = _FORMER[name]
    if name not in _HOMES:
        raise AttributeError(f"module 'boxferry' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
