"""The format `cvat`: CVAT's own XML, for images (shapes by image) and for video (tracks by frame).

The format is defined at https://docs.cvat.ai/docs/manual/advanced/xml_format/ (version 1.1): corners and points in
pixels of the plane, 0-based; `rotation` in degrees, clockwise about the box's centre; a mask as run lengths, beginning
with those outside, of the rectangle at left, top. In a track each `box` is of one frame, counted from 0, and
`outside="1"` says that the object is not in it. A score is an attribute `score` or `confidence`, of the shape or below:
the format has no other place for one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boxferry.formats import Format
from boxferry.hookspecs import registering
from boxferry.parsing.files import heads_of, most
from boxferry_adapters.cvat.read import read
from boxferry_adapters.cvat.write import write

if TYPE_CHECKING:
    from boxferry.formats import Source

ROOT = re.compile(rb"^[^<]*(<\?[^>]*\?>\s*|<!--.*?-->\s*)*<annotations[\s>]", re.DOTALL)


def sniff(source: Source) -> str | None:
    """Recognise the root element of the first files."""
    heads = [head.replace(b"\0", b"") for head in heads_of(source, ".xml")]
    return "XML with the root annotations" if most([ROOT.match(head[:4096]) for head in heads]) else None


SUMMARY = "one XML file with the root annotations, as CVAT exports it for images and for video"
boxferry_register_formats = registering(Format(name="cvat", summary=SUMMARY, sniff=sniff, read=read, write=write))
