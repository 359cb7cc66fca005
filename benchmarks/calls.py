"""Counts the calls of plans onto existing files and of pulls; times a first pull against one by two calls a file.

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
from boxferry.outbox.outbox import Entry, Outbox
from boxferry.outbox.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from boxferry.diffgram.settings import Server

MOVED = 100  #: files that are corrected between two pulls
SINGLY = "/annotation/list"


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


def plan(server: Server, source: Path, directory: str, outbox: Path) -> Calls:
    """The calls of a dry run over all files of a directory."""
    with counted() as calls, Diffgram(server, outbox=outbox, connections=CONNECTIONS) as diffgram:
        predictions = read(source, names=[f"c{n}" for n in range(filled.BOXES)], size="640x480")
        options = PushOptions(existing=True, on_existing="append", dry_run=True, labels="error")
        report = diffgram.push(predictions, directory=directory, model=filled.MODEL, run="next", options=options)
        found = len(list(report.planned))
    if found != len(list(source.iterdir())):
        raise SystemExit(f"{found} files planned onto '{directory}'")
    return calls


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
    """Seconds that asking for the size and the boxes of each file takes."""
    with Client(server, connections=CONNECTIONS) as client, ThreadPoolExecutor(CONNECTIONS) as pool:
        place = client.find_directory(directory).id
        started = time.monotonic()
        for _ in pool.map(lambda i: (client.view(i), client.rows(i, directory_id=place)), ids):
            pass
        return time.monotonic() - started


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


def measured(count: int) -> dict[str, float]:
    """Everything, with so many files.

    A pull by two calls a file would take what those calls take, and what a pull takes that has nothing to read.
    """
    with tempfile.TemporaryDirectory(prefix="boxferry-calls-") as name:
        folder = Path(name)
        filled.fill(folder / "server", "bare", count)
        ids = filled.fill(folder / "server", "boxed", count, boxes=filled.BOXES)
        source = filled.labels(folder / "labels", count)
        outbox = folder / "outbox.sqlite"
        with send.a_sandbox("--folder", str(folder / "server")) as server:
            bare, boxed = plan(server, source, "bare", outbox), plan(server, source, "boxed", outbox)
            sent(outbox, server, "boxed", ids)
            first, seconds = pull(server, outbox, count)
            _, quiet = pull(server, outbox, count)
            correct(server, ids[:MOVED])
            second, _ = pull(server, outbox, count)
            peer = two_calls_a_file(server, "boxed", ids) + quiet
    return {
        "files": count,
        "bare": bare.all,
        "boxed": boxed.all - boxed.singly,
        "boxed_singly": boxed.singly,
        "pull": first.all - first.singly,
        "pull_singly": first.singly,
        "pull_s": seconds,
        "two_calls_s": peer,
        "moved": MOVED,
        "again": second.all,
    }


def main() -> None:
    """Measure at one size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    for name, value in measured(parser.parse_args().files).items():
        print(f"{name}: {value:g}")


if __name__ == "__main__":
    main()
