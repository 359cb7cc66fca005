"""The format `labelstudio`: tasks as JSON, with predictions and annotations, boxes in percent of the image.

The format is defined at https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions; regions at
https://labelstud.io/tags/rectanglelabels, .../polygonlabels, .../ellipselabels and .../brushlabels: x and y are the top
left corner (of an ellipse the centre), and a region is turned clockwise by `rotation` degrees about that point. A brush
is a mask packed as https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack does it, four bytes a pixel. The
export JSON-MIN, regions without the task around them, is read too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boxferry.formats import Format, Option, Stumble
from boxferry.hookspecs import registering
from boxferry.parsing.encoding import utf8_head
from boxferry.parsing.files import heads_of
from boxferry_adapters.labelstudio.read import read
from boxferry_adapters.labelstudio.write import write

if TYPE_CHECKING:
    from boxferry.formats import Source

BEGINNING = re.compile(rb"^\s*\[?\s*\{")
DATA = re.compile(rb'"data"\s*:\s*\{')
RESULTS = re.compile(rb'"(annotations|predictions|completions)"\s*:\s*\[')
REGIONS = re.compile(rb'"(rectangle|polygon|ellipse|brush)labels"\s*:\s*\[')


def sniff(source: Source) -> str | None:
    """Recognise the keys of tasks, or of the regions of JSON-MIN."""
    for head in heads_of(source, ".json", ".jsonl"):
        text = utf8_head(head)
        if not BEGINNING.match(text):
            return None
        if DATA.search(text) and (found := RESULTS.search(text)):
            return f"JSON tasks with data and {found[1].decode()}"
        if b'"original_width"' in text and (found := REGIONS.search(text)):
            return f"JSON items with regions of {found[1].decode()}labels"
    return None


def stumble(source: Source) -> Stumble | None:
    """What tasks lack."""
    for head in heads_of(source, ".json", ".jsonl")[:1]:
        text = utf8_head(head)
        if BEGINNING.match(text) and DATA.search(text):
            return Stumble(where=source.name, found="tasks with data, but no predictions or annotations", share=0.5)
    return None


OPTIONS = (
    Option(
        name="labelstudio-take",
        help="Label Studio: what is read of tasks that have both.",
        choices=("predictions", "annotations"),
    ),
    Option(name="labelstudio-model", help="Label Studio: only the predictions of this model_version."),
    Option(
        name="labelstudio-several",
        help="Label Studio: what is read where a task has several annotations or predictions; else it fails.",
        choices=("last", "all"),
    ),
    Option(
        name="labelstudio-write",
        writes=True,
        help="Label Studio: what boxes are written as.",
        default="predictions",
        choices=("predictions", "annotations"),
    ),
    Option(
        name="labelstudio-prefix",
        writes=True,
        help="Label Studio: what is written before an image's name, as 'https://host/' or '/data/local-files/?d='.",
    ),
)


SUMMARY = "JSON tasks with predictions or annotations, as Label Studio exports and imports them"
boxferry_register_formats = registering(
    Format(name="labelstudio", summary=SUMMARY, sniff=sniff, stumble=stumble, read=read, write=write, options=OPTIONS)
)
