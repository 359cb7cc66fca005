"""What the shell offers for a word that is being typed: runs, models, labels, profiles, files; asks no server."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from boxferry.errors import BoxferryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox

    Offer = Callable[[click.Context, str], Iterable[CompletionItem]]

WORD: Final = re.compile(r"[A-Z]+")
FOLDERS: Final = ("DIR", "FOLDER")
FILES: Final = ("FILE", "PATH", "NAMES", "SOURCE", "RESULTS", "LIST", "OUTPUT")


class Text(StringParamType):
    """A text of which the shell knows what it may be, by the option's name or by what stands for its value."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """What the text may be; what cannot be read offers nothing."""
        try:
            return [item for offer in _offers(param) for item in offer(ctx, incomplete)]
        except (BoxferryError, OSError):
            return []


def _offers(param: click.Parameter) -> Iterator[Offer]:
    words = WORD.findall(param.metavar or (param.name or "").upper())
    names = words if isinstance(param, click.Argument) else param.opts
    yield from (OFFERS[name] for name in names if name in OFFERS)
    if any(word in FILES for word in words):
        yield lambda _, incomplete: [CompletionItem(incomplete, type="file")]
    elif any(word in FOLDERS for word in words):
        yield lambda _, incomplete: [CompletionItem(incomplete, type="dir")]


def _outbox(ctx: click.Context) -> Outbox | None:
    """The outbox that the command would use, where it exists."""
    from boxferry.deliver.workspace import default_outbox
    from boxferry.outbox.outbox import Outbox

    given = ctx.params.get("outbox")
    path = Path(given) if given else default_outbox()
    return Outbox(path) if path.exists() else None


def _runs(ctx: click.Context) -> list[Run]:
    outbox = _outbox(ctx)
    if outbox is None:
        return []
    with outbox:
        return outbox.runs()


def _run_names(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    found = {run.name: f"of model {run.model}" if run.model else "" for run in reversed(_runs(ctx))}
    return _beginning(incomplete, found)


def _models(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return _beginning(incomplete, {run.model: "" for run in reversed(_runs(ctx)) if run.model})


def _labels(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """For 'A|B=C': the model's classes before the sign, the labels that were sent from here after it."""
    from boxferry.outbox.label_history import sent_from_here

    before, equals, last = incomplete.rpartition("=")
    if not equals:
        start, bar, last = incomplete.rpartition("|")
        return [CompletionItem(f"{start}{bar}{name}") for name in _classes(ctx) if name.startswith(last)]
    outbox = _outbox(ctx)
    if outbox is None:
        return []
    with outbox:
        places = {(run.host, run.project) for run in outbox.runs()}
        names = {name for place in places for sent in sent_from_here(outbox, *place).values() for name in sent}
    return [CompletionItem(f"{before}={name}") for name in sorted(names) if name.startswith(last)]


def _classes(ctx: click.Context) -> list[str]:
    from boxferry.reading.names import load_names

    return list(load_names(ctx.params["names"]).values()) if ctx.params.get("names") else []


def _profiles(_ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    from boxferry.diffgram.profiles import profile_names

    return _beginning(incomplete, dict.fromkeys(profile_names(os.environ), ""))


def _beginning(incomplete: str, words: dict[str, str]) -> list[CompletionItem]:
    return [CompletionItem(word, help=text or None) for word, text in words.items() if word.startswith(incomplete)]


OFFERS: Final[dict[str, Offer]] = {
    "RUN": _run_names,
    "--forget": _run_names,
    "MODEL": _models,
    "--model": _models,
    "--replaces": _models,
    "--map": _labels,
    "--profile": _profiles,
}  #: a flag, or a word of an argument's metavar → what is offered
