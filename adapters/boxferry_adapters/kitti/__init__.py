"""The format `kitti`: a text file an image, or one a video with frames and tracks; boxes in pixels, and 3D fields.

The format is defined in the readme.txt of the object and the tracking development kit,
https://www.cvlibs.net/datasets/kitti/eval_object.php and https://www.cvlibs.net/datasets/kitti/eval_tracking.php:
`type truncated occluded alpha left top right bottom height width length x y z rotation_y [score]`. In tracking files
`frame track` stand before them, frames from 0. Corners are pixels, 0-based, and taken as they stand, as every reader
does. `DontCare` marks regions that are no objects. A type may have blanks in it: numbers are counted from the end.
"""

from __future__ import annotations

import math
import posixpath
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.errors import InputError
from boxferry.formats import VIDEO_SUFFIXES, Format, Stumble
from boxferry.hookspecs import registering
from boxferry.parsing.documents import boxes_of, documents_of, image_of_file, words_of
from boxferry.parsing.files import heads_of, most
from boxferry.parsing.gather import BadBox, BadImage, Box, Gathering
from boxferry.parsing.values import NUMBER, number, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Place
    from boxferry.formats import Context, Source
    from boxferry.parsing.files import File

NUMBERS = 14  #: after the type; a score may follow
FIELDS = (
    "truncated", "occluded", "alpha", "", "", "", "", "height", "width", "length", "x", "y", "z", "rotation_y"
)  # fmt: skip
UNSET = {"truncated": -1.0, "occluded": -1.0, "alpha": -10.0}  #: what results and DontCare rows hold in their place
NO_OBJECT = "DontCare"
FIRST_LINES = 5
LEAST = 8  #: numbers of a row that looks like one of these


def sniff(source: Source) -> str | None:
    """Recognise the columns of the first lines."""
    kinds: list[str] = []
    for head in heads_of(source, ".txt"):
        lines = head.decode("utf-8", "replace").split("\n")
        rows = [words for line in lines[: max(1, len(lines) - 1)] if (words := line.split())]
        kinds += [_kind(words) for words in rows[:FIRST_LINES]]
    if most([kind == "object" for kind in kinds]):
        return "rows of a type and 14 numbers or 15"
    return "rows of frame, track, a type and 14 numbers or 15" if most([kind == "tracking" for kind in kinds]) else None


def stumble(source: Source) -> Stumble | None:
    """The first row that begins with a word and has fewer numbers, or more."""
    for head in heads_of(source, ".txt")[:1]:
        for line, text in enumerate(head.decode("utf-8", "replace").split("\n"), start=1):
            words = text.split()
            numbers = _trailing(words)
            if words and not _kind(words) and len(words) > numbers >= LEAST:
                found = f"{numbers} numbers after the type, expected 14 or 15"
                return Stumble(where=f"{source.name}:{line}", found=found, share=min(numbers, NUMBERS) / (NUMBERS + 2))
    return None


def _kind(words: list[str]) -> str:
    """'object', 'tracking', or empty for a row of neither."""
    last = _trailing(words)
    if last not in {NUMBERS, NUMBERS + 1} or len(words) == last:
        return ""
    first = words[: len(words) - last]
    tracking = len(first) > 2 and first[0].isdigit() and first[1].lstrip("-").isdigit()
    return "tracking" if tracking else "" if NUMBER.fullmatch(first[0]) else "object"


def _trailing(words: list[str]) -> int:
    """How many numbers stand at the end of a row."""
    count = 0
    while count < len(words) and NUMBER.fullmatch(words[-1 - count]):
        count += 1
    return count


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield chunks of files; one that cannot be read fails alone.

    Raises:
        InputError: the source is standard input, and a file's name tells its image.
    """
    if source.name == "-":
        raise InputError(
            "standard input: KITTI needs files, since a file's name tells its image; name one, or a folder"
        )
    gathering = Gathering(context, row_unit="line")
    return gathering.read(documents_of(source, context, ".txt"), partial(_read, gathering))


def _read(gathering: Gathering, document: tuple[File, bytes], place: Place) -> tuple[Image, list[Box]]:
    file, data = document
    rows = words_of(data)
    video = any(_kind(words) == "tracking" for _, words in rows)
    image = _image(gathering.context, file, len(rows), video=video)
    return image, boxes_of(rows, partial(_box, gathering, video=video), gathering.context, place)


def _image(context: Context, file: File, boxes: int, *, video: bool) -> Image:
    """The image, or the video, that has the file's name.

    Raises:
        BadImage: several have, or it is an image where the rows have frames.
    """
    found = image_of_file(file, context, boxes)
    if video and found.media and posixpath.splitext(found.media)[1].lower() not in VIDEO_SUFFIXES:
        raise BadImage(
            f"its rows have frames, but '{found.key}' is an image; expected a video", Code.NOT_A_VIDEO, boxes
        )
    return msgspec.structs.replace(found, video=video or found.video)


def _box(gathering: Gathering, line: int, words: list[str], *, video: bool) -> Box:
    frame, track = _frame_and_track(words) if video else (0, -1)
    words = words[2:] if video else words
    last = _trailing(words)
    if last not in {NUMBERS, NUMBERS + 1} or last == len(words):
        raise BadBox(f"expected a type and 14 numbers or 15, found {shown(' '.join(words))}", Code.BAD_ROW)
    label, numbers = " ".join(words[: len(words) - last]), words[len(words) - last :]
    if label == NO_OBJECT:
        raise BadBox("DontCare: a region that is no object", Code.DONT_CARE)
    values = [number(word, name or "a corner") for word, name in zip(numbers, FIELDS, strict=False)]
    left, top, right, bottom = values[3:7]
    return Box(
        code=gathering.vocabulary.add(label),
        corners=(left, top, right, bottom),
        score=number(numbers[NUMBERS], "score") if last > NUMBERS else math.nan,
        row=line,
        frame=frame,
        track=track,
        fields={name: value for name, value in zip(FIELDS, values, strict=True) if name and UNSET.get(name) != value},
    )


def _frame_and_track(words: list[str]) -> tuple[int, int]:
    numbers = [number(word, name) for word, name in zip(words, ("frame", "track"), strict=False)]
    if len(numbers) < 2 or numbers[0] < 0 or numbers[1] < -1 or any(value % 1 for value in numbers):
        raise BadBox(f"expected frame and track as whole numbers, found {shown(' '.join(words[:2]))}", Code.BAD_ROW)
    return int(numbers[0]), int(numbers[1])


SUMMARY = "a text file an image, rows of 'type truncated occluded alpha left top right bottom …', as KITTI has them"
boxferry_register_formats = registering(
    Format(name="kitti", summary=SUMMARY, sniff=sniff, stumble=stumble, read=read, any_scores=True)
)
