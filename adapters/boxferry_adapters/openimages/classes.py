"""The file of class descriptions: LabelName,DisplayName."""

from __future__ import annotations

import csv
from pathlib import Path

from boxferry.errors import InputError

HEADER = "labelname"


def classes_of(path: str) -> dict[int | str, str]:
    """Label id → name; none where no file is named.

    Raises:
        InputError: the file cannot be read, or has no rows of two columns.
    """
    if not path:
        return {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"--openimages-classes {path}: cannot be read: {reason}") from None
    if not rows or any(len(row) != 2 for row in rows):
        raise InputError(f"--openimages-classes {path}: expected rows of two columns, LabelName,DisplayName")
    return {row[0]: row[1] for row in rows if row[0].lower() != HEADER}
