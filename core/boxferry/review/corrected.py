"""The corrected boxes as Detections, which every format can write."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.tally import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.boxes.tally import Tally
    from boxferry.review.fates import Predicted, Stored
    from boxferry.review.pull import ReviewedFile

CHUNK_FILES = 512


def sent_labels(files: Iterable[ReviewedFile]) -> list[str]:
    """The labels that a run sent, in the order in which they first come: the same for every pull of the run."""
    return list(dict.fromkeys(box.label for file in files for box in file.predicted))


def corrected(files: Iterable[ReviewedFile], tally: Tally, *, labels: Iterable[str] = ()) -> Iterator[Detections]:
    """The boxes that the files have now: no predictions any more, so they have no score.

    Args:
        files: the files.
        tally: counts the boxes.
        labels: those that come first in the chunks' labels, in this order, whether a box has them or not.
    """
    return _chunks(((file, file.stored) for file in _readable(files, tally)), tally, labels=labels)


def _readable(files: Iterable[ReviewedFile], tally: Tally) -> Iterator[ReviewedFile]:
    """The files; boxes of theirs that cannot be read are counted as dropped."""
    for file in files:
        for problem in file.unreadable:
            tally.skip("unreadable-box", f"the server's row is no box: {problem}", Place(file.file_name))
        yield file


def predicted(files: Iterable[ReviewedFile], tally: Tally) -> Iterator[Detections]:
    """The boxes that were sent."""
    return _chunks(((file, file.predicted) for file in files), tally, scored=True)


def _chunks(
    files: Iterable[tuple[ReviewedFile, list[Stored] | list[Predicted]]],
    tally: Tally,
    *,
    scored: bool = False,
    labels: Iterable[str] = (),
) -> Iterator[Detections]:
    pending, known = iter(files), {name: code for code, name in enumerate(labels)}
    while some := list(islice(pending, CHUNK_FILES)):
        boxes = [box for _, found in some for box in found]
        code = [known.setdefault(box.label, len(known)) for box in boxes]
        video = any(file.video for file, _ in some)
        chunk = Detections.from_counts(
            [
                Image(file.file_name, file.width, file.height, media=file.media, video=file.video, file_id=file.file_id)
                for file, _ in some
            ],
            [len(found) for _, found in some],
            [box.corners for box in boxes],
            code,
            known,
            score=[box.score if scored and box.score is not None else np.nan for box in boxes],
            row_unit="item",
            frame=[box.frame or 0 for box in boxes] if video else None,
        )
        tally.count(chunk)
        yield chunk
