"""The format `coco`: results and datasets as JSON, boxes as [x, y, width, height] in pixels, 0-based.

The format is defined at https://cocodataset.org/#format-data and https://cocodataset.org/#format-results.
"""

from __future__ import annotations

from boxferry.formats import Format, Option
from boxferry.hookspecs import registering
from boxferry_adapters.coco.dataset import catalog
from boxferry_adapters.coco.files import sniff, stumble
from boxferry_adapters.coco.options import OPTIONS
from boxferry_adapters.coco.read import read
from boxferry_adapters.coco.truth import truth
from boxferry_adapters.coco.write import write

FORM = Option(
    name="coco-form",
    writes=True,
    help="What to write: a dataset with scored annotations, or a list of results.",
    default="dataset",
    choices=("dataset", "results"),
)
boxferry_register_formats = registering(
    Format(
        name="coco",
        summary="JSON files, each a dataset or a list of results",
        sniff=sniff,
        stumble=stumble,
        read=read,
        write=write,
        catalog=catalog,
        truth=truth,
        options=(FORM, *OPTIONS),
    )
)
