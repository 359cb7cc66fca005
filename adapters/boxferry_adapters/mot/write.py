"""Writes a folder for each video, its boxes as `gt/gt.txt` or, with scores, as `det/det.txt`."""

from __future__ import annotations

from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.decimals import short
from boxferry.boxes.labels import LabelIds
from boxferry.boxes.tally import Place
from boxferry.boxes.unwritten import noting_unwritten
from boxferry.errors import InputError
from boxferry.formats import VIDEO_SUFFIXES, file_stem, output_folder
from boxferry_adapters.mot.labels import LABELS
from boxferry_adapters.mot.sequence import FILE_NAME, SECTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context

VISIBILITY = "visibility"
ORIGIN = 1  #: the number of the first pixel, and of the first frame


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:
    """Write `<video>/gt/gt.txt`, `<video>/seqinfo.ini` and `labels.txt` into a folder; still images are left out.

    A row is frame, track (-1 for none), left, top, width, height, 1, class, visibility; frames, pixels and classes
    count from 1. Boxes with scores are written as results, `<video>/det/det.txt`, the score in the seventh column.
    Classes keep the ids that they were read with, from 1 where these count from 0: `labels.txt` lists them, or
    `data.yaml` where they do not count 1, 2, 3, ….

    Raises:
        InputError: only some boxes of a video have a score, or its name leads out of the folder.
    """
    chunks = noting_unwritten(chunks, context.tally, "a row of MOT", rings=0, attributes=(VISIBILITY,))
    taken = set[str]()
    with output_folder(target) as folder:
        labels = None
        for chunk in chunks:
            labels = labels or _label_ids(context)
            classes = np.array([labels.of(name) for name in chunk.labels], np.int64)
            for image, rows in chunk.each_image():
                if image.video:
                    _write_video(folder, _name(image, taken), chunk, image, rows, classes)
                else:
                    message = "a still image, and MOT has videos only"
                    context.tally.discard(Code.STILL_IMAGE, message, Place(image.key), boxes=rows.stop - rows.start)
        _write_names(folder, labels or _label_ids(context))
    (labels or _label_ids(context)).note_added(context.tally)


def _label_ids(context: Context) -> LabelIds:
    """The classes by the numbers that stand in the rows."""
    names = {**context.names, **context.classes.names()}
    numbered = {number: name for number, name in names.items() if isinstance(number, int) and number >= 0}
    if len(numbered) < len(names):
        numbered = dict(zip(count(ORIGIN), dict.fromkeys(names.values()), strict=False))
    shift = ORIGIN if 0 in numbered else 0
    return LabelIds({number + shift: name for number, name in numbered.items()}, first=ORIGIN)


def _name(image: Image, taken: set[str]) -> str:
    key = PurePosixPath(image.key)
    plain = key.with_suffix("") if key.suffix.lower() in VIDEO_SUFFIXES else key
    return file_stem(msgspec.structs.replace(image, key=str(plain)), taken)


def _write_video(above: Path, name: str, chunk: Detections, image: Image, rows: slice, classes: np.ndarray) -> None:
    folder, scored = above / name, ~np.isnan(chunk.score[rows])
    if len(scored) and scored.any() != scored.all():
        raise InputError(
            f"{image.key}: some of its boxes have a score and others none; MOT rows cannot tell them apart"
        )
    kind = "det" if len(scored) and scored.all() else "gt"
    (folder / kind).mkdir(parents=True, exist_ok=True)
    text = "".join(sorted(_rows(chunk, rows, classes, results=kind == "det"), key=_frame))
    (folder / kind / f"{kind}.txt").write_text(text, encoding="ascii")
    (folder / FILE_NAME).write_text(_info(image, name), encoding="utf-8")


def _frame(row: str) -> int:
    return int(row.partition(",")[0])


def _rows(chunk: Detections, rows: slice, classes: np.ndarray, *, results: bool) -> Iterator[str]:
    """The rows of a video, in the order of its boxes."""
    xyxy, label, score = short(chunk.xyxy).tolist(), chunk.label.tolist(), chunk.score.tolist()
    for row in range(rows.start, rows.stop):
        x_min, y_min, x_max, y_max = xyxy[row]
        frame = 0 if chunk.frame is None else int(chunk.frame[row])
        track = -1 if chunk.track is None else int(chunk.track[row])
        box = (x_min + ORIGIN, y_min + ORIGIN, x_max - x_min, y_max - y_min)
        sides = ",".join(map(_number, short(box).tolist()))
        seventh = repr(score[row]) if results else "1"
        yield f"{frame + ORIGIN},{track},{sides},{seventh},{classes[label[row]]},{_visibility(chunk, row)}\n"


def _visibility(chunk: Detections, row: int) -> str:
    """The ninth column; 1 where nothing is known."""
    found = (chunk.attributes[row] or {}).get(VISIBILITY) if chunk.attributes is not None else None
    try:
        share = float(found)  # type: ignore[arg-type] # what is no number fails
    except (TypeError, ValueError):
        return "1"
    return _number(share) if 0 <= share <= 1 else "1"


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value)


def _info(image: Image, name: str) -> str:
    """What `seqinfo.ini` says, as far as it is known."""
    said: dict[str, object] = {"name": name}
    said |= {"frameRate": _number(float(image.frame_rate))} if image.frame_rate else {}
    said |= {"seqLength": image.frames} if image.frames else {}
    said |= {"imWidth": image.width, "imHeight": image.height} if image.sized else {}
    return f"[{SECTION}]\n" + "".join(f"{key}={value}\n" for key, value in said.items())


def _write_names(folder: Path, labels: LabelIds) -> None:
    names = labels.names
    if list(names) == list(range(ORIGIN, ORIGIN + len(names))):
        (folder / LABELS).write_text("".join(f"{name}\n" for name in names.values()), encoding="utf-8")
        return
    import yaml

    text = yaml.safe_dump({"names": dict(names)}, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(text, encoding="utf-8")
