"""What the attacks share: a proxy before the sandbox that answers as it likes, and the command line in this process."""

import http.client
import logging
import os
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

from PIL import Image as Picture

from boxferry.cli.app import run

OWN = ("DIFFGRAM", "BOXFERRY", "HTTP", "REQUESTS", "CURL")


ROW = "0 0.5 0.5 0.2 0.25 0.9\n"
OPTIONS = ("-f", "yolo", "--names", "cat", "--labels", "create", "--model", "m", "--run", "r")  #: of a push


def settings_of(sandbox, folder):
    """The command line's settings, with an outbox in the folder."""
    return {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "DIFFGRAM_CONFIG": folder / "none.toml",
        "BOXFERRY_OUTBOX": folder / "outbox.sqlite",
    }


def fill(folder):
    """Three images of 100x80, with YOLO rows for each."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for stem in "abc":
        Picture.new("RGB", (100, 80), "grey").save(folder / "images" / f"{stem}.jpg")
        (folder / "labels" / f"{stem}.txt").write_text(ROW)


class Done(NamedTuple):
    """How a command ended: its code, what it wrote, and how many seconds it took."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def lines(self):
        return self.err.splitlines()


class Runner:
    """Runs the command line in this process, with these settings and no others."""

    def __init__(self, capfd, monkeypatch, settings):
        self._capfd = capfd
        monkeypatch.setattr(logging.root, "handlers", [])  # pytest's own would keep the command line's away
        for name in list(os.environ):
            if name.upper().startswith(OWN):
                monkeypatch.delenv(name)
        self.set = monkeypatch.setenv
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))

    def __call__(self, *arguments):
        self._capfd.readouterr()
        logging.root.handlers.clear()
        began = time.monotonic()
        code = run([str(argument) for argument in arguments])
        seconds = time.monotonic() - began
        out, err = self._capfd.readouterr()
        assert "Traceback" not in out + err, err
        assert "a fault of boxferry itself" not in err, err
        return Done(code, out, err, seconds)


class Answered(NamedTuple):
    """An answer of the server behind the proxy."""

    status: int
    headers: dict
    body: bytes


class Proxy(ThreadingHTTPServer):
    """Hands requests on to a server, but for those that `decide` answers.

    Attributes:
        decide: (method, path, body) → None to hand it on; bytes that are sent as they are; or a function that is given
            the server's answer and gives one, or that is given the socket where it has `raw` set.
        seen: the paths that were asked for.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, host):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(host).netloc
        self.decide = lambda method, path, body: None
        self.seen = []
        self.gone = threading.Event()

    @property
    def host(self):
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self.path)
        decided = self.server.decide(self.command, self.path, body)
        self.close_connection = True
        if isinstance(decided, bytes):
            self.wfile.write(decided)
        elif getattr(decided, "raw", False):
            decided(self.connection, self.server.gone)
        else:
            found = self._handed_on(body)
            self._answer(decided(found) if decided else found)

    do_GET = do_POST  # noqa: N815 # the name that the base class looks for

    def _handed_on(self, body):
        connection = http.client.HTTPConnection(self.server.behind, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        found = Answered(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return found

    def _answer(self, found):
        self.send_response_only(found.status)
        own = {"connection", "content-length", "transfer-encoding"}
        for name, value in found.headers.items():
            if name.lower() not in own:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(found.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(found.body)


@contextmanager
def a_proxy(host):
    """A proxy before a server."""
    with Proxy(host) as proxy:
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield proxy
        proxy.gone.set()
        proxy.shutdown()


def http_answer(status, body=b"{}", *headers):
    """The bytes of an answer."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def raw(function):
    """Mark a function as one that writes to the socket by itself, until an event is set."""
    function.raw = True
    return function


@raw
def silent(_, gone):
    """Never answer."""
    gone.wait(60)


@raw
def trickling_head(connection, gone):
    """A byte of the head now and then, without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _trickle(connection, gone)


@raw
def trickling_body(connection, gone):
    """A byte of the body now and then, without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{")
    _trickle(connection, gone)


@raw
def without_end(connection, gone):
    """As many bytes as are taken."""
    _without_end(connection, gone, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")


@raw
def redirecting_without_end(connection, gone):
    """A redirect, and as many bytes as are taken."""
    _without_end(connection, gone, b"HTTP/1.1 302 Found\r\nLocation: /x\r\nConnection: close\r\n\r\n")


def _without_end(connection, gone, head):
    connection.sendall(head)
    try:
        while not gone.is_set():
            connection.sendall(b" " * (1 << 20))
    except OSError:
        pass


def _trickle(connection, gone):
    try:
        while not gone.wait(0.2):
            connection.sendall(b" ")
    except OSError:
        pass
