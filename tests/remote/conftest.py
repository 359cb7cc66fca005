"""File systems behind URLs: fsspec's own in memory, and web servers with and without ranges."""

import threading
import zlib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@pytest.fixture
def memory():
    """Write files to memory://; they are gone after the test."""
    fs = pytest.importorskip("fsspec").filesystem("memory")
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]

    def put(files):
        for path, data in files.items():
            fs.pipe_file(path, data if isinstance(data, bytes) else data.encode())

    yield put
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


class Web:
    """A web server that lists its folder.

    Attributes:
        url: its address, with a slash at the end.
        asked: (method, path with query, Range header) of each request.
        sent: bytes of files that were written to connections.
    """

    def __init__(self, folder, *, ranges, answer=None):
        self.asked, self.sent = [], 0
        self.folder, self.ranges, self.answer = folder, ranges, answer
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.web = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  #: connections that may wait: clients open many at the same time


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args):
        self.web = args[2].web
        super().__init__(*args, directory=str(self.web.folder))

    def log_message(self, *args):
        """Be quiet."""

    def do_HEAD(self):
        self._answer(super().do_HEAD)

    def do_GET(self):
        self._answer(self._part if self._wants_part() else super().do_GET)

    def _answer(self, do):
        self.web.asked.append((self.command, self.path, self.headers.get("Range")))
        if self.web.answer is not None and not self.path.endswith("/"):
            self.send_error(self.web.answer)
        else:
            do()

    def _wants_part(self):
        return self.web.ranges and self.headers.get("Range") and Path(self.translate_path(self.path)).is_file()

    def _part(self):
        size = (path := Path(self.translate_path(self.path))).stat().st_size
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        end = min(int(last or size) + 1, size)
        with path.open("rb") as file:
            file.seek(int(first))
            part = file.read(end - int(first))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{end - 1}/{size}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        self.web.sent += len(part)

    def copyfile(self, source, outputfile):
        while block := source.read(1 << 14):
            try:
                outputfile.write(block)
            except OSError:  # the other side had enough
                return
            self.web.sent += len(block)

    def end_headers(self):
        path = Path(self.translate_path(self.path))
        if self.command == "HEAD" and path.is_file():
            self.send_header("ETag", f'"{zlib.crc32(path.read_bytes())}"')
        super().end_headers()


@pytest.fixture
def web():
    """Start web servers: `web(folder, ranges=True)`."""
    pytest.importorskip("aiohttp")
    running = []

    def start(folder, *, ranges=True, answer=None):
        running.append(Web(folder, ranges=ranges, answer=answer))
        return running[-1]

    yield start
    for each in running:
        each.close()
