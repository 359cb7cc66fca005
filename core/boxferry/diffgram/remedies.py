"""What to do about a file that the server refused, by the words that it gave as its reason."""

from __future__ import annotations

from typing import Final

_NAMES: Final = "give it a name that ends in .jpg, .png, .bmp, .tif or .mp4"
_TAKEN: Final = "choose on_existing=append, skip or replace-own, or another name for the new file"
_LABELS: Final = "the label is not one of this project's: list them with boxferry labels, then push again"

#: a part of the server's words → what to do; the first that fits counts
REMEDIES: Final = {
    "already exists in dir": _TAKEN,
    "in the directory already": _TAKEN,
    "could not open file": "check that the image opens; convert webp and gif to jpg or png",
    "not supported yet": _NAMES,
    "invalid extension": _NAMES,
    "invalid file type": _NAMES,
    "invalid media type": _NAMES,
    "does not belong to project": _LABELS,
    "missing label_file_id": _LABELS,
    "media_type undefined": "the file was still being processed: resume the run",
    "invalid url": "check that the server itself can fetch the URL",
    "check that filename exists": "the file was removed or renamed meanwhile: push again",
}  # fmt: skip


def remedy_of(reason: str) -> str:
    """What to do about a reason; empty where only its words are known."""
    words = reason.casefold()
    return next((remedy for part, remedy in REMEDIES.items() if part in words), "")
