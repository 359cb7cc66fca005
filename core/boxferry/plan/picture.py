"""A picture as it was when its boxes were planned, here or at a URL, so that another one of its name is noticed."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from boxferry.formats import open_file
from boxferry.remote.ahead import known
from boxferry.remote.storage import stat as remote_stat
from boxferry.remote.upload import RemoteUpload
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from typing import BinaryIO

    from boxferry.remote.storage import Stat

HEAD = 16
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"RIFF", b"GIF8", b"\0\0\0\x0cjP")
BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")
ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def mark_of(media: str) -> str:
    """What tells whether a file has been written since: its length and time, or its ETag; empty for what is no file."""
    try:
        if is_url(media):
            return _remote_mark(known(media))
        found = os.stat(media)  # noqa: PTH116 # as text, as it came
    except OSError:
        return ""
    return f"{found.st_size}-{found.st_mtime_ns}" if stat.S_ISREG(found.st_mode) else ""


def digest_of(media: str) -> str:
    """Of a file's bytes, hexadecimal; empty where it cannot be read, or is no regular file."""
    try:
        if not is_url(media) and not stat.S_ISREG(os.stat(media).st_mode):  # noqa: PTH116 # as above
            return ""
        with open_file(media) as stream:
            digest = new_digest()
            while block := stream.read(1 << 18):
                digest.update(block)
            return digest.hexdigest()
    except OSError:
        return ""


def new_digest() -> hashlib.blake2b:
    """What a picture's bytes are put into, one after the other."""
    return hashlib.blake2b(digest_size=16)


def changed_since(media: str, mark: str) -> str:
    """Why a picture cannot be uploaded with boxes that were planned when it bore `mark`; empty where it can.

    A mark that is empty, since none was made, is not compared.
    """
    try:
        now = _mark_now(media)
    except OSError as error:
        return f"{media}: {error.strerror}"
    if not now:
        return f"{media}: not a regular file"
    if not is_url(media) and os.path.realpath(media) != os.path.abspath(media) and not _shows_something(media):  # noqa: PTH100
        return f"{media}: a link to {os.path.realpath(media)}, which is neither an image nor a video"
    if mark and mark != now:
        return f"{media}: changed since its boxes were planned; push it again"
    return ""


def _shows_something(media: str) -> bool:
    """Whether a file is an image or a video by its first bytes."""
    with open_file(media) as stream:
        head = stream.read(HEAD)
    return head.startswith(MAGIC) or head[4:12] in BRANDS or head[4:8] in ATOMS


def opened(media: str) -> BinaryIO:
    """A picture, to be uploaded: what is at a URL is fetched while it is sent.

    Raises:
        OSError: it cannot be opened.
    """
    return RemoteUpload.opened(media, new_digest()) if is_url(media) else open_file(media)


def digest_sent(picture: BinaryIO) -> str:
    """The digest of a picture at a URL that was uploaded; empty where it is not known."""
    return picture.digest() if isinstance(picture, RemoteUpload) else ""


def _mark_now(media: str) -> str:
    if is_url(media):
        return _remote_mark(remote_stat(media))
    os.stat(media)  # noqa: PTH116 # a file that is not there raises
    return mark_of(media)


def _remote_mark(found: Stat) -> str:
    return "" if found.folder else f"{'' if found.size is None else found.size}-{found.tag or found.time}"
