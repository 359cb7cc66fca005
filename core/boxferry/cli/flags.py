"""What the options of the library are called on the command line."""

from __future__ import annotations

OTHERS = {
    "annotations": "--as annotations",
    "attribute_policy": "--attributes",
    "max_boxes": "--max-boxes",
    "video_split_s": "--video-split",
    "wait_s": "--timeout",
}  #: those that are not called the same


def flag(name: str) -> str:
    """The flag of an option of the library: '--media-url' of 'media_url'."""
    return OTHERS.get(name) or f"--{name.replace('_', '-')}"
