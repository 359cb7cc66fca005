"""What tells one source from another: two sources never become one run by a default name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.remote.urls import is_url, shown

if TYPE_CHECKING:
    from boxferry.reading.predictions import Predictions

#: parts of a path that many sources have, which say nothing where another part does
COMMON = frozenset(
    {
        *("annotations", "data", "dataset", "datasets", "detect", "exp", "images", "labels", "obb", "out", "output"),
        *("pose", "pred", "predict", "prediction", "predictions", "preds", "results", "runs", "segment", "test"),
        *("train", "txt", "val", "valid", "validation"),
    }
)
SILENT = frozenset({"labels", "runs", "detect", "segment", "txt"})  #: those that no name keeps


def source_identity(predictions: Predictions) -> str:
    """The absolute path of a file or folder, or a URL without its query; empty for results in memory and streams."""
    source = predictions.source
    if predictions.anonymous or source.value is not None or source.name in {"", "-"}:
        return ""
    if is_url(source.name):
        return shown(source.name)
    return str(Path(source.name).resolve())


def name_of_source(source: str) -> str:
    """A run's name for a source: the last part of its path that is its own, and the common ones after it.

    'run_cam1/labels' is 'run_cam1', 'proj/runs/train/labels' is 'proj-train', 'night/predictions.json' is
    'night-predictions.json'; standard input is 'stdin'.
    """
    if source == "-":
        return "stdin"
    parts = _parts(shown(source)) if is_url(source) else Path(source).absolute().parts[1:]
    common = [Path(part).name.partition(".")[0].lower() in COMMON for part in parts]
    own = next((index for index in reversed(range(len(parts))) if not common[index]), 0)
    kept = [part for part in parts[own + 1 :] if part.lower() not in SILENT]
    return "-".join([*parts[own : own + 1], *kept]) or "stdin"


def _parts(url: str) -> tuple[str, ...]:
    """The bucket or host of a URL, and the parts of its path."""
    return tuple(part for part in url.partition("://")[2].split("/") if part)
