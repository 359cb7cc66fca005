"""The pixels of an image as a browser shows them: as they are where they are small, else made smaller."""

from __future__ import annotations

import io
import posixpath
import warnings
from base64 import b64encode
from typing import NamedTuple

from boxferry.formats import for_library, open_file

LARGEST_IMAGE = 2_000_000  #: bytes of an image that is shown as it is, where it cannot be made smaller
SMALL_IMAGE = 200_000  #: bytes of one that is not worth it
QUALITY = 82
KINDS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".bmp": "bmp", ".webp": "webp", ".gif": "gif"}


class Pixels(NamedTuple):
    """An image file.

    Attributes:
        kind: its MIME type.
        content: its bytes.
    """

    kind: str
    content: bytes

    @property
    def uri(self) -> str:
        """The same as the address of an image in a page."""
        return f"data:{self.kind};base64,{b64encode(self.content).decode()}"


def pixels_of(media: str, side: int) -> Pixels | None:
    """An image, at most `side` pixels wide and high where Pillow is installed; None where it cannot be shown.

    Args:
        media: where its pixels are; empty where that is unknown.
        side: pixels.
    """
    if not media:
        return None
    return _as_it_is(media) or _smaller(media, side) or _as_it_is(media, LARGEST_IMAGE)


def _as_it_is(media: str, most: int = SMALL_IMAGE) -> Pixels | None:
    kind = KINDS.get(posixpath.splitext(media)[1].lower())
    if kind is None:
        return None
    try:
        with open_file(media) as file:
            content = file.read(most + 1)
    except OSError:
        return None
    return Pixels(f"image/{kind}", content) if len(content) <= most else None


def _smaller(media: str, side: int) -> Pixels | None:
    """As a JPEG, turned as it is shown."""
    try:
        from PIL import Image as Picture
        from PIL import ImageOps
    except ImportError:
        return None
    out = io.BytesIO()
    try:
        with (
            warnings.catch_warnings(action="ignore", category=Picture.DecompressionBombWarning),
            for_library(media) as file,
            Picture.open(file) as opened,
        ):
            opened.draft("RGB", (side, side))
            picture = ImageOps.exif_transpose(opened).convert("RGB")
            picture.thumbnail((side, side))
            picture.save(out, "JPEG", quality=QUALITY)
    except (OSError, ValueError, SyntaxError, Picture.DecompressionBombError):
        return None
    return Pixels("image/jpeg", out.getvalue())
