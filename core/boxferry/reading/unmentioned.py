"""The images of a folder that the source does not mention: images without predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import counted
from boxferry.boxes.detections import Detections
from boxferry.boxes.tally import Place
from boxferry.errors import InputError, SizeDiffers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from boxferry.boxes.detections import Image
    from boxferry.boxes.tally import Tally

CHUNK_IMAGES = 512


def with_unmentioned(
    chunks: Iterable[Detections], folder: Callable[..., Iterable[Image]], source: str, tally: Tally
) -> Iterator[Detections]:
    """The chunks, then the images of the folder that none of them mentioned, without boxes.

    Args:
        chunks: as they are read.
        folder: gives the images, and is handed what is called with those that fail.
        source: what the source is called in a message.
        tally: counts them.
    """
    keys, files = set[str](), set[str]()
    for chunk in chunks:
        keys.update(image.key for image in chunk.images)
        files.update(image.media for image in chunk.images)
        yield chunk

    def failed(key: str, error: InputError) -> None:
        code = Code.SIZE_MISMATCH if isinstance(error, SizeDiffers) else Code.AMBIGUOUS_IMAGE
        tally.fail(code, str(error), Place(key))

    missing = [image for image in folder(failed) if image.key not in keys and image.media not in files]
    if missing:
        tally.note(Code.NO_PREDICTIONS, f"not in {source}: {counted(len(missing), 'image')} of the images folder")
    for start in range(0, len(missing), CHUNK_IMAGES):
        images = missing[start : start + CHUNK_IMAGES]
        chunk = Detections.from_counts(images, [0] * len(images), [], [], ())
        tally.count(chunk)
        yield chunk
