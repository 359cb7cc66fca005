"""`boxferry pull` of a directory or of several runs: a dataset that training takes as it is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import counted
from boxferry.cli.command import options
from boxferry.cli.number import NumberRange
from boxferry.cli.output import issue_text, say, write_json
from boxferry.cli.reading import format_options
from boxferry.cli.server import diffgram_of, directories_option
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from boxferry.boxes.tally import Tally
    from boxferry.review.dataset import TrainingSet, Written

SHOWN = 5  #: names that a line lists
ONLY = ("val", "images", "people")  #: options of datasets alone

dataset_options = options(
    directories_option("Write a dataset of a directory's reviewed images; repeatable."),
    click.option("--people", is_flag=True, help="Dataset: include images that only people annotated."),
    click.option(
        "--val", type=NumberRange(0, 1), metavar="SHARE", help="Dataset: the validation share. [default: 0.1]"
    ),
    click.option(
        "--images", metavar="FOLDER", help="Dataset: the folder of the images; without it they are listed, not copied."
    ),
    click.option(
        "--copy-images", "placing", flag_value="copy", default=True, help="Dataset: copy the images. [default]"
    ),
    click.option("--link-images", "placing", flag_value="link", help="Dataset: link to the images."),
    click.option(
        "--download-images", "placing", flag_value="download", help="Dataset: download the images from the server."
    ),
)


def is_dataset(runs: Sequence[str], given: dict[str, Any]) -> bool:
    """Whether a dataset is meant, rather than one run in a format.

    Raises:
        UsageError: options of both, or neither a run nor a directory are given.
    """
    if given["directories"] or len(runs) > 1:
        if given["everything"]:
            raise UsageError(
                "--all cannot be combined with a dataset of reviewed images: name one RUN and no --directory"
            )
        if given["placing"] == "link" and given["images"] is None:
            raise UsageError("--link-images needs --images FOLDER")
        return True
    if not runs:
        raise UsageError("name a RUN, or a directory on the server with --directory")
    given_only = next((name for name in ONLY if given[name]), None)
    given_only = given_only or (f"{given['placing']}-images" if given["placing"] != "copy" else None)
    if given_only:
        raise UsageError(f"--{given_only} is for datasets: add --directory, or name several runs")
    return False


def pull_dataset(runs: Sequence[str], given: dict[str, Any]) -> int:
    """Write a dataset, and say what it is; gives the exit code."""
    from boxferry.cli.progress import counting
    from boxferry.review.dataset import VAL

    if given["output"] == "-":
        raise UsageError("-o -: a dataset needs a folder, since it has many files")
    with diffgram_of(given) as diffgram, counting("pull", "files") as on_file:
        dataset = diffgram.dataset(*runs, directory=given["directories"], people=given["people"], on_file=on_file)
        written = dataset.write(
            Path(given["output"]),
            to=given["target_format"],
            names=given["names"],
            val=VAL if given["val"] is None else given["val"],
            images=given["images"],
            placing=given["placing"],
            options=format_options(given),
        )
    if given["as_json"]:
        counts = {name: getattr(dataset, name) for name in ("directories", "waiting", "pushed_since", "by_people")}
        write_json(counts | written.as_dict())
    else:
        listed = given["images"] is None and given["placing"] != "download"
        _print(dataset, written, listed=listed, people=given["people"])
    return written.exit_code


def _print(dataset: TrainingSet, written: Written, *, listed: bool, people: bool) -> None:
    rows, changes = written.rows, written.changes
    parts = f"{written.count('train')} train, {written.count('val')} val"
    say(
        f"{', '.join(dataset.directories)}: {counted(len(rows), 'image')} ({parts}), "
        f"{counted(written.tally.kept, 'box')}"
    )
    say(f"since the last one: {len(changes.new)} new, {len(changes.changed)} changed, {len(changes.gone)} gone")
    say(
        f"not included: {dataset.waiting} not reviewed yet, {dataset.pushed_since} with boxes pushed after their review"
    )
    if not dataset.pictures:
        places = " ".join(map(shlex.quote, dataset.directories))
        say(f"no image is reviewed yet; list what is left to review with: boxferry work {places}")
    if dataset.by_people and not people:
        say(f"{dataset.by_people} more were annotated by people alone: --people includes them")
    _say_classes(written)
    for part in ("train", "val"):
        if rows and not written.count(part):
            say(f"{part} is empty: too few images for this --val")
    _say_left_out(written)
    if listed and rows:
        say("images are listed, not copied: use --images FOLDER, or --download-images")
    say(f"written: {written.folder}")


def _say_classes(written: Written) -> None:
    if written.classes.added:
        say(f"new labels, added at the end: {_named(written.classes.added)}")
    for label, (before, now) in written.classes.moved.items():
        say(f"class {before} '{label}' of the earlier dataset has the id {now} now: --names gives its id to another")


def _say_left_out(written: Written) -> None:
    videos = [each for each in written.left_out if each.code == Code.VIDEO]
    if videos:
        more = " and others" if len(videos) > 1 else ""
        named = f"{len(videos)} ({videos[0].name}{more})"
        say(f"left out, {Code.VIDEO}: {named}: a dataset has pictures; pull the run of a video")
    others = [each for each in written.left_out if each.code != Code.VIDEO]
    for each in others[:SHOWN]:
        say(f"left out, {each.code}: {each.name}: {each.message}")
    if len(others) > SHOWN:
        say(f"left out: {len(others) - SHOWN} more; --json has all")
    say_changes(written.tally, {each.code for each in written.left_out})


def _named(names: dict[Any, str]) -> str:
    return ", ".join(f"{number} {name}" for number, name in names.items())


def say_changes(tally: Tally, said: Collection[str] = ()) -> None:
    """What was left out, changed, or is worth knowing: the first of each kind whose code has not been said."""
    kinds = {"drop": "left out", "error": "left out", "change": "changed", "note": "note"}
    for code, issues in tally.examples.items():
        for issue in issues[:SHOWN] if code not in said else ():
            say(f"{kinds[issue.kind]}, {code}: {issue_text(issue)}")
