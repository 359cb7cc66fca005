"""Which files of a source hold results or datasets."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import Stumble
from boxferry.parsing.encoding import utf8_head
from boxferry.parsing.files import where_readable
from boxferry_adapters.coco.lines import is_lines
from boxferry_adapters.coco.memory import MemorySource, holds_items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Context, Source

SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
SNIFFED_FILES = 5
_LISTS = {"images", "categories", "annotations", "predictions", "results"}
_BOTH = {"annotations", "predictions"}  #: and nothing else: a task of an annotation tool
_KEYS = re.compile(
    rb'"(image_id|category_id|bbox|images|categories|annotations|predictions|results|info|licenses)"\s*:'
)
_FIRST = re.compile(rb'\{\s*"(info|licenses|categories)"\s*:')


class File(NamedTuple):
    """One file.

    Attributes:
        source: what to read.
        folder: its folder below the source, where files lie in several ones; else empty.
    """

    source: Source
    folder: str = ""


@where_readable
def sniff(source: Source) -> str | None:
    """Recognise the keys at the beginning of a text; of a folder or a glob, of most of the first files."""
    if source.value is not None:
        return "COCO results in memory" if holds_items(source.value) else None
    if source.is_stream:
        return looks(source.head)
    seen = [looks(file.head) for _, file in islice(source.each(*SUFFIXES), SNIFFED_FILES)]
    good = [why for why in seen if why]
    return f"files with {good[0]}" if good and 2 * len(good) >= len(seen) else None


def looks(head: bytes) -> str | None:
    """What a text that begins so is, if it is results or a dataset."""
    head = utf8_head(head).lstrip()
    keys = {key.decode() for key in _KEYS.findall(head)}
    if re.match(rb"\[\s*\]\s*$", head):
        return "an empty JSON list: results without a box"
    if head.startswith(b"[") and {"image_id", "category_id"} <= keys:
        return "a JSON list whose items have image_id, category_id" + (", bbox" if "bbox" in keys else "")
    if is_lines(head):
        return "lines of JSON objects with image_id"
    is_dataset = "images" in keys and (keys & {"info", "licenses"} or b'"file_name"' in head or b'"coco_url"' in head)
    lists = keys & _LISTS
    lists = set() if lists == _BOTH else lists
    if head.startswith(b"{") and (is_dataset or len(lists) > 1 or (lists and "image_id" in keys)):
        return f"a JSON object with {', '.join(sorted(keys & _LISTS))}"
    if _FIRST.match(head) and "categories" in keys and b'"id"' in head and b'"name"' in head:
        return "a JSON object that begins with categories"
    return None


def stumble(source: Source) -> Stumble | None:
    """What a JSON text lacks."""
    if source.is_stream:
        return _lacking(source.name, source.head)
    found = next(iter(source.each(*SUFFIXES)), None)
    return None if found is None else _lacking(found[1].name, found[1].head)


def _lacking(name: str, head: bytes) -> Stumble | None:
    text = utf8_head(head).lstrip()
    if not text.startswith((b"[", b"{")):
        return None
    keys = {key.decode() for key in _KEYS.findall(text)}
    if text.startswith(b"["):
        wanted = ["image_id", "category_id", "bbox"]
        found = f"a list whose items have no {', '.join(key for key in wanted if key not in keys)}"
        return Stumble(where=name, found=found, share=len(keys & set(wanted)) / 4)
    return Stumble(where=name, found="an object without images and annotations", share=len(keys & _LISTS) / 4)


def files_of(source: Source, context: Context) -> list[File]:
    """The files that hold results or datasets; others of a folder are noted.

    Raises:
        InputError: there are none.
    """
    if source.value is not None:
        return [File(MemorySource(source))]
    if source.is_stream:
        return [File(source)]
    found = list(_recognised(source, context))
    if not found:
        raise InputError(f"{source.name}: no file in it holds COCO results or a dataset ({', '.join(SUFFIXES)})")
    folders = {relative.rpartition("/")[0] for relative, _ in found}
    return [File(file, relative.rpartition("/")[0] if len(folders) > 1 else "") for relative, file in found]


def _recognised(source: Source, context: Context) -> Iterator[tuple[str, Source]]:
    for relative, file in source.each(*SUFFIXES):
        if looks(file.head):
            yield relative, file
        else:
            context.tally.note(Code.PASSED_OVER, "holds neither results nor a dataset", Place(file.name))
