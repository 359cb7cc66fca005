"""Reports into the active run of MLflow or Weights & Biases; neither of them is a dependency."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from boxferry.errors import BoxferryError, UsageError
from boxferry.review.judged import FATES
from boxferry.review.report import page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from boxferry.review.calibration import Calibration
    from boxferry.review.report import Report

Tracker = Literal["mlflow", "wandb"]
FOLDER = "boxferry"
LONGEST = 100  #: characters of one part of a name
NOT_IN_NAMES = re.compile(r"[^\w.\- ]")
OF_ENVIRONMENT = {"mlflow": "MLFLOW_RUN_ID", "wandb": "WANDB_RUN_ID"}
PACKAGES = {"mlflow": "mlflow", "wandb": "wandb"}  #: tracker → what pip installs


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that is being recorded.

    Attributes:
        name: for messages: 'mlflow run 1f0a'.
        log: takes the numbers by name, the facts as plain values, and the page as HTML.
    """

    name: str
    log: Callable[[dict[str, float], dict[str, Any], str], None]


def active_run(tracker: Tracker) -> ActiveRun:
    """The run that is active in this process, or that the environment names (`MLFLOW_RUN_ID`, `WANDB_RUN_ID`).

    Raises:
        UsageError: the package is not installed, no run is active, or the word is no tracker.
    """
    if tracker not in OF_ENVIRONMENT:
        raise UsageError(f"tracker: '{tracker}', expected one of {', '.join(OF_ENVIRONMENT)}")
    try:
        module = import_module(tracker)
    except ImportError:
        raise UsageError(f"{tracker} is not installed: pip install {PACKAGES[tracker]}") from None
    run_id = os.environ.get(OF_ENVIRONMENT[tracker], "")
    found = _mlflow(module, run_id) if tracker == "mlflow" else _wandb(module, run_id)
    if found is None:
        start = {"mlflow": "mlflow.start_run()", "wandb": "wandb.init()"}[tracker]
        where = f"log within {start}, or name a run with the environment variable {OF_ENVIRONMENT[tracker]}"
        raise UsageError(f"{tracker}: no run is active: {where}")
    return found


def _mlflow(module: Any, run_id: str) -> ActiveRun | None:  # noqa: ANN401 # a module that may not be installed
    active = module.active_run()
    run_id = active.info.run_id if active is not None else run_id
    if not run_id:
        return None

    def log(numbers: dict[str, float], facts: dict[str, Any], page: str) -> None:
        module.log_metrics(numbers, run_id=run_id)  # by its id: the run of another process stays as it is, not ended
        module.log_dict(facts, f"{FOLDER}/report.json", run_id=run_id)
        module.log_text(page, f"{FOLDER}/report.html", run_id=run_id)

    return ActiveRun(f"mlflow run {run_id}", log)


def _wandb(module: Any, run_id: str) -> ActiveRun | None:  # noqa: ANN401 # likewise
    active = module.run
    if active is None and not run_id:
        return None

    def log(numbers: dict[str, float], _facts: dict[str, Any], page: str) -> None:
        run = active if active is not None else module.init(id=run_id, resume="allow")
        run.log({**numbers, f"{FOLDER}/report": module.Html(io.StringIO(page), inject=False)})
        if active is None:
            run.finish()

    return ActiveRun(f"wandb run {run_id if active is None else active.id}", log)


def log_reports(reports: Sequence[Report], into: ActiveRun) -> dict[str, float]:
    """Record reports; gives the numbers that were recorded.

    Raises:
        BoxferryError: the tracker fails.
    """
    numbers: dict[str, float] = {}
    for report in reports:
        part = [report.review.run.name] if len(reports) > 1 else []
        for name, value in numbers_of(report):
            numbers[_free("/".join([FOLDER, *map(_part, [*part, *name])]), numbers)] = value
    facts = {report.review.run.name: report.as_dict() for report in reports}
    try:
        into.log(numbers, facts, page_of(reports))
    except Exception as error:
        raise BoxferryError(f"{into.name}: {' '.join(str(error).split())[:300] or type(error).__name__}") from error
    return numbers


def numbers_of(report: Report) -> Iterator[tuple[list[str], float]]:
    """The numbers of a report, each with the parts of its name; what is not known is left out."""
    summary, scores = report.summary, report.calibration
    yield ["files"], float(summary.files)
    yield ["reviewed"], float(summary.reviewed)
    for fate in FATES:
        yield ["boxes", fate], float(summary.fates[fate])
    if summary.corrected_share is not None:
        yield ["corrected_share"], summary.corrected_share
    if report.metrics is not None:
        yield from ((["coco", name], value) for name, value in report.metrics.items() if value >= 0)
    for label, best in sorted(summary.thresholds.items()):
        yield ["best_threshold", label], best.score
    if scores.whole is not None:
        yield from _reliability(scores.whole, "")
    for label, known in scores.labels.items():
        yield from _reliability(known, "_by_label", label)


def _reliability(scores: Calibration, suffix: str, *more: str) -> Iterator[tuple[list[str], float]]:
    """How far scores can be trusted, and from which on they have the wished precision."""
    yield [f"calibration_error{suffix}", *more], scores.error
    if scores.threshold.score is not None:
        yield [f"score_for_precision{suffix}", *more], scores.threshold.score


def _part(name: str) -> str:
    """One part of a name, of signs that trackers take: letters, digits, _, -, . and blanks between them."""
    return NOT_IN_NAMES.sub("_", name)[:LONGEST].strip(" .") or "_"


def _free(name: str, taken: dict[str, float]) -> str:
    """The name, or with a number where two labels differ in signs alone that names cannot have."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
