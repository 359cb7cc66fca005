"""Carries a detection model's boxes to Diffgram, where people correct them, and brings the corrections home.

Every name below is imported at its first use; `dir(boxferry)` lists them all.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

from boxferry.version import __version__

if TYPE_CHECKING:
    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Issue, Tally
    from boxferry.boxes.truth import Truth
    from boxferry.collector.collector import Collector
    from boxferry.collector.report import CollectorReport
    from boxferry.deliver.listener import Listener
    from boxferry.deliver.report import FileResult, FileResults, PushResult
    from boxferry.diffgram.settings import Credentials, Server
    from boxferry.errors import (
        AuthError,
        BoxferryError,
        ConfigError,
        DiffgramError,
        InputError,
        NotFound,
        OptionError,
        OutboxBusy,
        OutboxError,
        PluginError,
        RateLimited,
        Refused,
        SizeDiffers,
        StillProcessing,
        UnknownFormat,
        UnknownLabel,
        Unreachable,
        Unsure,
        UsageError,
    )
    from boxferry.formats import Context, Format
    from boxferry.hookspecs import hookimpl
    from boxferry.plan.attributes import AttributeWish
    from boxferry.plan.named import write_packets
    from boxferry.plan.patience import Patience
    from boxferry.plan.plan_file import Plan, read_plan
    from boxferry.plan.push_options import PushKeywords, PushOptions
    from boxferry.project import Diffgram
    from boxferry.reading.dataset import Dataset
    from boxferry.reading.diff import Diff, Difference, diff
    from boxferry.reading.merge import merge
    from boxferry.reading.predictions import Predictions
    from boxferry.reading.read import read
    from boxferry.reading.refining import Split
    from boxferry.review.dataset import TrainingSet
    from boxferry.review.measure import evaluate
    from boxferry.review.metrics import Metrics
    from boxferry.review.review import Review
    from boxferry.upkeep.dedupe import DedupeReport
    from boxferry.upkeep.nightly import NightlyReport
    from boxferry.upkeep.retire import RetireReport

__all__ = [
    "AttributeWish",
    "AuthError",
    "BoxferryError",
    "Collector",
    "CollectorReport",
    "ConfigError",
    "Context",
    "Credentials",
    "Dataset",
    "DedupeReport",
    "Detections",
    "Diff",
    "Difference",
    "Diffgram",
    "DiffgramError",
    "FileResult",
    "FileResults",
    "Format",
    "Image",
    "InputError",
    "Issue",
    "Listener",
    "Metrics",
    "NightlyReport",
    "NotFound",
    "OptionError",
    "OutboxBusy",
    "OutboxError",
    "Patience",
    "Plan",
    "PluginError",
    "Predictions",
    "PushKeywords",
    "PushOptions",
    "PushResult",
    "RateLimited",
    "Refused",
    "RetireReport",
    "Review",
    "Server",
    "SizeDiffers",
    "Split",
    "StillProcessing",
    "Tally",
    "TrainingSet",
    "Truth",
    "UnknownFormat",
    "UnknownLabel",
    "Unreachable",
    "Unsure",
    "UsageError",
    "__version__",
    "diff",
    "evaluate",
    "hookimpl",
    "merge",
    "read",
    "read_plan",
    "write_packets",
]

_NAMES = {
    "boxferry.boxes.detections": ("Detections", "Image"),
    "boxferry.boxes.tally": ("Issue", "Tally"),
    "boxferry.boxes.truth": ("Truth",),
    "boxferry.collector.collector": ("Collector",),
    "boxferry.collector.report": ("CollectorReport",),
    "boxferry.deliver.listener": ("Listener",),
    "boxferry.deliver.report": ("FileResult", "FileResults", "PushResult"),
    "boxferry.diffgram.settings": ("Credentials", "Server"),
    "boxferry.errors": (
        "AuthError", "BoxferryError", "ConfigError", "DiffgramError", "InputError", "NotFound", "OptionError",
        "OutboxBusy", "OutboxError", "PluginError", "RateLimited", "Refused", "SizeDiffers", "StillProcessing",
        "UnknownFormat", "UnknownLabel", "Unreachable", "Unsure", "UsageError",
    ),
    "boxferry.formats": ("Context", "Format"),
    "boxferry.hookspecs": ("hookimpl",),
    "boxferry.plan.attributes": ("AttributeWish",),
    "boxferry.plan.named": ("write_packets",),
    "boxferry.plan.patience": ("Patience",),
    "boxferry.plan.plan_file": ("Plan", "read_plan"),
    "boxferry.plan.push_options": ("PushKeywords", "PushOptions"),
    "boxferry.project": ("Diffgram",),
    "boxferry.reading.dataset": ("Dataset",),
    "boxferry.reading.diff": ("Diff", "Difference", "diff"),
    "boxferry.reading.merge": ("merge",),
    "boxferry.reading.predictions": ("Predictions",),
    "boxferry.reading.read": ("read",),
    "boxferry.reading.refining": ("Split",),
    "boxferry.review.dataset": ("TrainingSet",),
    "boxferry.review.measure": ("evaluate",),
    "boxferry.review.metrics": ("Metrics",),
    "boxferry.review.review": ("Review",),
    "boxferry.upkeep.dedupe": ("DedupeReport",),
    "boxferry.upkeep.nightly": ("NightlyReport",),
    "boxferry.upkeep.retire": ("RetireReport",),
}  # fmt: skip
_HOMES = {name: module for module, names in _NAMES.items() for name in names}
_FORMER = {"Manner": "PushOptions", "PushReport": "PushResult"}  #: names of the release before this one


def __getattr__(name: str) -> object:
    """Import a public name at its first use, so that `boxferry --version` waits for nothing."""
    if name in _FORMER:
        warnings.warn(f"boxferry.{name} is called {_FORMER[name]} now", DeprecationWarning, stacklevel=2)
        name = _FORMER[name]
    if name not in _HOMES:
        raise AttributeError(f"module 'boxferry' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
