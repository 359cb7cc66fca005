"""The path that each picture has in a dataset: its name on the server where that can be one, and is its alone. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from boxferry.formats import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable

UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
LONGEST = 200  #: bytes of a part of a path; file systems take 255, with a suffix of a few


def place_names(files: Iterable[tuple[int, str]]) -> dict[int, str]:
    """File id → path with forward slashes, no two of which differ only in their suffix or in capital letters.

    The older of two files of one name keeps it, the other one's number stands behind it.

    Args:
        files: id and name of each, in any order.
    """
    found: dict[int, str] = {}
    taken: set[str] = set()
    for file_id, name in sorted(files):
        path = PurePosixPath(name)
        suffix = path.suffix if path.suffix.lower() in IMAGE_SUFFIXES else ""
        stem = name.removesuffix(suffix) if _is_safe(name) else f"file-{file_id}"
        while stem.casefold() in taken:
            stem = f"{stem}-{file_id}"
        taken.add(stem.casefold())
        found[file_id] = f"{stem}{suffix}"
    return found


def _is_safe(name: str) -> bool:
    """Whether a name is a path below the folder that it is written to, on any machine."""
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive or str(path) != name
    too_long = any(len(part.encode("utf-8", "replace")) > LONGEST for part in path.parts)
    return bool(path.stem) and not (leads_out or too_long or UNSAFE.search(name) or path.name.startswith("."))
