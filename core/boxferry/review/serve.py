"""A page whose images are too many for one file, on a server of its own: for this machine alone, until Ctrl-C.

The images are handed over in parts, and their pixels one by one, when they come into sight. Only what the page has can
be asked for, by its number, and by who knows the address: its first part is a token, since other users and programs of
this machine can reach the port. A name that was made to lead to this machine is not answered.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
from collections import OrderedDict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from threading import Lock, Thread
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self
from urllib.parse import urlsplit

from boxferry.errors import UsageError
from boxferry.pages.assets import KINDS, asset
from boxferry.reading.pixels import pixels_of

if TYPE_CHECKING:
    from types import TracebackType

    from boxferry.review.gallery import ImagePage

SMALL, LARGE = 400, 2400  #: pixels of a thumbnail, and of an image
REMEMBERED = 2000  #: thumbnails
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class _Answer(NamedTuple):
    """What is sent.

    Attributes:
        kind: its MIME type.
        content: its bytes.
        lasts: whether a browser may keep it.
    """

    kind: str
    content: bytes
    lasts: bool = False


class PageServer:
    """Serves a page on 127.0.0.1; a context manager.

    Attributes:
        address: where a browser finds it.
    """

    def __init__(self, page: ImagePage, *, port: int = 0) -> None:
        """Listen.

        Args:
            page: the page.
            port: 0 for a free one.

        Raises:
            UsageError: the port is taken.
        """
        self._images = page.gallery.images
        parts = page.gallery.parts()
        self._parts = [json.dumps(part, separators=(",", ":")).encode() for part in parts]
        self._page = page.served(len(parts)).encode("utf-8", "replace")
        self._small: OrderedDict[int, _Answer] = OrderedDict()
        self._lock = Lock()
        handler = type("Handler", (_Handler,), {"pages": self})
        try:
            self._server = _Server(("127.0.0.1", port), handler)
        except OSError as error:
            raise UsageError(f"port {port} cannot be opened ({error.strerror}): choose another port") from None
        self._token = secrets.token_urlsafe(16)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/{self._token}/"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Wait until the server ends, as it does when the process is interrupted."""
        self._thread.join()

    def answer(self, path: str) -> _Answer | None:
        """What stands at a path; None where nothing does, or the token is not in it."""
        first, slash, rest = path.removeprefix("/").partition("/")
        if not slash or not secrets.compare_digest(first.encode(), self._token.encode()):
            return None
        path = f"/{rest}"
        if path == "/":
            return _Answer("text/html; charset=utf-8", self._page)
        place = PurePosixPath(path)
        folder, name = str(place.parent), place.stem
        if folder == "/":
            return _script(place.name)
        if folder == "/data":
            return _Answer("application/json", self._parts[int(name)]) if _below(name, len(self._parts)) else None
        if folder in {"/thumb", "/image"} and _below(place.name, len(self._images)):
            return self._thumb(int(name)) if folder == "/thumb" else self._pixels(int(name), LARGE)
        return None

    def _thumb(self, number: int) -> _Answer | None:
        with self._lock:
            if number in self._small:
                self._small.move_to_end(number)
                return self._small[number]
        found = self._pixels(number, SMALL)
        if found is not None:
            with self._lock:
                self._small[number] = found
                if len(self._small) > REMEMBERED:
                    self._small.popitem(last=False)
        return found

    def _pixels(self, number: int, side: int) -> _Answer | None:
        pixels = pixels_of(self._images[number].media, side)
        return None if pixels is None else _Answer(pixels.kind, pixels.content, lasts=True)


def _below(text: str, count: int) -> bool:
    """Whether a text is the number of one of so many."""
    return text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < count


def _script(name: str) -> _Answer | None:
    try:
        return _Answer(f"{KINDS[PurePosixPath(name).suffix]}; charset=utf-8", asset(name).encode(), lasts=False)
    except KeyError:
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # a page asks for dozens of thumbnails at once


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD of the page's own browser."""

    protocol_version = "HTTP/1.1"
    pages: ClassVar[PageServer]

    def do_GET(self) -> None:  # the base class's name
        """Send what stands at the path."""
        if not _own_name(self.headers.get("Host", "")):
            self._send(HTTPStatus.MISDIRECTED_REQUEST, _Answer("text/plain", b"this machine's own names only"))
            return
        found = self.pages.answer(urlsplit(self.path).path)
        status = HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK
        self._send(
            status, found or _Answer("text/plain", b"there is nothing here; open the whole address, its token too")
        )

    do_HEAD = do_GET  # noqa: N815 # likewise

    def _send(self, status: HTTPStatus, answer: _Answer) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "private, max-age=3600" if answer.lasts else "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class's name
        """Say nothing of each request."""


def _own_name(host: str) -> bool:
    """Whether a request was sent to a name of this machine, rather than one that was made to lead here."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
