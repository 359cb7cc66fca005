"""A local picture as it was when its boxes were planned, so that another one of the same path is noticed."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 16
MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"RIFF", b"GIF8", b"\0\0\0\x0cjP")
BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")
ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def mark_of(path: Path) -> str:
    """What tells whether a file has been written since: its length and time; empty for what is no regular file."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size}-{found.st_mtime_ns}" if stat.S_ISREG(found.st_mode) else ""


def digest_of(path: Path) -> str:
    """Of a file's bytes, hexadecimal; empty where it cannot be read, or is no regular file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return ""
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return ""


def changed_since(path: Path, mark: str) -> str:
    """Why a picture cannot be uploaded with boxes that were planned when it bore `mark`; empty where it can.

    A mark that is empty, since none was made, is not compared.
    """
    try:
        found = path.stat()
    except OSError as error:
        return f"{path}: {error.strerror}"
    if not stat.S_ISREG(found.st_mode):
        return f"{path}: not a regular file"
    if os.path.realpath(path) != os.path.abspath(path) and not _shows_something(path):  # noqa: PTH100
        return f"{path}: a link to {os.path.realpath(path)}, which is no picture and no video by its content"
    if mark and mark != mark_of(path):
        return f"{path}: changed since its boxes were planned; push it again"
    return ""


def _shows_something(path: Path) -> bool:
    """Whether a file is an image or a video by its first bytes."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    return head.startswith(MAGIC) or head[4:12] in BRANDS or head[4:8] in ATOMS
