"""The format `boxferry`: one image a line of JSON, with all that is known of it; what is written is read the same."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.lines import decoded, encoded, joined
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import Format, Option, output_stream
from boxferry.hookspecs import registering
from boxferry.parsing.files import where_readable
from boxferry_adapters.native import packets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.lines import Line
    from boxferry.formats import Context, Source

CHUNK_IMAGES = 256
BEGINNING = b'{"boxferry":'
SUFFIXES = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz", ".json.gz")
SNIFFED_FILES = 5


@where_readable
def sniff(source: Source) -> str | None:
    """Recognise the beginning of a line; of a folder, a glob or a list that of all first files."""
    files = [file for _, file in islice(source.each(*SUFFIXES), SNIFFED_FILES)]
    found = bool(files) and all(file.head.lstrip().startswith(BEGINNING) for file in files)
    return "lines of JSON that begin with the key boxferry" if found else None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for every 256 images; a line that is none fails alone."""
    lines = _lines(source, context)
    while chunk := list(islice(lines, CHUNK_IMAGES)):
        detections = joined(chunk)
        context.tally.count(detections)
        yield detections


def _lines(source: Source, context: Context) -> Iterator[Line]:
    """The lines of all files, each image's first."""
    seen: dict[str, Place] = {}
    files = [file for _, file in source.each(*SUFFIXES)]
    if not files:
        raise InputError(f"{source.name}: no file of lines in it ({', '.join(SUFFIXES)})")
    for file in files:
        with file.open() as stream:
            for number, text in enumerate(stream, start=1):
                place = Place(file.name, line=number)
                if (
                    text.strip()
                    and (line := _line(text, place, context)) is not None
                    and _is_new(line, place, seen, context)
                    and (located := _located(line, context)) is not None
                ):
                    yield located


def _line(text: bytes, place: Place, context: Context) -> Line | None:
    try:
        return decoded(text)
    except ValueError as error:
        context.tally.fail(Code.BAD_LINE, f"not a line of this format, or cut off: {error}", place)
        return None


def _is_new(line: Line, place: Place, seen: dict[str, Place], context: Context) -> bool:
    first = seen.setdefault(line.image.key, place)
    if first == place:
        return True
    where = f"on line {first.line}" if first.source == place.source else f"at {first}"
    message = f"image '{line.image.key}' stands {where} already"
    context.tally.fail(Code.DUPLICATE_IMAGE, message, place, boxes=len(line.xyxy), counted=False)
    return False


def _located(line: Line, context: Context) -> Line | None:
    """With the local file, and the size where the line has none; None where that cannot be known.

    A path that stands in the line is followed only where that is asked for: a file from elsewhere could name any.
    """
    written = line.image.media if context.options.get("boxferry-media") == "written" else ""
    if line.image.sized and written:
        return line
    found = context.images.named(line.image.key)
    if written and not found.sized:
        found = context.images.local(written) or found
    sized = line.image if line.image.sized else found
    if written and not sized.sized:
        message = f"{written}: no image that can be read here"
        context.tally.fail(Code.NO_IMAGE, message, Place(line.image.key), boxes=len(line.xyxy), counted=False)
        return None
    media = found.media or written
    line.image = msgspec.structs.replace(line.image, width=sized.width, height=sized.height, media=media)
    return line


def write(chunks: Iterable[Detections], target: Path, context: Context) -> None:  # noqa: ARG001 # nothing to look up
    """Write a line for each image."""
    with output_stream(target) as stream:
        for chunk in chunks:
            stream.writelines(encoded(chunk))


SUMMARY = "one image a line of JSON, with all that is known of it"
MEDIA = Option(
    name="boxferry-media",
    help="Where the pixels of boxferry lines' images are: in the --images folder, or at the paths written in them.",
    default="folder",
    choices=("folder", "written"),
)
boxferry_register_formats = registering(
    packets.FORMAT,
    Format(
        name="boxferry",
        summary=SUMMARY,
        sniff=sniff,
        read=read,
        write=write,
        options=(MEDIA,),
        writes_videos=True,
        any_scores=True,
    ),
)
