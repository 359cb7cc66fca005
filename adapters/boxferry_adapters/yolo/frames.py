"""Label files of a video, one for each frame: `<stem>_<n>.txt`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxferry.parsing.files import File

NUMBERED = re.compile(r"(?P<stem>.+)_(?P<number>\d{1,9})", re.DOTALL)


def videos_of(files: list[File], origin: int) -> tuple[dict[str, list[tuple[int, File]]], list[File]]:
    """The files of each video, frame by frame, and those that have no frame number.

    Args:
        files: label files.
        origin: the number of the first frame in the names: Ultralytics counts from 1.

    Returns:
        Stem of the video's path → its frames, from 0, in their order; and the files left over.
    """
    videos: dict[str, list[tuple[int, File]]] = {}
    left: list[File] = []
    for file in files:
        found = NUMBERED.fullmatch(str(PurePosixPath(file.relative).with_suffix("")))
        if found is None or int(found["number"]) < origin:
            left.append(file)
        else:
            videos.setdefault(found["stem"], []).append((int(found["number"]) - origin, file))
    for frames in videos.values():
        frames.sort(key=lambda each: each[0])
    return videos, left
