"""The format `boxferry`: one image a line of JSON, with all that is known of it; what is written is read the same."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.lines import decoded, encoded, joined
from boxferry.boxes.tally import Place
from boxferry.formats import Format, Option, output_stream
from boxferry.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.lines import Line
    from boxferry.formats import Context, Source

CHUNK_IMAGES = 256
BEGINNING = b'{"boxferry":'


@hookimpl
def boxferry_register_formats(register: Callable[[Format], None]) -> None:
    """Bring the format in."""
    summary = "one image a line of JSON, with all that is known of it"
    media = Option(
        name="boxferry-media",
        help="Where the pixels of boxferry lines' images are: in the --images folder, or at the paths written in them.",
        default="folder",
        choices=("folder", "written"),
    )
    register(
        Format(
            name="boxferry",
            summary=summary,
            sniff=sniff,
            read=read,
            write=write,
            options=(media,),
            writes_videos=True,
            any_scores=True,
        )
    )


def sniff(source: Source) -> str | None:
    """Recognise the beginning of a line."""
    found = source.is_stream and source.head.lstrip().startswith(BEGINNING)
    return "lines of JSON that begin with the key boxferry" if found else None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for every 256 images; a line that is none fails alone."""
    lines = _lines(source, context)
    while chunk := list(islice(lines, CHUNK_IMAGES)):
        detections = joined(chunk)
        context.tally.count(detections)
        yield detections


def _lines(source: Source, context: Context) -> Iterator[Line]:
    seen: dict[str, int] = {}
    with source.open() as stream:
        for number, text in enumerate(stream, start=1):
            if not text.strip():
                continue
            place = Place(source.name, line=number)
            try:
                line = decoded(text)
            except ValueError as error:
                context.tally.fail("bad-line", f"not a line of this format, or cut off: {error}", place)
                continue
            if seen.setdefault(line.image.key, number) != number:
                message = f"image '{line.image.key}' stands on line {seen[line.image.key]} already"
                context.tally.fail("duplicate-image", message, place, boxes=len(line.xyxy), counted=False)
                continue
            yield _located(line, context)


def _located(line: Line, context: Context) -> Line:
    """With the local file, and the size where the line has none.

    A path that stands in the line is followed only where that is asked for: a file from elsewhere could name any.
    """
    written = context.options.get("boxferry-media") == "written"
    if line.image.sized and line.image.media and written:
        return line
    found = context.images.named(line.image.key)
    width, height = (line.image.width, line.image.height) if line.image.sized else (found.width, found.height)
    media = found.media or (line.image.media if written else "")
    line.image = msgspec.structs.replace(line.image, width=width, height=height, media=media)
    return line


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:  # noqa: ARG001 # nothing to look up
    """Write a line for each image."""
    with output_stream(target) as stream:
        for chunk in chunks:
            stream.writelines(encoded(chunk))
