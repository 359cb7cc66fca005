"""Media as the server takes it: what it fetches, opens, turns and scales."""

from __future__ import annotations

import io
import urllib.request
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from PIL import Image, ImageOps

from boxferry.sandbox.answers import LOG
from boxferry.sandbox.guard import is_loopback

if TYPE_CHECKING:
    from http.client import HTTPMessage

LONGEST_SIDE = 7680
TAKEN = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"}
VIDEOS = {".mp4", ".mov", ".avi", ".m4v"}
UNOPENED = {".webp", ".gif"}
ORIENTATION = 0x0112  # the EXIF tag
FETCH_TIMEOUT_S = 10.0
LARGEST_BYTES = 200 * 1024 * 1024
NOT_SUPPORTED = (
    "Extension: {} not supported yet. \n                Try adding an accepted extension "
    "[.jpg, .jpeg, .png, .bmp, .tif, .tiff, .webp] "
    "or no extension at all if from cloud source and response header content-type is set correctly."
)


class MediaError(Exception):
    """The media is not taken; the text is the input's status_text.

    Attributes:
        log: what the input's update_log says of it besides; None for nothing.
    """

    def __init__(self, text: str, *, log: dict[str, Any] | None = None) -> None:
        super().__init__(text)
        self.log = log


def _logged(text: str) -> MediaError:
    return MediaError(text, log=LOG | {"error": {"status_text": text}})


def name_in(url: str | None) -> str:
    """The name of a new file that was sent without one: the URL's last part, up to its second dot.

    Raises:
        MediaError: there is no URL.
    """
    if url is None:
        raise _logged("Invalid url (None provided)")
    return ".".join(PurePosixPath(urlsplit(url).path).name.split(".")[:2])


def check_extension(name: str, *, given: bool, video: bool = False) -> None:
    """See that a file is of a kind that is taken; its name was `given`, or is the URL's.

    Raises:
        MediaError: it is not.
    """
    extension = PurePosixPath(name).suffix
    if not extension and not given:
        raise _logged("Invalid extension, check filename")
    if extension.lower() not in (VIDEOS if video else TAKEN):
        raise MediaError(NOT_SUPPORTED.format(extension))


def fetch(url: str) -> bytes:
    """The bytes behind a URL; only this machine is asked.

    Raises:
        MediaError: no file came, or it is on another machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise _logged("Invalid url (Did not start with http)")
    _check_local(parts.hostname)
    try:
        with _opener.open(url, timeout=FETCH_TIMEOUT_S) as answer:
            return bytes(answer.read(LARGEST_BYTES))
    except HTTPError as error:
        said = error.read(200).decode("utf-8", "replace")
        text = f"Exceeded retry limit, no valid response ({error.code}) from {url} Response: {said}"
        raise _logged(text) from error
    except (OSError, URLError, ValueError) as error:
        raise MediaError("Error downloading media.", log={"download_media": str(error)}) from error


def _check_local(hostname: str | None) -> None:
    """See that a host is this machine.

    Raises:
        MediaError: it is not.
    """
    if not is_loopback(hostname or ""):
        raise MediaError(f"The sandbox fetches media from this machine only, not from http://{hostname}")


class _LocalRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects on this machine; one that leads off it ends the fetch."""

    def redirect_request(  # urllib's own
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """The next request."""
        _check_local(urlsplit(newurl).hostname)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _LocalRedirects)  # no proxy: nothing leaves


def opened(name: str, data: bytes) -> tuple[int, int, bytes]:
    """Width and height as the server records them, and the image as it would show it, as PNG or as it came.

    An EXIF orientation turns the image; one that is longer than 7680 pixels is scaled, and recorded with its sides
    swapped.

    Raises:
        MediaError: it cannot be opened.
    """
    if PurePosixPath(name).suffix.lower() in UNOPENED:
        raise MediaError("Could not open file")
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            kind = image.format if image.getexif().get(ORIENTATION, 1) == 1 else None
            turned = ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MediaError("Could not open file") from error
    width, height = turned.size
    if max(width, height) <= LONGEST_SIDE:
        return width, height, data if kind in {"JPEG", "PNG"} else _as_png(turned)
    scale = LONGEST_SIDE / max(width, height)
    scaled = turned.resize((max(1, round(width * scale)), max(1, round(height * scale))))
    return scaled.height, scaled.width, _as_png(scaled)


def _as_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    (image if image.mode in {"RGB", "RGBA", "L", "LA", "P"} else image.convert("RGB")).save(buffer, "PNG")
    return buffer.getvalue()
