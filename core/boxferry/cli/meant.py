"""What a command calls the thing that an option of another name was meant for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTERPARTS: Final[dict[str, tuple[str, ...]]] = {
    "--api-key": ("DIFFGRAM_CLIENT_SECRET", "--secret-file"),
    "--classes": ("--names",),
    "--concurrency": ("--parallel", "--jobs"),
    "--conf": ("--min-score",),
    "--confidence": ("--min-score",),
    "--dataset": ("--directory", "SOURCE"),
    "--destination": ("--output", "--directory"),
    "--dry": ("--dry-run",),
    "--endpoint": ("--host",),
    "--file": ("SOURCE", "--output"),
    "--folder": ("SOURCE", "--output", "--directory"),
    "--force": ("--on-existing", "--remove"),
    "--format": ("--to",),
    "--gt": ("--against",),
    "--ground-truth": ("--against",),
    "--html": ("--output",),
    "--image-dir": ("--images",),
    "--input": ("SOURCE", "RUN"),
    "--key": ("DIFFGRAM_CLIENT_SECRET", "--secret-file"),
    "--limit": ("--most", "--most-uncertain", "--drawn"),
    "--out": ("--output", "--html"),
    "--output": ("--html",),
    "--overwrite": ("--on-existing",),
    "--path": ("SOURCE", "--output"),
    "--predictions": ("SOURCE", "RESULTS"),
    "--run": ("RUN",),
    "--runs": ("RUN",),
    "--score": ("--min-score",),
    "--server": ("--host",),
    "--skip-existing": ("--on-existing skip",),
    "--source": ("SOURCE", "RESULTS"),
    "--split": ("--val",),
    "--threads": ("--parallel", "--jobs"),
    "--threshold": ("--min-score", "--precision"),
    "--token": ("DIFFGRAM_CLIENT_SECRET", "--secret-file"),
    "--truth": ("--against",),
    "--uri": ("--host",),
    "--url": ("--host", "--address"),
    "--workers": ("--parallel", "--jobs"),
}  #: what other tools, or other commands, call it → what it is called here: the first that the command has
INSTEAD: Final[dict[tuple[str, str], str]] = {
    ("labels", "--dry-run"): "without --create it only lists",
    ("resume", "--dry-run"): "boxferry status RUN lists what is unfinished",
    ("retire", "--dry-run"): "without --remove it only lists",
}  #: where a command needs no such option


def meant(option: str, command: click.Command, ctx: click.Context) -> str:
    """'; did you mean --to?' for an option that a command calls something else; empty where that is not known.

    Args:
        option: as it was given, with its hyphens.
        command: what it was given to.
        ctx: of the command.
    """
    if found := INSTEAD.get((command.name or "", option)):
        return f": {found}"
    has = {*names_of(command, ctx)}
    for each in COUNTERPARTS.get(option, ()):
        if each.partition(" ")[0] in has:
            return f"; did you mean {each}?" if each.startswith("--") else _without_option(each)
    return ""


def _without_option(name: str) -> str:
    if name.startswith("DIFFGRAM_"):
        return f": boxferry init keeps the key in a file, or the environment has it as {name}"
    return f": give {name} without an option"


def names_of(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """Flags of a command, names of its arguments, and the environment's variable of the key where it asks a server."""
    for param in command.get_params(ctx):
        if isinstance(param, click.Argument):
            yield from (param.metavar or param.name or "").upper().strip("[].").split("|")
        else:
            yield from param.opts
            yield from ("DIFFGRAM_CLIENT_SECRET",) if "--host" in param.opts else ()
