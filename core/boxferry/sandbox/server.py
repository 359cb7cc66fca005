"""`Sandbox`: a Diffgram-compatible inbox on this machine, started and stopped; its data is one folder."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from boxferry.errors import ConfigError
from boxferry.sandbox.app import make_app
from boxferry.sandbox.parts import Key, Limiter, Sandboxed
from boxferry.sandbox.pool import WorkerDied, Workers
from boxferry.sandbox.store import NEVER, Row, Store
from boxferry.sandbox.worker import work_off

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ADDRESS = "127.0.0.1"


class _Handler(WSGIRequestHandler):
    """Answers without Nagle's delay, and writes no line for each request; werkzeug closes the connection after each.

    Attributes:
        clock: says the date of an answer, seconds since the epoch.
    """

    clock: ClassVar[Callable[[], float]] = time.time
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 # werkzeug's signature
        """Say nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """A moment as the header `Date` has it; now by the server's clock."""
        now = type(self).clock  # pyright: ignore[reportAttributeAccessIssue] # no method: the class has it as it is
        return super().date_time_string(now() if timestamp is None else timestamp)


def _listening(address: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        ConfigError: the port is taken, or is not for this user.
    """
    try:
        return socket.create_server((address, port))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ConfigError(f"port {port} of {address}: {reason}; choose another port, or 0 for a free one") from None


def _shut_down(server: BaseWSGIServer) -> None:
    """End the server's loop now: it looks whether it shall end when somebody connects, or else after a while."""
    ending = threading.Thread(target=server.shutdown)
    ending.start()
    with suppress(OSError):
        socket.create_connection((ADDRESS, server.port), timeout=1.0).close()
    ending.join()


@dataclass(eq=False)
class Sandbox:
    """A running inbox; use it as a context manager, or call `start` and `stop`.

    A folder that holds a sandbox already is opened again with all its data, and what waits in the queue is done then.
    What was being worked on when it was killed stays 'processing' for good, as on a real server.

    Attributes:
        folder: where the data is kept.
        port: 0 takes a free one.
        address: the loopback address; in a container 0.0.0.0, so that a port of the machine can lead here. It
            answers to the names of the loopback address only, whatever it listens on.
        rate_limit: answer 429 to more than so many packets a second; None switches the limiter off.
        delay_s: how many seconds a packet waits before it is worked on.
        video_s: how many seconds after an upload of a video is answered its boxes are stored; 0 for before.
        workers: how many packets are worked on at a time.
        clock: the server's clock, seconds since the epoch: what answers show, whatever this machine's says.
        race_s: seconds for which packets that name a run the project does not have can get in each other's way: one
            makes its row, and those that looked for it meanwhile are lost, each with its worker; 0 for never.
        poison: a value that the database refuses, such as `score: "high"`, kills the worker; else its packet
            succeeds and nothing of it is stored. Real servers do either.
        lose_work: the share of packets, 0 to 1, that are accepted and never worked on, until `find_lost`.
        kill_worker: the share of packets whose worker dies as it begins.
        busy_share: the share of packets at which the CPU is busy from then on for `busy_s`, so that none is begun.
        busy_s: seconds.
        seed: makes these shares repeatable.
        project: the project's string id.
        client_id, client_secret: an API key that may write.
        directory_id: the directory 'Default'.
        viewer_id, viewer_secret: a key that may only read.
    """

    folder: Path
    _: KW_ONLY
    port: int = 0
    address: str = ADDRESS
    rate_limit: int | None = None
    delay_s: float = 0.0
    video_s: float = 0.2
    workers: int = 4
    clock: Callable[[], float] = time.time
    race_s: float = 0.0
    poison: bool = False
    lose_work: float = 0.0
    kill_worker: float = 0.0
    busy_share: float = 0.0
    busy_s: float = 1.0
    seed: int = 0
    project: str = "sandbox"
    client_id: str = "LIVE__sandbox"
    client_secret: str = "sandbox-secret"  # noqa: S105 # guards nothing
    directory_id: int = field(default=0, init=False)
    viewer_id: ClassVar[str] = "LIVE__viewer"
    viewer_secret: ClassVar[str] = "viewer-secret"  # noqa: S105 # guards nothing
    _server: BaseWSGIServer | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 # repeatable on purpose

    @property
    def host(self) -> str:
        """The address, 'http://127.0.0.1:41235', while it runs."""
        return f"http://{ADDRESS}:{self._server.port if self._server else self.port}"

    @property
    def buckets(self) -> Path:
        """The folder of the buckets; connection 1 reaches every folder in it."""
        return self.folder / "buckets"

    def start(self) -> None:
        """Open the data and begin to answer.

        Raises:
            ConfigError: the port is taken, or is not for this user.
        """
        with _listening(self.address, self.port) as listening:  # before the data is touched
            self._store = Store(self.folder, clock=self.clock, race_s=self.race_s, poison=self.poison)
            self.directory_id = self._store.begin_project(self.project)
            self._workers = Workers(self._store, self._work, count=self.workers)
            handler = type("Handler", (_Handler,), {"clock": staticmethod(self.clock)})
            app, fd = make_app(self._parts()), listening.fileno()  # werkzeug takes a copy of the socket
            self._server = make_server(self.address, self.port, app, threaded=True, request_handler=handler, fd=fd)
        self._server.daemon_threads = True  # type: ignore[attr-defined] # of the threading mix-in
        self._server.block_on_close = False  # type: ignore[attr-defined] # kept-open connections would hold it up
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self._workers.start()

    def _parts(self) -> Sandboxed:
        keys = (
            Key(client_id=self.client_id, client_secret=self.client_secret, project=self.project),
            Key(client_id=self.viewer_id, client_secret=self.viewer_secret, project=self.project, role="viewer"),
        )
        return Sandboxed(
            store=self._store,
            worker=self._workers,
            keys=keys,
            limiter=Limiter(self.rate_limit, clock=self.clock),
            delay_s=self.delay_s,
            video_s=self.video_s,
            loses=lambda: self._rolls(self.lose_work),
            buckets=self.buckets,
            seed=self.seed,
        )

    def _rolls(self, share: float) -> bool:
        return self._dice.random() < share

    def _work(self, row: Row) -> None:
        """Carry an input out, unless the dice are against it.

        Raises:
            Abandoned: the input stays as it is.
        """
        if self._rolls(self.busy_share):
            self._workers.pause(self.busy_s)
        if self._rolls(self.kill_worker):
            raise WorkerDied("by the dice")
        work_off(self._store, row)

    def stop(self) -> None:
        """End; the data stays."""
        if self._server is not None:
            _shut_down(self._server)
            self._server.server_close()
            self._thread.join()
            self._server = None
        self._workers.stop()
        self._store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_idle(self, timeout_s: float = 30.0) -> bool:
        """Wait until every input has ended, or will never be worked on; tells whether that came within the time."""
        return self._workers.wait_idle(timeout_s)

    @property
    def workers_alive(self) -> int:
        """How many of the threads that apply packets have not died; with none left nothing is applied any more."""
        return self._workers.alive

    def restart_workers(self) -> None:
        """Restart the service: new threads, and what waits is begun; what is 'processing' stays so for good."""
        self._workers.stop()
        self._workers.start()

    @property
    def busy(self) -> bool:
        """Whether the machine's CPU is busy: packets are accepted, and none is begun until it no longer is."""
        return self._workers.busy

    @busy.setter
    def busy(self, value: bool) -> None:
        self._workers.busy = value

    def backup(self, folder: Path) -> None:
        """Copy the data as it is now into a folder that is not there yet.

        Raises:
            FileExistsError: it is there.
        """
        self._store.backup(folder)

    def restore(self, folder: Path) -> None:
        """Go back to a backup, as a server does whose database is restored; what came since is gone."""
        self._workers.stop()
        self._store.restore(folder)
        self._workers.start()

    def find_lost(self) -> int:
        """Begin the work that was lost, as a server does that is mended; gives the number of packets."""
        lost = self._store.rows("SELECT id FROM input WHERE status = 'init' AND due >= ?", NEVER)
        for row in lost:
            self._store.update("input", row["id"], {"due": 0.0})
        self._workers.notify()
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
