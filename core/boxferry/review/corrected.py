"""The corrected boxes as Detections, which every format can write."""

from __future__ import annotations

from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.join import only_images
from boxferry.boxes.tally import Place
from boxferry.formats import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from boxferry.review.judged import PEOPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from boxferry.boxes.tally import Tally
    from boxferry.review.judged import Predicted, Stored
    from boxferry.review.pull import ReviewedFile

CHUNK_FILES = 512
MEDIA = IMAGE_SUFFIXES | VIDEO_SUFFIXES
SHAPE, POINTS = "shape", "points"  #: the attributes that say what a box was drawn as, where it is only the bounds of it


def sent_labels(files: Iterable[ReviewedFile]) -> list[str]:
    """The labels that a run sent, in the order in which they first come: the same for every pull of the run."""
    return list(dict.fromkeys(box.label for file in files for box in file.sent))


def corrected(
    files: Iterable[ReviewedFile], tally: Tally, *, labels: Iterable[str] = (), everything: bool = True
) -> Iterator[Detections]:
    """The boxes that the files have now: no predictions any more, so they have no score.

    Ellipses are outlines; of other shapes the bounds are boxes, counted as changed, whose attribute `shape` says what
    they were drawn as, and `points` where their points are: 'x,y' each.

    Args:
        files: the files.
        tally: counts the boxes.
        labels: those that come first in the chunks' labels, in this order, whether a box has them or not.
        everything: those too that came after people looked at the file last.
    """
    pending, known = iter(files), {name: code for code, name in enumerate(labels)}
    while some := list(islice(pending, CHUNK_FILES)):
        for file in some:
            for left in file.left_out:
                tally.skip(left.code, left.message, Place(file.file_name))
        listed = [file.stored if everything else _seen(file, tally) for file in some]
        boxes = [box for each in listed for box in each]
        chunk = _chunk(some, list(map(len, listed)), boxes, known).replace(**_more(boxes))
        tally.count(chunk)
        _count_shapes(chunk, boxes, tally)
        yield chunk


def _seen(file: ReviewedFile, tally: Tally) -> list[Stored]:
    """A file's boxes without those that no person has looked at, which are counted."""
    if file.unseen:
        tally.read += len(file.unseen)
        message = "it came after people looked at the file last"
        tally.discard(Code.UNREVIEWED, message, Place(file.file_name), boxes=len(file.unseen))
    return [box for box in file.stored if box.row_id not in file.unseen]


def predicted(files: Iterable[ReviewedFile], tally: Tally, *, everything: bool = True) -> Iterator[Detections]:
    """The boxes that were sent, those too that a later push took away; or, without `everything`, what people judged."""
    pending, known = iter(files), dict[str, int]()
    while some := list(islice(pending, CHUNK_FILES)):
        listed = [file.sent if everything else _judged(file) for file in some]
        boxes = [box for each in listed for box in each]
        chunk = _chunk(some, list(map(len, listed)), boxes, known)
        chunk = chunk.replace(score=[np.nan if box.score is None else box.score for box in boxes])
        tally.count(chunk)
        yield chunk


def _judged(file: ReviewedFile) -> list[Predicted]:
    return [box.predicted for box in file.judged if box.predicted is not None and box.fate in PEOPLES]


def _chunk(
    files: Sequence[ReviewedFile], counts: list[int], boxes: Sequence[Stored | Predicted], known: dict[str, int]
) -> Detections:
    code = [known.setdefault(box.label, len(known)) for box in boxes]
    return Detections.from_counts(
        [_image(file) for file in files],
        counts,
        [box.corners for box in boxes],
        code,
        known,
        row_unit="item",
        frame=[box.frame or 0 for box in boxes] if any(file.video for file in files) else None,
    )


def _image(file: ReviewedFile) -> Image:
    return Image(
        key_of(file),
        file.width,
        file.height,
        media=file.media,
        video=file.video,
        frames=file.frames,
        frame_rate=file.frame_rate,
        file_id=file.file_id,
        id=file.image.id,
    )


def as_it_was(file: ReviewedFile) -> bool:
    """Whether a file has just the boxes that the run sent, as they were sent."""
    same = all(
        one and other and (one.label, one.corners, one.rings) == (other.label, other.corners, other.rings)
        for one, other in ((box.predicted, box.stored) for box in file.judged)
    )
    return same and len(file.stored) == len(file.predicted) == len(file.judged) and not file.left_out


def key_of(file: ReviewedFile) -> str:
    """What the source calls an image; its name on the server where that alone tells what kind of file it is."""
    own = file.image.key
    named = own and (file.image.id is not None or PurePosixPath(own).suffix.lower() in MEDIA)
    return own if named else file.file_name


def _more(boxes: Sequence[Stored]) -> dict[str, Any]:
    """The columns of tracks, outlines and attributes, those that any box has."""
    found: dict[str, Any] = {}
    if any(box.number is not None for box in boxes):
        found["track"] = np.array([_track(box) for box in boxes], np.int64)
    if any(box.rings for box in boxes):
        found["polygons"] = objects([tuple(np.array(r, np.float64) for r in b.rings) or None for b in boxes])
    attributes = [_attributes(box) for box in boxes]
    if any(attributes):
        found["attributes"] = objects([each or None for each in attributes])
    return found


def _track(box: Stored) -> int:
    return -1 if box.number is None else box.number


def _attributes(box: Stored) -> dict[str, Any]:
    if not _is_bounds(box):
        return box.attributes
    points = {POINTS: [f"{x:.10g},{y:.10g}" for x, y in box.points]} if box.points else {}
    return {SHAPE: box.shape, **points, **box.attributes}


def _is_bounds(box: Stored) -> bool:
    """Whether a box is only what encloses the shape that was drawn."""
    return bool(box.shape) and not box.rings


def _count_shapes(chunk: Detections, boxes: Sequence[Stored], tally: Tally) -> None:
    for shape in dict.fromkeys(box.shape for box in boxes if box.shape):
        rows = np.array([box.shape == shape for box in boxes])
        if any(box.shape == shape and _is_bounds(box) for box in boxes):
            tally.change(Code.BOUNDS, f"drawn as {shape}: its bounds are written as a box", chunk, rows)
        else:
            tally.change(Code.OUTLINE, f"drawn as {shape}: written as an outline", chunk, rows)


def without_videos(chunks: Iterable[Detections], name: str, tally: Tally) -> Iterator[Detections]:
    """The still images, for a format that has no frames; videos are left out, each with a note.

    Args:
        chunks: images and videos.
        name: the format.
        tally: counts the boxes of videos as dropped.
    """
    for chunk in chunks:
        for image, count in zip(chunk.images, chunk.counts.tolist(), strict=True):
            if image.video:
                message = f"a video, but the format '{name}' has no frames; write 'boxferry' or 'mot'"
                tally.discard(Code.VIDEO, message, Place(image.key), boxes=count)
        stills = only_images(chunk, {image.key for image in chunk.images if not image.video})
        yield stills.replace(frame=None)
