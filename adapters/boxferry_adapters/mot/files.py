"""Which files of a source hold rows, and whether they are results or ground truth."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import Stumble, open_file
from boxferry.parsing.files import where_readable
from boxferry.remote.path import path_of
from boxferry_adapters.mot.rows import looks_like_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Context, Source
    from boxferry.remote.path import AnyPath

GROUND_TRUTH = re.compile(r"gt(_.*)?\.txt", re.IGNORECASE)
NAME_LISTS = re.compile(r"(labels|classes|readme.*)\.txt", re.IGNORECASE)
SNIFFED_FILES = 5
SNIFFED_LINES = 20
SNIFFED_BYTES = 4096


class File(NamedTuple):
    """One file that holds rows.

    Attributes:
        path: what to open.
        shown: what a message calls it.
        place: its own path, by whose names it is known, and beside which other files lie.
        ground_truth: whether it is ground truth, so that its seventh column is a flag.
    """

    path: str
    shown: str
    place: AnyPath
    ground_truth: bool


@where_readable
def sniff(source: Source) -> str | None:
    """Recognise most of the first rows of the first files: commas between 6 to 10 numbers, frame and id whole."""
    heads = [lines for _, lines in _heads(source) if lines]
    if any(not lines[0].lstrip()[:1].isdigit() for lines in heads):
        return None  # a heading: another format's table
    seen = [line for lines in heads for line in lines]
    rows = [line for line in seen if looks_like_row(line)]
    if not rows or 2 * len(rows) < len(seen):
        return None
    return f"text rows of 'frame,id,x,y,w,h', {len(rows[0].split(','))} columns"


@where_readable
def stumble(source: Source) -> Stumble | None:
    """The first line of the first files that has commas and is no row."""
    seen = [(path, number, line) for path, lines in _heads(source) for number, line in enumerate(lines, start=1)]
    bad = [each for each in seen if not looks_like_row(each[2])]
    if not seen or not any("," in line for *_, line in seen):
        return None
    path, number, line = bad[0] if bad else seen[0]
    found = f"'{line.strip()[:60]}' is not a row of 'frame,id,x,y,w,h'"
    return Stumble(where=f"{path}:{number}", found=found, share=1 - len(bad) / len(seen))


def _heads(source: Source) -> Iterator[tuple[str, list[str]]]:
    """The first lines of the first files, each with what a message calls it."""
    if source.is_stream:
        yield source.name, _lines(source.head)
        return
    for relative, path in islice(source.files(".txt"), SNIFFED_FILES):
        if not NAME_LISTS.fullmatch(PurePosixPath(relative).name):
            yield path, _lines(_beginning(path))


def _beginning(path: str) -> bytes:
    with open_file(path) as stream:
        return stream.read(SNIFFED_BYTES)


def _lines(data: bytes) -> list[str]:
    """The first lines that are not blank, the last one only if it is known to be whole."""
    whole = data if len(data) < SNIFFED_BYTES else data.rpartition(b"\n")[0]
    lines = whole.decode("utf-8-sig", "replace").splitlines()
    return [line for line in lines if line.strip()][:SNIFFED_LINES]


def files_of(source: Source, context: Context) -> list[File]:
    """The files that hold rows; a file that is named is one of them, and the others of a folder are noted.

    Raises:
        InputError: there are none, or both results and ground truth.
    """
    found = []
    for relative, path in source.files(".txt"):
        shown = source.name if source.is_stream else path
        place = path_of(shown).with_name(PurePosixPath(relative).name)
        if source.is_stream or _holds_rows(path):
            found.append(File(path, shown, place, _is_ground_truth(place, context)))
        else:
            context.tally.note(Code.PASSED_OVER, "holds no rows of 'frame,id,x,y,w,h'", Place(path))
    if not found:
        raise InputError(f"{source.name}: no files (*.txt) with rows of 'frame,id,x,y,w,h' in it")
    if len({file.ground_truth for file in found}) > 1:
        raise InputError(f"{source.name}: holds results and ground truth; name one kind, as in '*/gt/gt.txt'")
    return found


def _holds_rows(path: str) -> bool:
    """Whether a file has a row among its first lines, or is empty, or cannot be read, which is told later."""
    try:
        lines = _lines(_beginning(path))
    except OSError:
        return True
    return not lines or any(map(looks_like_row, lines))


def _is_ground_truth(place: AnyPath, context: Context) -> bool:
    kind = context.options["mot-kind"]
    return kind == "gt" if kind else GROUND_TRUTH.fullmatch(place.name) is not None
