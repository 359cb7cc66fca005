"""What the server makes of names, and which media it takes; pure."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".m4v")
REFUSED_SUFFIXES = (".webp", ".gif")

LONGEST_FILE_NAME = 250  #: characters; a longer name ends a worker of the server
LONGEST_LABEL = 200  #: characters of a label's name

_HALVES = re.compile("[\ud800-\udfff]")
_OUTSIDE = re.compile(r"[^A-Za-z0-9_.-]")


def server_name(name: str) -> str:
    """The name under which an uploaded file appears: what werkzeug's `secure_filename` makes of it.

    Letters lose their accents, other scripts fall away, slashes and blanks become underscores; a name of which nothing
    is left is empty.
    """
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    joined = "_".join(ascii_only.replace("/", " ").split())
    return _OUTSIDE.sub("", joined).strip("._")


def media_problem(name: str, *, video: bool = False) -> str | None:
    """Why the server would not take an image or a video of this name, or None."""
    suffix = PurePosixPath(name).suffix.lower()
    taken = VIDEO_SUFFIXES if video else IMAGE_SUFFIXES
    if suffix in REFUSED_SUFFIXES:
        return f"Diffgram cannot open {suffix} images; convert them to one of {', '.join(IMAGE_SUFFIXES)}"
    if suffix not in taken:
        found = f"'{suffix}'" if suffix else "none"
        return f"Diffgram needs a file extension among {', '.join(taken)}; found {found}"
    return None


def name_problem(name: str) -> str | None:
    """Why no file may be sent under this name, or None."""
    if len(name) > LONGEST_FILE_NAME:
        return (
            f"its name on the server would have {len(name)} characters, Diffgram takes {LONGEST_FILE_NAME}: shorten it"
        )
    return text_problem(name)


def label_problem(name: str) -> str | None:
    """Why there can be no label of this name, or None."""
    if not name:
        return "a label needs a name"
    if len(name) > LONGEST_LABEL:
        return f"a label's name of {len(name)} characters, Diffgram takes {LONGEST_LABEL}: rename it"
    return text_problem(name)


def text_problem(text: str) -> str | None:
    """Why the server's database would not take a text, or None."""
    if "\0" in text:
        return "it contains a NUL character, which Diffgram cannot store"
    if _HALVES.search(text):
        return "it contains an unpaired surrogate, which is not valid UTF-8"
    return None
