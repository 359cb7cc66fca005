"""Counts the calls of plans, pushes and pulls, and times them beside two calls a file, at 20 ms a call.

The sandbox runs in a process of its own; its pages with boxes are in no order, as a real server's are.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import requests
import send
from page import CONNECTIONS

import filled
from boxferry import Diffgram, PushOptions, read
from boxferry.diffgram.client import Client
from boxferry.outbox.entry import Entry
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from boxferry.diffgram.settings import Server

MOVED = 100  #: files that are corrected between two pulls
SINGLY = "/annotation/list"
LATENCY_S = 0.02
SAMPLE = 2_000  #: files that two calls each are made for; the time of all is in proportion


class Calls(logging.Handler):
    """Every request that the client makes is a line of its log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.all = self.singly = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count it."""
        if " ms" in record.msg:
            self.all += 1
            self.singly += SINGLY in record.getMessage()


@contextmanager
def counted() -> Iterator[Calls]:
    """The calls that are made meanwhile."""
    log, calls = logging.getLogger("boxferry.diffgram"), Calls()
    log.addHandler(calls)
    log.setLevel(logging.DEBUG)
    yield calls
    log.removeHandler(calls)
    log.setLevel(logging.NOTSET)


def plan(server: Server, source: Path, directory: str, outbox: Path) -> tuple[Calls, float]:
    """The calls and the seconds of a dry run over all files of a directory."""
    started = time.monotonic()
    with counted() as calls, Diffgram(server, outbox=outbox, connections=CONNECTIONS) as diffgram:
        predictions = read(source, names=[f"c{n}" for n in range(filled.BOXES)], size="640x480")
        options = PushOptions(existing=True, on_existing="append", dry_run=True, labels="error")
        report = diffgram.push(predictions, directory=directory, model=filled.MODEL, run="next", options=options)
        found = len(list(report.planned))
    if found != len(list(source.iterdir())):
        raise SystemExit(f"{found} files planned onto '{directory}'")
    return calls, time.monotonic() - started


def push(server: Server, source: Path, directory: str, outbox: Path) -> tuple[Calls, float]:
    """The calls and the seconds of a push onto all files of a directory, until all are applied and read back."""
    started = time.monotonic()
    with counted() as calls, Diffgram(server, outbox=outbox, connections=CONNECTIONS) as diffgram:
        predictions = read(source, names=[f"c{n}" for n in range(filled.BOXES)], size="640x480")
        options = PushOptions(existing=True, on_existing="append", labels="error")
        report = diffgram.push(predictions, directory=directory, model=filled.MODEL, run="pushed", options=options)
    if report.exit_code:
        raise SystemExit(f"the push ended with {report.exit_code}")
    return calls, time.monotonic() - started


def sent(outbox: Path, server: Server, directory: str, ids: Sequence[int]) -> None:
    """The outbox of a run whose boxes the files hold, as after its push."""
    with Outbox(outbox) as opened, Client(server) as client:
        place = client.find_directory(directory).id
        names = {"host": server.host, "project": server.project, "model": filled.MODEL, "name": filled.RUN}
        run = opened.run(directory_id=place, **names)
        opened.add(run.id, (_packet(f"{number:06}.png") for number in range(len(ids))))
        for entry, file_id in zip(opened.entries(run.id), ids, strict=True):
            opened.settle(entry.id, Outcome("applied", "", None, file_id))


def _packet(name: str) -> Entry:
    boxes = [{"creation_ref_id": filled.reference(name, index), "score": 0.5} for index in range(filled.BOXES)]
    body = msgspec.json.encode({"instance_list": boxes})
    return Entry(route="upload", file_name=name, body=body, boxes=filled.BOXES)


def pull(server: Server, outbox: Path, files: int) -> tuple[Calls, float]:
    """The calls and the seconds of a pull."""
    with counted() as calls, Diffgram(server, outbox=outbox, connections=CONNECTIONS) as diffgram:
        started = time.monotonic()
        found = diffgram.pull(filled.RUN).files
        seconds = time.monotonic() - started
    if len(found) != files or any(len(file.stored) != filled.BOXES for file in found):
        raise SystemExit(f"{len(found)} files pulled, or not all of their boxes")
    return calls, seconds


def two_calls_a_file(server: Server, directory: str, ids: Sequence[int]) -> float:
    """Seconds that asking for the size and the boxes of each file takes, by those of the first ones."""
    some = ids[:SAMPLE]
    with Client(server, connections=CONNECTIONS) as client, ThreadPoolExecutor(CONNECTIONS) as pool:
        place = client.find_directory(directory).id
        started = time.monotonic()
        for _ in pool.map(lambda i: (client.view(i), client.rows(i, directory_id=place)), some):
            pass
        return (time.monotonic() - started) * len(ids) / len(some)


def correct(server: Server, ids: Sequence[int]) -> None:
    """A reviewer moves a box of each file."""
    auth = (server.credentials.client_id, server.credentials.client_secret)
    with requests.Session() as session:
        session.auth = auth
        for file_id in ids:
            path = f"{server.host}/api/project/{server.project}/file/{file_id}/annotation"
            rows = session.post(f"{path}/list", json={}, timeout=60).json()["file_serialized"]["instance_list"]
            rows[0]["x_max"] += 3
            session.post(f"{path}/update", json={"instance_list": rows}, timeout=60).raise_for_status()


def measured(count: int, latency_s: float = LATENCY_S) -> dict[str, float]:
    """Everything, with so many files, each call taking so many seconds longer than on this machine.

    A pull by two calls a file would take what those calls take, and what a pull takes that has nothing to read.
    """
    with tempfile.TemporaryDirectory(prefix="boxferry-calls-") as name:
        folder = Path(name)
        filled.fill(folder / "server", "bare", count)
        ids = filled.fill(folder / "server", "boxed", count, boxes=filled.BOXES)
        source = filled.labels(folder / "labels", count)
        outbox = folder / "outbox.sqlite"
        slow = ("--faults", f"delay=1.0,delay_s={latency_s}") if latency_s else ()
        with send.a_sandbox("--folder", str(folder / "server"), *slow) as server:
            (bare, _), (boxed, plan_s) = (plan(server, source, place, outbox) for place in ("bare", "boxed"))
            sent(outbox, server, "boxed", ids)
            first, seconds = pull(server, outbox, count)
            _, quiet = pull(server, outbox, count)
            correct(server, ids[:MOVED])
            second, _ = pull(server, outbox, count)
            asked = two_calls_a_file(server, "boxed", ids)
            pushed, push_s = push(server, source, "bare", outbox)
    return {
        "files": count,
        "bare": bare.all,
        "boxed": boxed.all - boxed.singly,
        "boxed_singly": boxed.singly,
        "pull": first.all - first.singly,
        "pull_singly": first.singly,
        "pull_s": seconds,
        "plan_s": plan_s,
        "push": pushed.all,
        "push_s": push_s,
        "two_calls_s": asked,
        "two_calls_pull_s": asked + quiet,
        "moved": MOVED,
        "again": second.all,
    }


def main() -> None:
    """Measure at one size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=LATENCY_S, help="seconds that each call takes longer")
    given = parser.parse_args()
    for name, value in measured(given.files, given.latency).items():
        print(f"{name}: {value:g}")


if __name__ == "__main__":
    main()
