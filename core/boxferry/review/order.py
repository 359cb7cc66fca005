"""The files in the order in which correcting them would teach most."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING

from boxferry.review.fates import same_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.review.judged import Predicted
    from boxferry.review.pull import ReviewedFile
    from boxferry.review.reviewed import Reviewed


def order_lines(review: Reviewed, others: Iterable[Reviewed] = ()) -> str:
    """A CSV of the files that are not reviewed yet: file id, name and worth, the best first.

    The worth of a file is the sum over its boxes of how doubtful each is (1 at a score of one half, 0 at 0 and 1), of
    how often people have corrected boxes of its label and score so far, and of how rare its label is; and 1 for each
    box on which another run disagrees: that one of them has and the other has not.

    Args:
        review: the run whose files are listed.
        others: runs over the same files.
    """
    elsewhere = [{file.file_id: file.predicted for file in other.files} for other in others]
    corrected, seen = _history(review)
    counts = Counter(box.label for file in review.files for box in file.predicted)
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(("file_id", "file_name", "boxes", "worth"))
    waiting = [
        (worth(file, corrected, seen, counts) + sum(disputed(file, files) for files in elsewhere), file)
        for file in review.files
        if not file.reviewed
    ]
    for value, file in sorted(waiting, key=lambda pair: (-pair[0], pair[1].file_name)):
        writer.writerow((file.file_id, file.file_name, len(file.predicted), f"{value:.4f}"))
    return lines.getvalue()


def _history(review: Reviewed) -> tuple[Counter[tuple[str, int]], Counter[tuple[str, int]]]:
    """For each label and tenth of the scores: boxes that were corrected, and all that were looked at."""
    corrected: Counter[tuple[str, int]] = Counter()
    seen: Counter[tuple[str, int]] = Counter()
    for file in review.reviewed:
        for box in file.judged:
            if box.predicted is not None:
                key = box.predicted.label, int((box.predicted.score or 0) * 10)
                seen[key] += 1
                corrected[key] += box.fate != "kept"
    return corrected, seen


def disputed(file: ReviewedFile, other: Mapping[int, list[Predicted]]) -> int:
    """How many boxes one run has on a file and another has not: without a partner of the same label and half its area.

    A file that the other run does not have is not disputed.
    """
    if file.file_id not in other:
        return 0
    one, two = file.predicted, other[file.file_id]
    paired = len(same_objects(one, two))
    return len(one) + len(two) - 2 * paired


def worth(
    file: ReviewedFile,
    corrected: Counter[tuple[str, int]],
    seen: Counter[tuple[str, int]],
    counts: Counter[str],
) -> float:
    """How much correcting a file would teach."""
    total = 0.0
    for box in file.predicted:
        doubt = 0.5 if box.score is None else 1 - abs(2 * min(1.0, max(0.0, box.score)) - 1)
        key = box.label, int((box.score or 0) * 10)
        expected = (corrected[key] + 1) / (seen[key] + 2)
        total += doubt + expected + 1 / counts[box.label]
    return total
