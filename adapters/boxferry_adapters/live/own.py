"""boxferry's own `Detections`: one chunk, or several of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections
from boxferry.boxes.join import only_images
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import Format
from boxferry_adapters.live.items import recognised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Image
    from boxferry.formats import Context, Source

LOOKS_LIKE = "boxferry's Detections, or several of them"


def sniff(source: Source) -> str | None:
    """Recognise a chunk, or the first one of several."""
    return LOOKS_LIKE if source.value is not None and recognised(source.value, _is_chunk) else None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield each chunk, its images with what is known of them; an image that came before is left out.

    Raises:
        InputError: there is something else among them.
    """
    if source.value is None:
        raise InputError(f"{source.name}: format 'detections' is of results in memory, not of files")
    seen: set[str] = set()
    chunks: Any = (source.value,) if isinstance(source.value, Detections) else source.value
    for number, chunk in enumerate(chunks):
        if not isinstance(chunk, Detections):
            raise InputError(f"result {number}: found {type(chunk).__name__}, expected Detections")
        context.tally.count(chunk)
        known = chunk.replace(images=tuple(_located(image, context) for image in chunk.images))
        yield _once(known, seen, context)


def _is_chunk(value: object) -> bool:
    return isinstance(value, Detections)


def _located(image: Image, context: Context) -> Image:
    """An image with its size and its file, as far as the images folder knows what the chunk does not say."""
    if image.sized and image.media:
        return image
    found = context.images.named(image.key)
    size = (image.width, image.height) if image.sized else (found.width, found.height)
    return msgspec.structs.replace(image, width=size[0], height=size[1], media=image.media or found.media)


def _once(chunk: Detections, seen: set[str], context: Context) -> Detections:
    """The images of a chunk that no earlier one had."""
    again = [image.key in seen for image in chunk.images]
    for image, boxes in chunk if any(again) else ():
        if image.key in seen:
            message = "an earlier chunk has the same image: this one is left out"
            context.tally.fail(Code.DUPLICATE_IMAGE, message, Place(image.key), boxes=len(boxes))
    seen.update(image.key for image in chunk.images)
    if not any(again):
        return chunk
    return only_images(chunk, {image.key for image, double in zip(chunk.images, again, strict=True) if not double})


FORMAT = Format(
    name="detections", summary=f"in memory: {LOOKS_LIKE}", sniff=sniff, read=read, live=True, any_scores=True
)
