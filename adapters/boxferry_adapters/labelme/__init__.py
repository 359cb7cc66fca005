"""The format `labelme`: a JSON file an image with shapes in pixels, as LabelMe writes it.

What stands in a file is defined by what LabelMe itself reads and writes, `labelme/label_file.py` and `labelme/shape.py`
in https://github.com/wkentaro/labelme: points are pixels of the plane, 0-based, so that an image's far corner is at its
width and height; a rectangle is two opposite corners, a circle its centre and a point on its edge. That shapes of one
label and one `group_id` are parts of one object is what its own converters do (`examples/instance_segmentation`).
X-AnyLabeling and others add `score`, `difficult`, `attributes` and the shape type `rotation`, which are read too
(https://github.com/CVHub520/X-AnyLabeling/blob/main/docs/en/user_guide.md).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boxferry.formats import Format, Stumble
from boxferry.hookspecs import registering
from boxferry.parsing.encoding import utf8_head
from boxferry.parsing.files import heads_of, most
from boxferry_adapters.labelme.read import read
from boxferry_adapters.labelme.write import write

if TYPE_CHECKING:
    from boxferry.formats import Source

KEYS = (re.compile(rb'"shapes"\s*:\s*\['), re.compile(rb'"imagePath"\s*:|"imageData"\s*:|"shape_type"\s*:'))


def sniff(source: Source) -> str | None:
    """Recognise the keys of the first files."""
    found = [all(key.search(utf8_head(head)) for key in KEYS) for head in heads_of(source, ".json")]
    return "JSON files with shapes and imagePath" if most(found) else None


def stumble(source: Source) -> Stumble | None:
    """What a JSON object with shapes lacks."""
    for head in heads_of(source, ".json")[:1]:
        if b'"shapes"' in utf8_head(head):
            return Stumble(where=source.name, found="shapes, but no list of them with imagePath", share=0.5)
    return None


SUMMARY = "a folder of JSON files, one an image, as LabelMe writes them"
boxferry_register_formats = registering(
    Format(name="labelme", summary=SUMMARY, sniff=sniff, stumble=stumble, read=read, write=write)
)
