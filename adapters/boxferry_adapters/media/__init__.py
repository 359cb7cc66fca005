"""The format `media`: a folder of images and videos alone, without boxes: raw data to be annotated."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from boxferry.boxes.detections import Detections
from boxferry.formats import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Format
from boxferry.hookspecs import registering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Context, Source

CHUNK_IMAGES = 512
DATA_SUFFIXES = (".txt", ".json", ".jsonl", ".ndjson", ".xml", ".csv", ".gz")


def sniff(source: Source) -> str | None:
    """Recognise a folder that holds media, and no file that could hold boxes."""
    if source.is_stream or next(source.files(*DATA_SUFFIXES), None) is not None:
        return None
    found = next(source.files(*IMAGE_SUFFIXES, *VIDEO_SUFFIXES), None)
    return None if found is None else "a folder of images or videos, and no file that could hold boxes"


def read(source: Source, context: Context) -> Iterator[Detections]:  # noqa: ARG001 # the images are the source
    """Yield a chunk for every 512 images, without boxes."""
    images = iter(context.images.known())
    while chunk := list(islice(images, CHUNK_IMAGES)):
        detections = Detections.from_counts(chunk, [0] * len(chunk), [], [], ())
        context.tally.count(detections)
        yield detections


SUMMARY = "a folder of images and videos alone, without boxes"
boxferry_register_formats = registering(
    Format(name="media", summary=SUMMARY, sniff=sniff, read=read, reads_images_folder=True)
)
