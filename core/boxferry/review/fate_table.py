"""What people did to each box as the columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.review.judged import Predicted, Stored
    from boxferry.review.pull import ReviewedFile

CORNERS = ("xmin", "ymin", "xmax", "ymax")
NOW = ("now_label", *(f"now_{name}" for name in CORNERS))
COLUMNS = ("file", "file_id", "reviewed", "fate", "label", "score", *CORNERS, *NOW)


def fate_columns(files: Iterable[ReviewedFile]) -> dict[str, list[Any]]:
    """A row for each box that was sent or added, as columns of plain values; None where it has none."""
    found: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for file in files:
        for box in file.judged:
            before, now = box.predicted, box.stored
            row = [file.file_name, file.file_id, file.reviewed, str(box.fate), before.label if before else None]
            row += [before.score if before else None, *_corners(before), now.label if now else None, *_corners(now)]
            for name, value in zip(COLUMNS, row, strict=True):
                found[name].append(value)
    return found


def _corners(box: Predicted | Stored | None) -> list[float | None]:
    return list(box.corners) if box else [None] * len(CORNERS)
