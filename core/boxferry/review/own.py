"""What a run is measured by: its boxes as they are now and those of people, without what other pushes did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxferry.review.pull import ReviewedFile

PEOPLES = frozenset(("kept", "moved", "relabelled", "deleted", "added"))  #: fates that are decisions of people


def own_boxes(file: ReviewedFile) -> ReviewedFile:
    """A file without the untouched boxes of other runs, and without boxes that people have not decided on."""
    judged = [box for box in file.judged if box.fate in PEOPLES]
    return replace(
        file,
        stored=[box.stored for box in judged if box.stored is not None],
        predicted=[box.predicted for box in judged if box.predicted is not None],
    )
