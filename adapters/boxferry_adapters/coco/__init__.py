"""The format `coco`: results and datasets as JSON, boxes as [x, y, width, height] in pixels, 0-based.

The format is defined at https://cocodataset.org/#format-data and https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boxferry.formats import Format, Option
from boxferry.hookspecs import hookimpl
from boxferry_adapters.coco.dataset import catalog
from boxferry_adapters.coco.lines import is_lines
from boxferry_adapters.coco.options import OPTIONS
from boxferry_adapters.coco.read import read
from boxferry_adapters.coco.write import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.formats import Source

_LISTS = {"images", "categories", "annotations", "predictions", "results"}
_KEYS = re.compile(
    rb'"(image_id|category_id|bbox|images|categories|annotations|predictions|results|info|licenses)"\s*:'
)


def sniff(source: Source) -> str | None:
    """Recognise the keys at the beginning of the text."""
    head = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    keys = {key.decode() for key in _KEYS.findall(head)}
    if re.match(rb"\[\s*\]\s*$", head):
        return "an empty JSON list: results without a box"
    if head.startswith(b"[") and {"image_id", "category_id"} <= keys:
        return "a JSON list whose items have image_id, category_id" + (", bbox" if "bbox" in keys else "")
    if is_lines(source.head):
        return "lines of JSON objects with image_id"
    is_dataset = "images" in keys and (keys & {"info", "licenses"} or b'"file_name"' in head or b'"coco_url"' in head)
    if head.startswith(b"{") and (is_dataset or len(keys & _LISTS) > 1 or (keys & _LISTS and "image_id" in keys)):
        return f"a JSON object with {', '.join(sorted(keys & _LISTS))}"
    return None


@hookimpl
def boxferry_register_formats(register: Callable[[Format], None]) -> None:
    """Bring the format in."""
    form = Option(
        name="coco-form",
        help="What to write: a dataset with scored annotations, or a list of results.",
        default="dataset",
        choices=("dataset", "results"),
    )
    register(
        Format(
            name="coco",
            summary="one JSON file, a dataset or a list of results",
            sniff=sniff,
            read=read,
            write=write,
            catalog=catalog,
            options=(form, *OPTIONS),
        )
    )
