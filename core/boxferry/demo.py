"""The demonstration: the fixtures, in all three formats, over HTTP into a sandbox of their own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import requests

from boxferry.diffgram.client import Client
from boxferry.diffgram.settings import Credentials, Server
from boxferry.errors import InputError
from boxferry.plan.push_options import PushOptions
from boxferry.project import Diffgram
from boxferry.reading.read import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from boxferry.deliver.report import PushResult
    from boxferry.plugins import Plugins
    from boxferry.review.review import Review
    from boxferry.sandbox.server import Sandbox

MIN_SCORE = 0.2
DOUBTFUL = 0.55  #: boxes under this score are deleted by the scripted reviewer


@dataclass(frozen=True, slots=True)
class Round:
    """One push of the demonstration.

    Attributes:
        source: the predictions, relative to the fixtures.
        format: their format.
        names: the class names, where the format has none of its own.
        by_url: the server fetches the images, rather than being handed them.
    """

    source: str
    format: str
    names: str | None = None
    by_url: bool = False


ROUNDS = (
    Round("coco/results.json", "coco"),
    Round("yolo/labels", "yolo", names="yolo/data.yaml", by_url=True),
    Round("voc/Annotations", "voc"),
)


def run_demo(sandbox: Sandbox, fixtures: Path, outbox: Path, plugins: Plugins) -> Iterator[tuple[Round, PushResult]]:
    """Push each round into a directory of its own, wait until it is applied, and give what it did.

    Args:
        sandbox: a running sandbox.
        fixtures: the folder of the fixtures.
        outbox: the path of the outbox.
        plugins: reads the formats.

    Raises:
        InputError: the fixtures are not there.
    """
    if not (fixtures / "images").is_dir():
        raise InputError(f"{fixtures}: the fixtures are not here; run this in a clone, or pass --fixtures DIR")
    server = _server(sandbox)
    with _served(fixtures / "images") as images_url, Diffgram(server, outbox=outbox) as diffgram:
        for each in ROUNDS:
            with Client(server) as client:
                directory = client.create_directory(f"demo-{each.format}")
            yield each, _push(diffgram, each, directory.id, fixtures, images_url, plugins)


def play_reviewer(sandbox: Sandbox, directory_id: int, client: Client) -> int:
    """Correct the files of a directory as a person would, through the interface's own route; gives their number.

    Doubtful boxes are deleted, the best one of each file is moved a little, and the file is marked as complete.
    """
    files = [file for file in client.files(directory_id) if file.type == "image"]
    for file in files:
        rows = client.rows(file.id, directory_id=directory_id)
        doubtful = [row | {"soft_delete": True} for row in rows if (row.get("score") or 0) < DOUBTFUL]
        kept = [row for row in rows if (row.get("score") or 0) >= DOUBTFUL]
        if kept:
            best = max(kept, key=lambda row: float(row["score"]))
            best |= {"x_max": best["x_max"] + 3, "machine_made": False}
        path = f"{sandbox.host}/api/project/{sandbox.project}/file/{file.id}/annotation/update"
        body = {"instance_list": kept + doubtful, "directory_id": directory_id, "and_complete": True}
        auth = (sandbox.client_id, sandbox.client_secret)
        requests.post(path, json=body, auth=auth, timeout=30).raise_for_status()
    return len(files)


def corrections_of(sandbox: Sandbox, report: PushResult, outbox: Path) -> Review:
    """Let a reviewer correct what a push sent, and bring it home.

    Raises:
        InputError: the push sent nothing.
    """
    if report.run is None:
        raise InputError("nothing was sent, so there is nothing to correct")
    server = _server(sandbox)
    with Client(server) as client:
        play_reviewer(sandbox, report.run.directory_id, client)
    with Diffgram(server, outbox=outbox) as diffgram:
        return diffgram.pull(str(report.run.id))


def _server(sandbox: Sandbox) -> Server:
    credentials = Credentials(sandbox.client_id, sandbox.client_secret)
    return Server(host=sandbox.host, project=sandbox.project, credentials=credentials)


def _push(
    diffgram: Diffgram, each: Round, directory: int, fixtures: Path, images_url: str, plugins: Plugins
) -> PushResult:
    predictions = read(
        fixtures / each.source,
        format=each.format,
        names=fixtures / each.names if each.names else None,
        categories=fixtures / "coco/instances.json" if each.format == "coco" else None,
        images=fixtures / "images",
        plugins=plugins,
    ).filter(min_score=MIN_SCORE)
    options = PushOptions(media_url=images_url + "/{file_name}" if each.by_url else None, labels="create")
    return diffgram.push(predictions, directory=directory, model="opencv-cascades", run="demo", options=options)


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line on standard error for each."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 # the base class's signature
        """Say nothing."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The folder over HTTP on this machine, for the rounds in which the server fetches the images."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
