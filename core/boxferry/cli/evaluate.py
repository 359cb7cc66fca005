"""`boxferry evaluate`: COCO's metrics of runs, or of result files without a server."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.counted import counted
from boxferry.boxes.tally import Tally
from boxferry.cli.calibration import precision_option, print_calibration
from boxferry.cli.number import Number
from boxferry.cli.output import say, say_tally, table, tell, write_json
from boxferry.cli.reading import ReadingCommand, format_options
from boxferry.cli.review import pulled_run
from boxferry.cli.server import connections_option, server_options
from boxferry.errors import BoxferryError, InputError, UsageError
from boxferry.remote.urls import is_url
from boxferry.review.nothing import nothing_reviewed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.boxes.truth import Truth
    from boxferry.cli.session import Session
    from boxferry.review.metrics import Metrics

PER_CLASS = ("AP", "AP50", "AP75", "AR_100")


@dataclass(frozen=True, slots=True)
class Measured:
    """One column of the answer, or two.

    Attributes:
        metrics: None where there was nothing to measure, which has been said.
        in_pixels: of a result file, as Diffgram keeps its boxes; None where that is not known.
        failed: whether a part of it could not be read, or not one of its boxes counts.
    """

    metrics: Metrics | None
    in_pixels: Metrics | None = None
    failed: bool = False


@click.command("evaluate", cls=ReadingCommand)
@click.argument("runs", nargs=-1, required=True, metavar="RUN|RESULTS...")
@click.option("--against", metavar="FILE", help="The ground truth, in any format. [default: the corrected boxes]")
@click.option("--names", metavar="FILE|LIST", help="RESULTS: class names, also of a ground truth that has none.")
@click.option("--images", metavar="DIR", help="RESULTS, --against: the folder that holds the images.")
@click.option("--categories", metavar="FILE", help="RESULTS: a COCO dataset with names and ids. [default: --against]")
@click.option("-f", "--format", "format_name", default="auto", show_default=True, help="The format of RESULTS.")
@click.option("--score-scale", type=Number(), default=1.0, metavar="S", help="RESULTS: divide scores by S.")
@click.option("--per-class", is_flag=True, help="Add the metrics and the score calibration of each class.")
@precision_option
@server_options
@connections_option()
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object, with all classes.")
@click.pass_obj
def evaluate_command(
    session: Session, /, runs: tuple[str, ...], against: str | None, per_class: bool, precision: float, as_json: bool,
    **given: Any,
) -> int:  # fmt: skip
    """Compute COCO metrics of RUN's predictions against the corrected boxes of its reviewed files.

    Several runs are listed side by side. The numbers equal those of pycocotools; crowd regions and areas of a COCO
    ground truth are respected. RESULTS are files or folders of predictions, compared --against a ground truth without a
    server. Next to each are the metrics of the same boxes in whole pixels, as Diffgram stores them.
    """
    kinds = {name: _is_file(name, given.get("outbox")) for name in runs}
    if any(kinds.values()) and against is None:
        first = next(name for name, is_file in kinds.items() if is_file)
        raise UsageError(f"{first}: a result file needs a ground truth: add --against FILE")
    truth = _truth(session, against, given)
    measured = {
        name: _measured_file(session, name, truth, against, given)
        if is_file and truth is not None
        else _measured_run(given, name, truth, against)
        for name, is_file in kinds.items()
    }
    if as_json:
        write_json(_facts(measured, precision))
    elif any(each.metrics for each in measured.values()):
        _print(measured)
        for name, each in measured.items() if per_class else ():
            _print_classes(name, each.metrics, precision)
    return int(any(each.metrics is None or each.failed for each in measured.values()))


def _is_file(name: str, outbox: str | None) -> bool:
    """Whether an argument names results rather than a run.

    Raises:
        UsageError: it could be both.
    """
    there = name == "-" or is_url(name) or os.path.exists(name) or any(sign in name for sign in "*?[")  # noqa: PTH110
    if there and (number := _run_called(name, outbox)):
        raise UsageError(f"{name} is both a run and a file: write ./{name} for the file, or {number} for the run")
    if not there and ("/" in name or Path(name).suffix in {".json", ".txt", ".xml"}) and not _run_called(name, outbox):
        raise InputError(f"{name}: no such file, and no run of that name in the outbox")
    return there


def _run_called(name: str, outbox: str | None) -> int:
    """The number of the run with this name or number, 0 where there is no such run or no outbox."""
    from boxferry.deliver.workspace import default_outbox
    from boxferry.outbox.outbox import Outbox

    path = Path(outbox) if outbox else default_outbox()
    if not path.exists():
        return 0
    with Outbox(path) as opened:
        return next((run.id for run in opened.runs() if name in {run.name, str(run.id)}), 0)


def _truth(session: Session, against: str | None, given: Mapping[str, Any]) -> Truth | None:
    from boxferry.review.measure import ground_truth

    if against is None:
        return None
    if not os.path.exists(against) and _run_called(against, given.get("outbox")):  # noqa: PTH110
        pulled = f"boxferry pull {shlex.quote(against)} --to coco -o corrected.json"
        raise UsageError(
            f"--against: '{against}' is a run; {pulled} writes its corrected boxes, for --against corrected.json"
        )
    tally = Tally()
    try:
        found = ground_truth(against, tally, names=given["names"], images=given["images"], plugins=session.plugins)
    except InputError as error:
        if "--categories" not in str(error):
            raise
        raise InputError(f"{error}; RESULTS come first, the ground truth after --against") from None
    say(
        f"{against}: {counted(len(found.images), 'image')}, {counted(len(found.boxes), 'box')}, "
        f"{found.crowds} of them crowd regions"
    )
    if tally.dropped or tally.noted or tally.failed:
        say_tally(tally)
    return found


def _measured_run(given: Mapping[str, Any], run: str, truth: Truth | None, against: str | None) -> Measured:
    review = pulled_run(given, run)
    if not any(file.sent for file in review.files):
        why = "" if review.files or not review.packets else nothing_reviewed(review)
        what = "sent no boxes, so there are no metrics; push predictions first, or name another run"
        say(f"run {run}: {why or what}")
        return Measured(None)
    if truth is not None:
        source = shlex.quote(review.run.source or "RESULTS")
        more = "".join(f" --{name} {shlex.quote(given[name])}" for name in ("names", "images") if given.get(name))
        file = f"boxferry evaluate {source} --against {shlex.quote(against or '')}{more}"
        say(f"run {run}: measured as it was sent, in whole pixels; what they cost: {file}")
        return Measured(review.metrics(truth))
    if review.overtaken:
        say(f"run {run}: left out: {counted(len(review.overtaken), 'reviewed file')} whose boxes a later push replaced")
    if not review.reviewed:
        wait = "correct boxes or complete files on the server and try again, or name a ground truth with --against"
        left = "holds what people left" if review.overtaken else "is reviewed"
        say(f"run {run}: none of its {counted(len(review.files), 'file')} {left}, so there are no metrics: {wait}")
        return Measured(None)
    return Measured(review.metrics())


def _measured_file(
    session: Session, name: str, truth: Truth, against: str | None, given: Mapping[str, Any]
) -> Measured:
    from boxferry.review.evaluate import coco_metrics
    from boxferry.review.measure import in_whole_pixels, results

    predictions = results(
        name,
        against=against,
        format=given["format_name"],
        options=format_options(given),
        plugins=session.plugins,
        **{name: given[name] for name in ("names", "images", "categories", "score_scale")},
    )
    tally = Tally()
    metrics = coco_metrics(truth, predictions.chunks(tally))
    say_tally(tally, before=f"{name}: ")
    failed = bool(tally.exit_code) or (tally.kept > 0 and not metrics.predicted)
    try:
        return Measured(metrics, in_whole_pixels(truth, predictions), failed)
    except BoxferryError as error:
        say(f"{name}: what whole pixels cost is not known: {error}")
        return Measured(metrics, failed=failed)


def _facts(measured: Mapping[str, Measured], precision: float) -> dict[str, Any]:
    """As JSON; -1 is where there is nothing to measure, as in pycocotools."""
    known = {name: each.metrics for name, each in measured.items()}
    return {
        "runs": {name: None if found is None else found.stats for name, found in known.items()},
        "classes": {name: {} if found is None else found.classes for name, found in known.items()},
        "calibration": {
            name: None if found is None else found.calibration(precision=precision).as_dict()
            for name, found in known.items()
        },
        "boxes": {name: None if found is None else found.counts() for name, found in known.items()},
        "whole_pixels": {
            name: each.in_pixels.stats for name, each in measured.items() if each.in_pixels is not None
        },
    }  # fmt: skip


def _print(measured: Mapping[str, Measured]) -> None:
    from boxferry.review.metrics import METRICS, NOTHING, shown

    columns: dict[str, Metrics] = {}
    for name, each in measured.items():
        if each.metrics is not None:
            columns[name] = each.metrics
            _say_left_out(name, each.metrics)
        if each.in_pixels is not None:
            columns[f"{name} in whole pixels"] = each.in_pixels
    tell(table(("metric", *columns), [(name, *(shown(c[name]) for c in columns.values())) for name in METRICS]))
    if any(c[name] < 0 for c in columns.values() for name in METRICS):
        say(f"{NOTHING}: the ground truth has no such boxes")
    for name, each in measured.items():
        if each.metrics is not None and each.in_pixels is not None and each.metrics.AP >= 0:
            cost = 100 * (each.metrics.AP - each.in_pixels.AP)
            say(f"{name}: whole pixels, as Diffgram keeps boxes, cost {cost:.1f} points of AP")


def _say_left_out(name: str, metrics: Metrics) -> None:
    if metrics.left_out:
        say(f"{name}: ignored {counted(metrics.left_out, 'box')} on images that the ground truth does not have")
    if metrics.unknown:
        labels = ", ".join(f"{label} ({boxes})" for label, boxes in metrics.unknown.items())
        say(f"{name}: ignored labels that the ground truth does not have: {labels}")


def _print_classes(name: str, metrics: Metrics | None, precision: float) -> None:
    from boxferry.review.metrics import shown

    if metrics is None:
        return
    rows = [(label, *(shown(found[each]) for each in PER_CLASS)) for label, found in metrics.classes.items()]
    tell("")
    tell(table((f"{name}: class", *PER_CLASS), rows))
    print_calibration(metrics.calibration(precision=precision))
