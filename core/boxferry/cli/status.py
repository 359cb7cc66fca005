"""`boxferry status`: the runs in the outbox with the states of their packets, what waits on disk; `--check` asks."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from boxferry.boxes.counted import counted
from boxferry.cli.command import Command
from boxferry.cli.dates import ago, day
from boxferry.cli.output import say, table, tell, warn_of, write_json, write_record
from boxferry.cli.server import diffgram_of, server_options
from boxferry.collector.waiting import waiting_beside
from boxferry.deliver.workspace import default_outbox
from boxferry.errors import OutboxError, UsageError
from boxferry.outbox.outbox import STATES, Outbox
from boxferry.outbox.outcome import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from boxferry.collector.waiting import Waiting
    from boxferry.outbox.entry import Run
    from boxferry.upkeep.check import Checked

SHOWN = 5  #: images that were set aside, in a list for people


@click.command("status", cls=Command)
@click.argument("run", required=False)
@server_options
@click.option("--check", is_flag=True, help="Compare applied boxes with those on the server.")
@click.option("--all", "everything", is_flag=True, help="Include retired runs.")
@click.option("--forget", metavar="RUN", help="Remove a run from the outbox; nothing changes on the server.")
@click.option("--unfinished", is_flag=True, help="With --forget: even if the run is unfinished.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.option(
    "--ndjson",
    is_flag=True,
    help="Write a JSON line for each run, for each packet of RUN, or with --check for each file.",
)
def status_command(
    run: str | None, outbox: str | None, check: bool, everything: bool, forget: str | None, unfinished: bool,
    as_json: bool, ndjson: bool, **given: Any,
) -> int:  # fmt: skip
    """List the runs in the outbox, or the packets of RUN (a number or a name) by state; asks no server.

    Results that collectors left on disk are listed by run, with images that could not be sent and the reason. Retired
    runs are left out unless --all.

    With --check the server is asked which applied files and boxes are missing, other than by a person's hand, and which
    ids now belong to other files. The list says what to do; the exit code is then 1.
    """
    path = Path(outbox) if outbox else default_outbox()
    if outbox and not path.exists() and forget is None and not waiting_beside(path):
        raise OutboxError(f"{path}: no outbox here; boxferry status without --outbox lists the usual one")
    if unfinished and forget is None:
        raise UsageError("--unfinished needs --forget RUN")
    if forget is not None:
        if check or run is not None:
            raise UsageError("--forget cannot be combined with --check or another RUN")
        _forget(path, forget, unfinished=unfinished, as_json=as_json or ndjson)
        return 0
    if check and path.exists():
        return _check(run, {**given, "outbox": outbox}, as_json=as_json, ndjson=ndjson)
    _list(path, run, as_json=as_json, ndjson=ndjson, everything=everything)
    return 0


def _forget(path: Path, wanted: str, *, unfinished: bool, as_json: bool) -> None:
    from boxferry.review.forget import forget_run

    if not path.exists():
        raise OutboxError(f"{path}: no outbox here, and so no run to forget")
    with Outbox(path) as opened:
        found = forget_run(opened, wanted, unfinished=unfinished)
    if as_json:
        write_json({"forgotten": msgspec.to_builtins(found.run), "packets": found.packets, "waiting": found.waiting})
        return
    run = found.run
    say(
        f"run {run.id} '{run.name}' of model '{run.model}' is forgotten, {counted(found.packets, 'packet')}; "
        "nothing was removed from the server"
    )
    if found.waiting:
        say(f"{counted(found.waiting, 'image')} of it on disk; boxferry resume {run.name} sends them")


def _list(path: Path, run: str | None, *, as_json: bool, ndjson: bool, everything: bool) -> None:
    waiting = waiting_beside(path)
    if not path.exists():
        _list_without(path, run, waiting, as_json=as_json, ndjson=ndjson)
        return
    with Outbox(path) as opened:
        if run is None:
            _print_runs(opened, waiting, as_json=as_json, ndjson=ndjson, everything=everything)
        elif found := [each for each in waiting if run in _names(each) and not _has(opened, each)]:
            _print_waiting(found, as_json=as_json, ndjson=ndjson)
        else:
            _print_run(opened, opened.find_run(run), waiting, as_json=as_json, ndjson=ndjson)


def _list_without(path: Path, run: str | None, waiting: list[Waiting], *, as_json: bool, ndjson: bool) -> None:
    """List what waits on disk where there is no outbox yet."""
    if not waiting and run is not None:
        raise OutboxError(f"{path}: no run '{run}': nothing was pushed from here yet")
    if not waiting and as_json:
        write_json({"outbox": str(path), "runs": [], "waiting": []})
    elif not waiting:
        say(f"nothing was pushed from here yet ({path} does not exist); begin with: boxferry push SOURCE --dry-run")
    else:
        wanted = [each for each in waiting if run in {None, *_names(each)}]
        _print_waiting(wanted, as_json=as_json, ndjson=ndjson)


def _check(run: str | None, given: Mapping[str, Any], *, as_json: bool, ndjson: bool) -> int:
    with diffgram_of(given) as diffgram:
        checked = diffgram.check(run)
    if ndjson:
        for each in checked:
            for amiss in each.amiss:
                write_record({"record": "amiss", "run": each.run.name, **msgspec.to_builtins(amiss)})
        write_record({"record": "summary", "runs": [{**each.as_dict(), "amiss": len(each.amiss)} for each in checked]})
    elif as_json:
        write_json({"runs": [each.as_dict() for each in checked]})
    else:
        _print_checked(checked)
    return max((each.exit_code for each in checked), default=0)


def _print_checked(checked: list[Checked]) -> None:
    header = ("id", "run", "model", "files", "boxes", "deleted", "removed files", "amiss")
    rows = [(c.run.id, c.run.name, c.run.model, c.files, c.boxes, c.deleted, c.removed, len(c.amiss)) for c in checked]
    tell(table(header, rows))
    for each in checked:
        if each.amiss:
            files = [(amiss.problem, amiss.file_name, amiss.file_id, amiss.boxes, amiss.detail) for amiss in each.amiss]
            tell(table(("problem", "file", "file id", "boxes gone", "why"), files))
            say(_remedy(each))


def _remedy(checked: Checked) -> str:
    run = checked.run
    adopt = f"boxferry adopt {shlex.quote(run.name)} --directory {run.directory_id}"
    return (
        f"run {run.name}: send again what is gone: boxferry resume {run.id} --resend-missing, or push the source again "
        f"with --resend-missing; to add what another machine has sent again: {adopt}"
    )


def _names(waiting: Waiting) -> tuple[str, str]:
    """What the run of waiting results is called by."""
    return waiting.head.run, f"{waiting.head.model}/{waiting.head.run}"


def _has(outbox: Outbox, waiting: Waiting) -> bool:
    """Whether the outbox has the run of waiting results."""
    return any(_of_run(waiting, run) for run in outbox.runs())


def _of_run(waiting: Waiting, run: Run) -> bool:
    head = waiting.head
    return (head.host, head.project, head.model, head.run) == (run.host, run.project, run.model, run.name)


def _waiting_facts(waiting: Waiting) -> dict[str, Any]:
    return {
        **{name: getattr(waiting.head, name) for name in ("run", "model", "project", "host", "directory")},
        "images": waiting.images,
        "boxes": waiting.boxes,
        "age_s": round(time.time() - waiting.since) if waiting.since else 0,
        "folder": waiting.folder,
        "aside": msgspec.to_builtins(waiting.aside),
    }


def _print_waiting(waiting: list[Waiting], *, as_json: bool = False, ndjson: bool = False) -> None:
    """What collectors have left on disk: it is sent by the next one of the run, or by `resume`."""
    facts = [_waiting_facts(each) for each in waiting]
    if ndjson:
        for fact in facts:
            write_record({"record": "waiting", **fact})
    elif as_json:
        write_json({"waiting": facts})
    elif facts:
        header = ("waiting on disk: run", "model", "project", "directory", "images", "boxes", "since", "set aside")
        rows = [(f["run"], f["model"], f["project"], f["directory"], f["images"], f["boxes"], *_ages(f)) for f in facts]
        tell(table(header, rows))
        for fact in facts:
            for aside in fact["aside"][:SHOWN]:
                say(f"set aside {aside['image']}, {counted(aside['boxes'], 'box')}: {aside['reason']}")
            if len(fact["aside"]) > SHOWN:
                say(f"and {len(fact['aside']) - SHOWN} more; --json lists all of them")
            say(f"send it with: boxferry resume {fact['run']}")


def _ages(fact: dict[str, Any]) -> tuple[str, int]:
    """How old the oldest is; and how many images are set aside."""
    return ago(fact["age_s"]) if fact["images"] else "", len(fact["aside"])


def _facts(outbox: Outbox, run: Run) -> dict[str, Any]:
    counts = {state: {"packets": p, "boxes": b} for state, (p, b) in outbox.counts(run.id).items()}
    return {**msgspec.to_builtins(run), "last": outbox.sent(run.id)[2], "states": counts}


def _print_runs(outbox: Outbox, waiting: list[Waiting], *, as_json: bool, ndjson: bool, everything: bool) -> None:
    runs = outbox.runs()
    shown = [run for run in runs if everything or not run.retired]
    facts = [_facts(outbox, run) for run in shown]
    if ndjson:
        for fact in facts:
            write_record(fact)
        _print_waiting(waiting, ndjson=True)
    elif as_json:
        write_json({"outbox": str(outbox.path), "runs": facts, "waiting": [_waiting_facts(each) for each in waiting]})
    else:
        _print_table(shown, facts)
        _print_waiting(waiting)
        if not runs and not waiting:
            say(f"{outbox.path}: no runs yet: boxferry push starts one, boxferry adopt adds one of another machine")
    if hidden := len(runs) - len(shown):
        say(f"{hidden} retired {'run is' if hidden == 1 else 'runs are'} not listed; --all lists them")


def _print_table(runs: Sequence[Run], facts: Sequence[dict[str, Any]]) -> None:
    """The runs; states in which none has a packet have no column."""
    states = [state for state in STATES if any(state in fact["states"] for fact in facts)]
    now = time.time()
    rows = [
        (
            *(run.id, run.name, run.model, run.project, run.where, day(run.created), day(fact["last"])),
            *(ago(now - (fact["last"] or run.created)), run.source),
            *(fact["states"].get(state, {}).get("packets", 0) for state in states),
        )
        for run, fact in zip(runs, facts, strict=True)
    ]
    header = ("id", "run", "model", "project", "directory", "began", "last", "age", "source")
    if rows:
        tell(table((*header, *states), rows))


def _print_run(outbox: Outbox, run: Run, waiting: list[Waiting], *, as_json: bool, ndjson: bool) -> None:
    facts = _facts(outbox, run)
    waiting = [each for each in waiting if _of_run(each, run)]
    packets = [msgspec.to_builtins(e) for e in outbox.entries(run.id)] if as_json or ndjson else []
    for packet in packets:
        del packet["body"]
    if ndjson:
        for packet in packets:
            write_record(packet)
        _print_waiting(waiting, ndjson=True)
    elif as_json:
        write_json({**facts, "packets": packets, "waiting": [_waiting_facts(each) for each in waiting]})
    else:
        tell(f"run {run.id} '{run.name}' of model '{run.model}', project {run.project}, directory {run.where}")
        source = f", source {run.source}" if run.source else ""
        tell(f"began {day(run.created)}, last applied {day(facts['last']) or 'never'}{source}")
        tell(table(("state", "packets", "boxes"), [(s, c["packets"], c["boxes"]) for s, c in facts["states"].items()]))
        for entry in outbox.entries(run.id, (State.UNSURE, State.STUCK, State.REFUSED)):
            warn_of(entry)
        _print_waiting(waiting)
