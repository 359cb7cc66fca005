"""A mapping of image names to file ids, out of a CSV or a JSON file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from boxferry.errors import InputError

EXPECTED = "expected 'name,id' on each line, or a JSON object of name and id"
LARGEST = 2**31 - 1


def load_file_ids(path: str) -> dict[str, int]:
    """Image name → file id.

    A CSV has two columns, the name and the id; a first line whose id is no number is a heading.

    Raises:
        InputError: the file cannot be read, a line is not of that form, or a name stands there with two ids.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8: {error}") from None
    pairs = _from_json(path, text) if text.lstrip().startswith("{") else _from_csv(path, text)
    found: dict[str, int] = {}
    for place, name, value in pairs:
        file_id = _id(value)
        if not name or file_id is None:
            raise InputError(f"{place}: '{name}' and '{value}'; {EXPECTED}")
        if found.setdefault(name, file_id) != file_id:
            raise InputError(f"{place}: '{name}' has the ids {found[name]} and {file_id}")
    if not found:
        raise InputError(f"{path}: names no file; {EXPECTED}")
    return found


def _from_json(path: str, text: str) -> list[tuple[str, str, object]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: {error}; {EXPECTED}") from None
    return [(path, name, value) for name, value in found.items()]


def _from_csv(path: str, text: str) -> list[tuple[str, str, object]]:
    pairs: list[tuple[str, str, object]] = []
    for line, row in enumerate(csv.reader(text.splitlines()), start=1):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != 2:
            raise InputError(f"{path}:{line}: {len(row)} columns; {EXPECTED}")
        if line > 1 or _id(row[1].strip()) is not None:
            pairs.append((f"{path}:{line}", row[0].strip(), row[1].strip()))
    return pairs


def _id(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST else None
