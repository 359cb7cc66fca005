"""Recognises label files by their first rows, and says which line is not a row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boxferry.errors import InputError
from boxferry.formats import Stumble, open_file
from boxferry.parsing.gather import BadImage
from boxferry_adapters.yolo.rows import NUMBER, name_length, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.formats import Source

SNIFFED_FILES = 5
SNIFFED_BYTES = 4096
NOT_LABELS = re.compile(r"(classes|train|val|test|README.*)\.txt", re.IGNORECASE)
VOC_RESULTS = re.compile(r"comp\d+_(det|cls)_.*\.txt")
LETTERS = "ctvrCTVR"  #: that begin the names of all of these
LIKELY = 1.5  #: a number beside a class's name that is no share of an image


def sniff(source: Source) -> str | None:
    """Recognise the rows of the first label files; one that is cut or wrong does not hide the others."""
    try:
        seen = [line for path in _first_files(source) for line in first_lines(path)]
    except (OSError, InputError, BadImage):
        return None
    rows = [line for line in seen if _looks_like_row(line)]
    if not rows or 2 * len(rows) < len(seen):
        return None
    words = rows[0].split()
    named = name_length(words)
    columns = len(words) - max(0, named - 1)
    kind = "text rows of 'class cx cy w h'" + (", classes by name," if named else "")
    return kind + {5: "", 6: " and one more"}.get(columns, f", {columns} columns")


def stumble(source: Source) -> Stumble | None:
    """The first line of the first label files that is no row."""
    try:
        found = [(path, lines) for path in _first_files(source) if (lines := first_lines(path))]
    except (OSError, InputError) as error:
        return Stumble(where=source.name, found=str(error))
    except BadImage as error:
        return Stumble(where=source.name, found=f"a text file that {error}")
    rows = [(path, number, line) for path, each in found for number, line in enumerate(each, start=1)]
    if not rows or rows[0][2].lstrip().startswith(("{", "[", "<")):
        return None
    bad = [each for each in rows if not _looks_like_row(each[2])]
    if len(bad) == len(rows) and not bad[0][0].lower().endswith(".txt"):
        return None
    path, number, line = bad[0] if bad else rows[0]
    message = f"'{line.strip()[:60]}' is not a row of 'class cx cy w h'"
    where = f"{source.name if source.is_stream else path}:{number}"
    return Stumble(where=where, found=message, share=1 - len(bad) / len(rows))


def _first_files(source: Source) -> Iterator[str]:
    found = 0
    for relative, path in source.files(".txt"):
        if found < SNIFFED_FILES and is_label_file(relative, path) and not _is_empty(path):
            found += 1
            yield path


def _is_empty(path: str) -> bool:
    with open_file(path) as stream:
        return not stream.read(1)


def is_label_file(relative: str, path: str) -> bool:
    """Whether a text file holds rows: a list of classes or of images lies beside them in many folders."""
    name = relative.rpartition("/")[2]
    if name[:1] not in LETTERS:
        return True
    if NOT_LABELS.fullmatch(name):
        lines = first_lines(path)
        return bool(lines) and all(map(_looks_like_row, lines))
    return not VOC_RESULTS.fullmatch(name)


def first_lines(path: str) -> list[str]:
    """The first lines of a label file that hold anything."""
    with open_file(path) as stream:
        data = stream.read(SNIFFED_BYTES)
    whole = data if len(data) < SNIFFED_BYTES else data.rpartition(b"\n")[0]
    return [line for line in lines_of(whole) if line.strip()]


def lines_of(data: bytes) -> list[str]:
    """The lines of a label file, whatever its bytes."""
    return text_of(data).decode("utf-8", "replace").splitlines()


def _looks_like_row(line: str) -> bool:
    words = line.split()
    if named := name_length(words):
        shares = [float(word) for word in words[named:]]
        return all(-LIKELY + 1 <= share <= LIKELY for share in shares[:4]) and (
            len(shares) < 8 or max(shares) <= LIKELY
        )
    return len(words) >= 5 and all(NUMBER.fullmatch(w) for w in words) and float(words[0]) % 1 == 0
