"""`boxferry pull` and `report`: the corrections brought home, and counted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.counted import counted
from boxferry.boxes.tally import Tally
from boxferry.cli.calibration import precision_option, print_calibration
from boxferry.cli.command import Command
from boxferry.cli.dataset import dataset_options, is_dataset, pull_dataset, say_changes
from boxferry.cli.format_name import to_option
from boxferry.cli.number import NumberRange
from boxferry.cli.output import say, table, tell, write_json, write_text
from boxferry.cli.period import check_period, period_options, report_period
from boxferry.cli.reading import WritingCommand, format_options
from boxferry.cli.serve import serve_options, serve_page
from boxferry.cli.server import connections_option, diffgram_of, server_options
from boxferry.errors import UsageError
from boxferry.reading.names import load_names
from boxferry.reading.writing import option_values
from boxferry.review.nothing import nothing_reviewed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from boxferry.cli.session import Session
    from boxferry.review.report import Report
    from boxferry.review.review import Review
    from boxferry.review.summary import Summary
    from boxferry.review.suspicious import Suspicions

SHOWN = 5  #: files that a line lists
LISTED = 20  #: suspicious boxes in a table; --json and --html have more
CLICKS = NumberRange(0, 1_000_000)  #: a bound, so that infinity is none


def pulled_run(given: Mapping[str, Any], run: str) -> Review:
    """A run's files with their boxes as they are now; says which files are gone."""
    from boxferry.cli.progress import counting

    with diffgram_of(given) as diffgram, counting("pull", "files") as on_file:
        review = diffgram.pull(run, on_file=on_file)
    if review.gone:
        more = f" and {len(review.gone) - SHOWN} more" if len(review.gone) > SHOWN else ""
        say(f"run {run}: no longer on the server: {', '.join(review.gone[:SHOWN])}{more}")
    return review


@click.command("pull", cls=WritingCommand)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@server_options
@connections_option()
@to_option(default="coco", text="The format that is written; boxferry formats lists them.")
@click.option(
    "-o", "--output", required=True, help="A file, or a folder for yolo, voc, mot and labelme; - is standard output."
)
@click.option("--all", "everything", is_flag=True, help="Include files that are not reviewed yet.")
@click.option(
    "--names",
    metavar="FILE|LIST",
    help="Class ids and names (data.yaml, classes.txt, 'cat,dog'). [default: as RUN was pushed with]",
)
@dataset_options
@click.option("--json", "as_json", is_flag=True, help="Write the counts as one JSON object; needs -o FILE.")
@click.pass_obj
def pull_command(session: Session, /, runs: tuple[str, ...], **given: Any) -> int:
    """Write the boxes of RUN's files as they are now, with people's corrections.

    Class ids are those that RUN was pushed with, also of classes without boxes; labels that people added follow them.
    Files that are not reviewed yet are left out unless --all, and so are predictions of later runs. Only what has
    changed since the last pull is read from the server; an interrupted pull continues where it stopped.

    With --directory, or with several runs, a training dataset is written into the folder -o, on any machine: each
    reviewed image once, with its final boxes. --to is yolo (Ultralytics' layout), coco or voc. An image stays in train
    or val from one pull to the next. Class ids are those of --names, else of the dataset that exists, else of the
    project; new labels follow. manifest.csv has a row for each image. The same images give the same bytes, for git or
    DVC.
    """
    if is_dataset(runs, given):
        return pull_dataset(runs, given)
    return _pull_run(session, runs[0], given)


def _pull_run(session: Session, run: str, given: Mapping[str, Any]) -> int:
    target, output = session.plugins.formats()[given["target_format"]], given["output"]
    if given["as_json"] and output == "-":
        raise UsageError("--json needs -o FILE: standard output already holds the data")
    table = None if given["names"] is None else load_names(given["names"])
    options = format_options(given)
    option_values(target, options)  # what is wrong is said before the server is asked
    review, tally = pulled_run(given, run), Tally()
    everything = given["everything"]
    review.write_as(target, Path(output), tally, everything=everything, names=table, options=options)
    overtaken = len(review.overtaken)
    reviewed = len(review.reviewed) + overtaken
    facts = {"files": len(review.files), "reviewed": reviewed, "overtaken": overtaken, "boxes": tally.kept}
    if given["as_json"]:
        counts = {"dropped": dict(tally.dropped), "changed": dict(tally.changed), "notes": dict(tally.noted)}
        write_json({**facts, "gone": len(review.gone), **counts, "output": output})
        return tally.exit_code
    say(
        f"{facts['reviewed']} of {counted(facts['files'], 'file')} reviewed; "
        f"{counted(tally.kept, 'box')} written to {output}"
    )
    if missing := nothing_reviewed(review):
        say(
            f"run {run}: {missing}"
            + ("; --all writes all files as they are" if review.files and not everything else "")
        )
    if overtaken and not everything:
        say(f"left out: {counted(overtaken, 'reviewed file')} whose boxes a later push replaced; pull that run instead")
    say_changes(tally)
    return tally.exit_code


@click.command("report", cls=Command)
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@server_options
@connections_option()
@period_options
@click.option("--html", metavar="FILE", help="Write a self-contained page with plots and the worst images.")
@serve_options
@click.option("--order", metavar="FILE", help="Write a CSV of RUN's files, the most useful to correct first.")
@precision_option
@click.option("--suspicious", is_flag=True, help="List boxes that may be wrong, the most suspicious first.")
@click.option(
    "--log",
    type=click.Choice(["mlflow", "wandb"]),
    help="Log metrics and page to the tracker's active run.",
)
@click.option(
    "--deletion", metavar="CLICKS", type=CLICKS, default=1.0, show_default=True, help="Clicks to delete a box."
)
@click.option("--addition", metavar="CLICKS", type=CLICKS, default=4.0, show_default=True, help="Clicks to draw a box.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def report_command(runs: tuple[str, ...], **given: Any) -> None:
    """Report what people did with RUN's boxes: kept, moved, relabelled, deleted, added; by label and score.

    Boxes that no person has looked at since they came are `unreviewed`, also on files that were completed before; those
    that a later push took away before that are `replaced`.

    Several runs are set beside each other; for --order the others tell where they disagree with the first.
    --suspicious lists boxes that people left and a model contradicts (RUN itself, and the other runs), and boxes that
    people drew and nothing predicts: by ObjectLab's scores where the package cleanlab is installed. --log records
    fates, corrected share, COCO's numbers, thresholds and the page in the run that MLFLOW_RUN_ID or WANDB_RUN_ID names.

    With --since in place of RUN: what was predicted and what people decided in that time, in --directory or in all of
    the project, by run, model, label, day and reviewer; and what got better from model to model on pictures that people
    looked at with the boxes of both. The server alone tells, from any machine.
    """
    if check_period(runs, given):
        report_period(given)
    else:
        _report_runs(runs, given)


def _report_runs(runs: Sequence[str], given: Mapping[str, Any]) -> None:
    from boxferry.review.order import order_lines
    from boxferry.review.report import page_of, pictured_of, reports_of
    from boxferry.review.summary import Clicks
    from boxferry.review.trackers import active_run, log_reports

    html, order, as_json = given["html"], given["order"], given["as_json"]
    on_stdout = _one_on_stdout(html, order, as_json=as_json)
    into = active_run(given["log"]) if given["log"] else None  # said before anything is read
    reviews = [pulled_run(given, run) for run in runs]
    clicks = Clicks(deletion=given["deletion"], addition=given["addition"])
    asked = {name: given[name] for name in ("precision", "suspicious")}
    reports = reports_of(reviews, clicks, metrics=into is not None, **asked)
    if html:
        _write(html, page_of(reports, clicks))
    if order:
        _write(order, order_lines(reviews[0], reviews[1:]))
    if into is not None:
        say(f"{into.name}: {len(log_reports(reports, into))} metrics and the page were logged")
    if as_json:
        facts = {run: report.as_dict() for run, report in zip(runs, reports, strict=True)}
        write_json({"runs": facts} if len(runs) > 1 else next(iter(facts.values())))
    else:
        _tell_reports(runs, reports, on_stdout=on_stdout)
    if given["serve"]:
        serve_page(pictured_of(reports, clicks, images=None), given["port"])


def _tell_reports(runs: Sequence[str], reports: Sequence[Report], *, on_stdout: bool) -> None:
    for run, report in zip(runs, reports, strict=True):
        _say_reviewed(run, report)
    if not on_stdout:
        _print_reports(runs, reports)


def _one_on_stdout(html: str | None, order: str | None, *, as_json: bool) -> bool:
    """Whether standard output holds something else than the report as text."""
    wanted = as_json + sum(path == "-" for path in (html, order))
    if wanted > 1:
        raise UsageError(
            "only one of --json, --html - and --order - can use standard output: name files for the others"
        )
    return wanted > 0


def _print_reports(runs: Sequence[str], reports: Sequence[Report]) -> None:
    if len(runs) > 1:
        _print_beside(runs, [report.summary for report in reports])
    for run, report in zip(runs, reports, strict=True):
        _print(report.summary)
        print_calibration(report.calibration)
        if report.suspicions is not None and report.review.reviewed:
            _print_suspicious(run, report.suspicions)


def _say_reviewed(run: str, report: Report) -> None:
    """How far the review is, and the next step where there is none."""
    from boxferry.review.summary import counted, percent

    share = percent(report.summary.corrected_share)
    corrected = f"; {share} of its boxes there had to be corrected" if share else ""
    say(f"run {run}: {counted(report.summary)}, as far as the server can tell{corrected}")
    if missing := nothing_reviewed(report.review):
        say(f"run {run}: {missing}")


def _print_beside(runs: Sequence[str], summaries: Sequence[Summary]) -> None:
    from boxferry.review.judged import FATES
    from boxferry.review.summary import percent

    rows = [
        (run, f"{each.reviewed}/{each.files}", *(each.fates[fate] for fate in FATES), percent(each.corrected_share))
        for run, each in zip(runs, summaries, strict=True)
    ]
    tell(table(("run", "reviewed", *FATES, "corrected"), rows))


def _write(path: str, text: str) -> None:
    write_text(path, text)
    say(f"written: {path}")


def _print(summary: Summary) -> None:
    from boxferry.review.judged import FATES
    from boxferry.review.summary import THRESHOLD_MEANS

    rows: list[tuple[object, ...]] = []
    for label, fates in sorted(summary.labels.items()):
        best = summary.thresholds.get(label)
        told = "" if best is None else f"{best.score:.2f}: {best.clicks_now:g} to {best.clicks:g} clicks"
        rows.append((label, *(fates[fate] for fate in FATES), told))
    rows.append(("all", *(summary.fates[fate] for fate in FATES), ""))
    tell(table(("label", *FATES, "best threshold"), rows))
    if summary.thresholds:
        tell(f"best threshold: {THRESHOLD_MEANS}")
    for (before, after), boxes in summary.relabelled.most_common(10):
        tell(f"relabelled {before} to {after}: {boxes}")


def _print_suspicious(run: str, found: Suspicions) -> None:
    """Write the most suspicious boxes on standard output, and how they are ranked on standard error."""
    from boxferry.review.suspicious import RANKED
    from boxferry.review.suspicious_page import HEADS, columns

    if not found.boxes:
        say(f"run {run}: no model contradicts what people left on the reviewed files")
        return
    tell("")
    tell(table(HEADS, [columns(each) for each in found.boxes[:LISTED]]))
    more = f"; the first {LISTED} are shown, --json has all" if len(found.boxes) > LISTED else ""
    say(f"run {run}: {counted(len(found.boxes), 'box')} to look at again, {RANKED[found.by]}{more}")
