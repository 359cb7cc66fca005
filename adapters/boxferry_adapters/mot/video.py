"""Which video a file of rows is about, and what is known of it."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.formats import VIDEO_SUFFIXES
from boxferry.parsing.gather import BadImage, one_image
from boxferry_adapters.mot.sequence import FILE_NAME, sequence_of

if TYPE_CHECKING:
    from boxferry.boxes.detections import Image
    from boxferry.formats import Context
    from boxferry_adapters.mot.files import File
    from boxferry_adapters.mot.sequence import Sequence


def video_of(file: File, context: Context) -> Image:
    """The video, as the images folder and its `seqinfo.ini` know it; the latter says how many frames there are.

    Raises:
        BadImage: it cannot be told which it is, it is an image, or the two disagree on its size.
    """
    sequence = sequence_of(file.place)
    with one_image():
        found = context.images.stem(sequence.name)
    if found.media and PurePath(found.media).suffix.lower() not in VIDEO_SUFFIXES:
        raise BadImage(f"is about '{found.key}', which is an image; expected a video", Code.NOT_A_VIDEO)
    if found.frames and sequence.frames not in {0, found.frames}:
        lengths = f"{sequence.frames} frames in {FILE_NAME}, the video itself has {found.frames}"
        context.tally.note(Code.OTHER_LENGTH, lengths, Place(file.shown))
    width, height = _size(found, sequence)
    return msgspec.structs.replace(
        found,
        width=width,
        height=height,
        source=file.shown,
        video=True,
        frames=sequence.frames or found.frames,
        frame_rate=sequence.rate or found.frame_rate,
    )


def _size(found: Image, sequence: Sequence) -> tuple[int, int]:
    """Width and height by `seqinfo.ini`, else of the video itself."""
    said, known = (sequence.width, sequence.height), (found.width, found.height)
    if not all(said):
        return known
    if found.media and found.sized and said != known:
        sizes = f"{said[0]}x{said[1]} in {FILE_NAME}, the video itself is {known[0]}x{known[1]}"
        raise BadImage(f"{sizes}: its boxes may be wrong", Code.SIZE_MISMATCH)
    return said
