"""Faults on purpose, by a seeded dice: those of the wire, a proxy before a sandbox, and those of the sandbox itself."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS = "127.0.0.1"
BREAKING = ("drop_before", "drop_after", "delay", "truncate", "limited", "error_before", "error_after", "refuse")
HTML = b"<!doctype html><h1>Bad Gateway</h1>"
NO_LINGER = struct.pack("ii", 1, 0)  # closing a socket then resets the connection


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How often each fault comes, as a share of all requests, 0 to 1.

    Attributes:
        drop_before: the connection breaks and the request does not reach the server.
        drop_after: the request is carried out, and the connection breaks before the answer.
        delay: the request is carried out after `delay_s`, past the client's patience.
        truncate: the answer is cut in the middle.
        limited: 429, not carried out.
        error_before: 500, 502, 503 or an HTML page, not carried out.
        error_after: the same, and it was carried out.
        duplicate: the request reaches the server twice.
        refuse: the connection breaks, the request does not reach the server, and for `refuse_s` nobody listens.
        lose_work: the packet is accepted, and nobody does the work; this and the following are the sandbox's own.
        kill_worker: the worker that takes the packet dies, and the packet stays 'processing'.
        busy: the CPU is busy for `busy_s` from this packet on: packets are accepted, and none is begun.
        race_s: seconds for which packets that bring the same new run lose all but one of them, and their workers; 0 for
            never.
        poison: 1 where a value that the database refuses kills the worker, 0 where its packet succeeds without boxes.
        delay_s: seconds of a delay.
        refuse_s: seconds of refusing.
        busy_s: seconds of a busy CPU.
        seed: makes the dice repeatable.
    """

    drop_before: float = 0.0
    drop_after: float = 0.0
    delay: float = 0.0
    truncate: float = 0.0
    limited: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    duplicate: float = 0.0
    refuse: float = 0.0
    lose_work: float = 0.0
    kill_worker: float = 0.0
    busy: float = 0.0
    race_s: float = 0.05
    poison: int = 1
    delay_s: float = 1.0
    refuse_s: float = 0.5
    busy_s: float = 1.0
    seed: int = 0

    def of_sandbox(self) -> dict[str, Any]:
        """Those that are not the wire's, as keywords of `Sandbox`."""
        same = ("lose_work", "kill_worker", "busy_s", "race_s", "seed")
        own = {name: getattr(self, name) for name in same}
        return own | {"busy_share": self.busy, "poison": bool(self.poison)}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Faults out of 'drop_after=0.1,delay=0.05,seed=7'.

        Raises:
            ValueError: a name that is no fault, or a value that is no number.
        """
        known: dict[str, Callable[[str], Any]] = {f.name: int if f.type == "int" else float for f in fields(cls)}
        values: dict[str, Any] = {}
        for part in filter(None, text.split(",")):
            name, _, value = part.partition("=")
            if name.strip() not in known:
                raise ValueError(f"'{name}' is no fault; there are {', '.join(known)}")
            values[name.strip()] = known[name.strip()](value)
        return cls(**values)


class FaultyWire:
    """A proxy on this machine; use it as a context manager.

    Attributes:
        host: its address, 'http://127.0.0.1:41235'.
    """

    def __init__(self, upstream: str, faults: Faults, *, port: int = 0) -> None:
        """Listen; requests go on to `upstream`."""
        self._upstream = urlsplit(upstream).netloc
        self._faults = faults
        self._dice = random.Random(faults.seed)  # noqa: S311 # repeatable on purpose
        self._lock = threading.Lock()
        self._listener = socket.create_server((ADDRESS, port), backlog=256)
        self._port = self._listener.getsockname()[1]
        self._ending = False
        self.host = f"http://{ADDRESS}:{self._port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, name="boxferry-faults", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._hang_up()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):  # another thread was first
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while not self._ending:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                self._listen_again()
                continue
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _listen_again(self) -> None:
        """After the time of refusing, on the same port."""
        time.sleep(0.0 if self._ending else self._faults.refuse_s)
        if not self._ending:
            self._listener = socket.create_server((ADDRESS, self._port), backlog=256)

    def _handle(self, connection: socket.socket) -> None:
        with connection:
            try:
                request = _whole_request(connection)
                if request:
                    self._answer(connection, request)
            except OSError:
                return  # the client went away

    def _fault(self) -> tuple[str, int]:
        """What happens to the next request, and which status an error has."""
        with self._lock:
            roll, status = self._dice.random(), self._dice.choice((500, 502, 503, 200))
        for name in BREAKING:
            roll -= getattr(self._faults, name)
            if roll < 0:
                return name, status
        return ("duplicate", status) if roll < self._faults.duplicate else ("none", status)

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        name, status = self._fault()
        if name == "refuse":
            self._hang_up()
        if name in {"drop_before", "refuse"}:
            return _reset(connection)
        if name == "limited":
            return connection.sendall(_response(429, b'{"error": "429 Too Many Requests"}', "Retry-After: 1"))
        if name == "error_before":
            return connection.sendall(_response(status, HTML))
        if name == "delay":
            time.sleep(self._faults.delay_s)
        if name == "duplicate":
            self._forward(request)
        answer = self._forward(request)
        endings: dict[str, Callable[[], None]] = {
            "drop_after": lambda: _reset(connection),
            "truncate": lambda: connection.sendall(answer[: max(1, len(answer) - 7)]),
            "error_after": lambda: connection.sendall(_response(status, HTML)),
        }
        return endings.get(name, lambda: connection.sendall(answer))()

    def _forward(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = dict(line.split(": ", 1) for line in lines if not line.lower().startswith("connection:"))
        upstream = http.client.HTTPConnection(self._upstream, timeout=60)
        try:
            upstream.request(method, path, body, headers)
            found = upstream.getresponse()
            kept = [f"{n}: {v}" for n, v in found.getheaders() if n.lower() not in {"content-length", "connection"}]
            return _response(found.status, found.read(), *kept)
        except http.client.BadStatusLine as error:
            if isinstance(error, OSError):  # nothing was answered at all
                raise
            return f"{error.args[0].strip()}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1")
        finally:
            upstream.close()


def _whole_request(connection: socket.socket) -> bytes:
    """One request with its body; empty where the client hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := connection.recv(65536)):
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    wanted = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < wanted:
        if not (part := connection.recv(65536)):
            return b""
        body += part
    return head + b"\r\n\r\n" + body


def _response(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'x')}", *headers]
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
