"""Media as the server takes it: what it fetches, opens, turns and scales."""

from __future__ import annotations

import io
import ipaddress
import urllib.request
from pathlib import PurePosixPath
from urllib.error import URLError
from urllib.parse import urlsplit

from PIL import Image, ImageOps

LONGEST_SIDE = 7680
TAKEN = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"}
VIDEOS = {".mp4", ".mov", ".avi", ".m4v"}
UNOPENED = {".webp", ".gif"}
ORIENTATION = 0x0112  # the EXIF tag
FETCH_TIMEOUT_S = 10.0
LARGEST_BYTES = 200 * 1024 * 1024


class MediaError(Exception):
    """The media is not taken; the text is the input's status_text."""


def name_of(url: str | None, original_filename: str | None, *, video: bool = False) -> str:
    """The name that a new file appears under.

    Raises:
        MediaError: no name with an extension can be made of it. Without `original_filename` the URL's last part is cut
            at the first dot.
    """
    if url is None:
        raise MediaError("Invalid url (None provided)")
    name = original_filename or PurePosixPath(urlsplit(url).path).name
    path = PurePosixPath(name)
    extension = path.suffix if original_filename else "." + path.name.partition(".")[2].partition(".")[0]
    if extension in {"", "."}:
        raise MediaError("Invalid extension, check filename")
    if extension.lower() not in (VIDEOS if video else TAKEN):
        raise MediaError(f"Extension: {extension} not supported yet")
    return name


def fetch(url: str) -> bytes:
    """The bytes behind a URL; only this machine is asked.

    Raises:
        MediaError: nobody answers, or it is another machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not _is_loopback(parts.hostname or ""):
        raise MediaError(
            f"The sandbox fetches media from this machine only, not from {parts.scheme}://{parts.hostname}"
        )
    try:
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310 # checked above
            return bytes(answer.read(LARGEST_BYTES))
    except (OSError, URLError, ValueError) as error:
        raise MediaError(f"Could not download: {error}") from error


def _is_loopback(hostname: str) -> bool:
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"


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
