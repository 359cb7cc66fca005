"""`Sandbox`: a Diffgram-compatible inbox on this machine, started and stopped; its data is one folder."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from boxferry.sandbox.app import make_app
from boxferry.sandbox.limits import Limiter
from boxferry.sandbox.parts import Key, Sandboxed
from boxferry.sandbox.store import NEVER, Row, Store
from boxferry.sandbox.worker import Worker

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "127.0.0.1"


class _Handler(WSGIRequestHandler):
    """Keeps connections open, answers without Nagle's delay, and writes no line for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 # werkzeug's signature
        """Say nothing."""


class Sandbox:
    """A running inbox; use it as a context manager, or call `start` and `stop`.

    A folder that holds a sandbox already is opened again with all its data, and what was in the queue is done then.

    Attributes:
        project: the project's string id.
        client_id, client_secret: an API key that may write.
        viewer_id, viewer_secret: one that may only read.
        directory_id: the directory 'Default'.
    """

    viewer_id = "LIVE__viewer"
    viewer_secret = "viewer-secret"  # noqa: S105 # guards nothing

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        rate_limit: int | None = None,
        delay_s: float = 0.0,
        lose_work: float = 0.0,
        seed: int = 0,
        project: str = "sandbox",
        client_id: str = "LIVE__sandbox",
        client_secret: str = "sandbox-secret",  # noqa: S107 # guards nothing
    ) -> None:
        """Prepare.

        Args:
            folder: where the data is kept.
            port: on the loopback address; 0 takes a free one.
            rate_limit: answer 429 to more than so many packets a second; None switches the limiter off.
            delay_s: how many seconds a packet waits before it is worked on.
            lose_work: the share of packets, 0 to 1, that are accepted and never worked on, until `find_lost`.
            seed: makes that repeatable.
            project: the project's string id.
            client_id: of the API key.
            client_secret: of the API key.
        """
        self.project = project
        self.client_id = client_id
        self.client_secret = client_secret
        self.directory_id = 0
        self._folder = folder
        self._port = port
        self._rate_limit = rate_limit
        self._delay_s = delay_s
        self._lose_work = lose_work
        self._seed = seed
        self._dice = random.Random(seed)  # noqa: S311 # repeatable on purpose
        self._server: BaseWSGIServer | None = None

    @property
    def host(self) -> str:
        """The address, 'http://127.0.0.1:41235', while it runs."""
        return f"http://{ADDRESS}:{self._server.port if self._server else self._port}"

    @property
    def buckets(self) -> Path:
        """The folder of the buckets; connection 1 reaches every folder in it."""
        return self._folder / "buckets"

    def start(self) -> None:
        """Open the data and begin to answer."""
        self._store = Store(self._folder)
        self.directory_id = self._store.begin_project(self.project)
        self._worker = Worker(self._store)
        keys = (
            Key(client_id=self.client_id, client_secret=self.client_secret, project=self.project),
            Key(client_id=self.viewer_id, client_secret=self.viewer_secret, project=self.project, role="viewer"),
        )
        sandboxed = Sandboxed(
            store=self._store,
            worker=self._worker,
            keys=keys,
            limiter=Limiter(self._rate_limit),
            delay_s=self._delay_s,
            loses=lambda: self._dice.random() < self._lose_work,
            buckets=self.buckets,
            seed=self._seed,
        )
        self._server = make_server(ADDRESS, self._port, make_app(sandboxed), threaded=True, request_handler=_Handler)
        self._server.daemon_threads = True  # type: ignore[attr-defined] # of the threading mix-in
        self._server.block_on_close = False  # type: ignore[attr-defined] # kept-open connections would hold it up
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self._worker.start()

    def stop(self) -> None:
        """End; the data stays."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None
        self._worker.stop()
        self._store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_idle(self, timeout_s: float = 30.0) -> bool:
        """Wait until every queued input has ended; tells whether that came within the time."""
        deadline = time.monotonic() + timeout_s
        query = "SELECT id FROM input WHERE status IN ('init', 'processing', 'uploading') AND due < ? LIMIT 1"
        while self._store.row(query, NEVER) is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def find_lost(self) -> int:
        """Begin the work that was lost, as a server does that is mended; gives the number of packets."""
        lost = self._store.rows("SELECT id FROM input WHERE status = 'init' AND due >= ?", NEVER)
        for row in lost:
            self._store.update("input", row["id"], {"due": 0.0})
        self._worker.notify()
        return len(lost)

    def inputs(self) -> list[Row]:
        """Every input's row, the oldest first: what was sent, and what became of it."""
        return self._store.rows("SELECT * FROM input ORDER BY id")

    def files(self) -> list[Row]:
        """Every file's row, the oldest first."""
        return self._store.rows("SELECT * FROM file ORDER BY id")

    def boxes(self, file_name: str) -> list[Row]:
        """The boxes of the newest file of this name."""
        file = self._store.row("SELECT id FROM file WHERE original_filename = ? ORDER BY id DESC", file_name)
        return self._store.instances(file["id"]) if file else []

    def remove_file(self, file_id: int) -> None:
        """Mark a file as removed, as a person does in the interface."""
        self._store.update("file", file_id, {"state": "removed"})
