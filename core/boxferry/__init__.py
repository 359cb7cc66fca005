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
    from boxferry.deliver.files import FileResult, FileResults
    from boxferry.deliver.listener import Listener
    from boxferry.deliver.report import PushResult
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

_HOMES = {
    "AttributeWish": "boxferry.plan.attributes",
    "AuthError": "boxferry.errors",
    "BoxferryError": "boxferry.errors",
    "Collector": "boxferry.collector.collector",
    "CollectorReport": "boxferry.collector.report",
    "ConfigError": "boxferry.errors",
    "Context": "boxferry.formats",
    "Credentials": "boxferry.diffgram.settings",
    "Dataset": "boxferry.reading.dataset",
    "DedupeReport": "boxferry.upkeep.dedupe",
    "Detections": "boxferry.boxes.detections",
    "Diff": "boxferry.reading.diff",
    "Difference": "boxferry.reading.diff",
    "Diffgram": "boxferry.project",
    "DiffgramError": "boxferry.errors",
    "FileResult": "boxferry.deliver.files",
    "FileResults": "boxferry.deliver.files",
    "Format": "boxferry.formats",
    "Image": "boxferry.boxes.detections",
    "InputError": "boxferry.errors",
    "Issue": "boxferry.boxes.tally",
    "Listener": "boxferry.deliver.listener",
    "Metrics": "boxferry.review.metrics",
    "NightlyReport": "boxferry.upkeep.nightly",
    "NotFound": "boxferry.errors",
    "OptionError": "boxferry.errors",
    "OutboxBusy": "boxferry.errors",
    "OutboxError": "boxferry.errors",
    "Patience": "boxferry.plan.patience",
    "Plan": "boxferry.plan.plan_file",
    "PluginError": "boxferry.errors",
    "Predictions": "boxferry.reading.predictions",
    "PushKeywords": "boxferry.plan.push_options",
    "PushOptions": "boxferry.plan.push_options",
    "PushResult": "boxferry.deliver.report",
    "RateLimited": "boxferry.errors",
    "Refused": "boxferry.errors",
    "RetireReport": "boxferry.upkeep.retire",
    "Review": "boxferry.review.review",
    "Server": "boxferry.diffgram.settings",
    "SizeDiffers": "boxferry.errors",
    "Split": "boxferry.reading.refining",
    "StillProcessing": "boxferry.errors",
    "Tally": "boxferry.boxes.tally",
    "TrainingSet": "boxferry.review.dataset",
    "Truth": "boxferry.boxes.truth",
    "UnknownFormat": "boxferry.errors",
    "UnknownLabel": "boxferry.errors",
    "Unreachable": "boxferry.errors",
    "Unsure": "boxferry.errors",
    "UsageError": "boxferry.errors",
    "diff": "boxferry.reading.diff",
    "evaluate": "boxferry.review.measure",
    "hookimpl": "boxferry.hookspecs",
    "merge": "boxferry.reading.merge",
    "read": "boxferry.reading.read",
    "read_plan": "boxferry.plan.plan_file",
    "write_packets": "boxferry.plan.named",
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


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
