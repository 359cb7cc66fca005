"""Whether a label file says the same as the rows that are to be written, so that it can be written as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boxferry.boxes.detections import Image

    Row = list[float]  # class, then shares of the image's sides

MOST_ROWS = 1000  #: files with more are not compared, since each row is looked for among the others
WHOLE_PX = 0.51  #: by which rounding to whole pixels moves an edge at most
PLAIN = 5  #: columns of a box


def says_the_same(original: bytes, rows: list[Row], image: Image) -> bool:
    """Whether a label file has these rows and no others, in any order, up to the rounding to whole pixels."""
    before = _rows_of(original)
    if before is None or len(before) != len(rows) or len(rows) > MOST_ROWS:
        return False
    left = list(rows)
    for row in before:
        found = next((index for index, other in enumerate(left) if _alike(row, other, image)), None)
        if found is None:
            return False
        del left[found]
    return True


def _rows_of(text: bytes) -> list[Row] | None:
    """The numbers of each row; None where a word is none."""
    try:
        return [[float(word) for word in line.split()] for line in text.decode("ascii").splitlines() if line.strip()]
    except ValueError:
        return None


def _alike(one: Row, other: Row, image: Image) -> bool:
    if len(one) != len(other) or one[0] != other[0]:
        return False
    sides = (image.width, image.height)
    return all(
        abs(a - b) * sides[index % 2] <= (2 * WHOLE_PX if len(one) == PLAIN and index > 1 else WHOLE_PX)
        for index, (a, b) in enumerate(zip(one[1:], other[1:], strict=True))
    )
