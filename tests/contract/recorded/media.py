"""Where the media of the recorded packets lie: pictures, and what goes wrong instead, by the name's first word."""

from __future__ import annotations

import io
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

ERRORS = {"gone": (404, b"no such picture"), "teapot": (503, b"busy")}
NO_PICTURES = {"html": ("text/html", b"<html>not a picture</html>"), "empty": ("image/png", b"")}
SLOW_S = 0.2


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        word = self.path.split("?")[0].rsplit("/", 1)[-1].split("-")[0].split(".")[0]
        if word == "redirect":
            return self._answer(302, b"", "text/plain", location="/there.png")
        if word in ERRORS:
            return self._answer(*ERRORS[word], "text/plain")
        if word in NO_PICTURES:
            kind, data = NO_PICTURES[word]
            return self._answer(200, data, kind)
        time.sleep(SLOW_S if word == "slow" else 0.0)
        data = _picture("WEBP" if word == "webp" else "PNG")
        return self._answer(200, data, "image/png", short=len(data) // 2 if word == "cut" else 0)

    def _answer(self, status: int, data: bytes, kind: str, *, location: str = "", short: int = 0) -> None:
        """Answer; `short` is how many of the bytes that were announced never come."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(data[: len(data) - short])
        self.close_connection = bool(short)


def _picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (120, 90), (40, 90, 160)).save(buffer, kind)
    return buffer.getvalue()


@contextmanager
def serving() -> Iterator[str]:
    """The address at which they are fetched."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
