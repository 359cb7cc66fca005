"""What a run is measured by: its boxes as they are now and those of people, without what other pushes did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from boxferry.packets.reference import is_ours
from boxferry.review.judged import PEOPLES, by_people

if TYPE_CHECKING:
    from boxferry.review.pull import ReviewedFile


def own_boxes(file: ReviewedFile) -> ReviewedFile:
    """A file without the untouched boxes of other runs, and without boxes that people have not decided on."""
    judged = [box for box in file.judged if box.fate in PEOPLES]
    known = {box.stored.row_id for box in judged if box.stored is not None}
    drawn = [box for box in file.stored if by_people(box) and not is_ours(box.reference)]  # before the run too
    return replace(
        file,
        stored=[
            *(box.stored for box in judged if box.stored is not None),
            *(box for box in drawn if box.row_id not in known),
        ],
        predicted=[box.predicted for box in judged if box.predicted is not None],
    )
