"""Rows of numbers out of a label file's bytes, each with its line; every row that is none gets a reason."""

from __future__ import annotations

import codecs
import math
import re
from dataclasses import dataclass, field

import msgspec

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE | re.ASCII)
COLUMNS = (5, 6)
MOST_SHOWN = 60
LARGEST = 1e9  #: no class, no share of an image and no score comes near

_decoder = msgspec.json.Decoder(list[list[float]])


class LabelFileError(Exception):
    """The file as a whole is no label file: a code, and one sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Rows:
    """What a label file holds.

    Attributes:
        values: a list of six numbers each: class, cx, cy, w, h, score, NaN where a row has no score.
        lines: the line of each, from 1.
        bad: (line, what is wrong) of every row that is no detection.
    """

    values: list[list[float]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)


def parse(data: bytes) -> Rows:
    """The rows of a label file.

    Raises:
        LabelFileError: it is no label file, or its encoding is not known.
    """
    text = plain(data)
    rows = parse_quickly(text)
    return parse_carefully(text) if rows is None else rows


def plain(data: bytes) -> bytes:
    """The text without a byte-order mark, UTF-16 undone.

    Raises:
        LabelFileError: it is UTF-16 that cannot be decoded, or no text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise LabelFileError("bad-encoding", "begins as UTF-16 and cannot be decoded as such") from None
    if b"\0" in data:
        raise LabelFileError("bad-encoding", "holds zero bytes: expected text, in UTF-16 with a byte-order mark")
    return data.removeprefix(codecs.BOM_UTF8)


def parse_quickly(text: bytes) -> Rows | None:
    """The rows of a file in which nothing is in doubt, read as JSON; None for any other."""
    body = text.rstrip().replace(b"\r\n", b"\n").replace(b" ", b",").replace(b"\n", b"],[")
    if any(sign in text for sign in (b",", b"[", b"]")):
        return None
    if b"[]" in b"[" + body + b"]":
        return None if body else Rows()
    try:
        values = _decoder.decode(b"[[" + body + b"]]")
    except msgspec.DecodeError:
        return None
    lengths = {len(row) for row in values}
    if lengths - set(COLUMNS) or any(row[0] < 0 or row[0] % 1 for row in values):
        return None
    if max(map(max, values)) > LARGEST or min(map(min, values)) < -LARGEST:
        return None
    if 5 in lengths:
        values = [[*row, math.nan] if len(row) == 5 else row for row in values]
    return Rows(values, list(range(1, len(values) + 1)))


def parse_carefully(text: bytes) -> Rows:
    """The rows of any file, line by line.

    Raises:
        LabelFileError: the rows are those of a classification result.
    """
    rows, tokens_of = Rows(), {}
    for line, raw in enumerate(text.split(b"\n"), start=1):
        if tokens := raw.decode("utf-8", "replace").split():
            tokens_of[line] = tokens
    if tokens_of and all(_is_classification(tokens) for tokens in tokens_of.values()):
        raise LabelFileError("classification", "is a classification result ('score name'), it has no boxes")
    for line, tokens in tokens_of.items():
        if (problem := _problem(tokens)) is not None:
            rows.bad.append((line, problem))
            continue
        rows.values.append([float(token) for token in tokens] + [math.nan] * (6 - len(tokens)))
        rows.lines.append(line)
    return rows


def _is_classification(tokens: list[str]) -> bool:
    return len(tokens) == 2 and bool(NUMBER.fullmatch(tokens[0])) and not NUMBER.fullmatch(tokens[1])


def _problem(tokens: list[str]) -> str | None:
    """Why a row is no detection, or None."""
    shown = " ".join(tokens)[:MOST_SHOWN]
    if wrong := [token for token in tokens if not NUMBER.fullmatch(token)]:
        return f"'{wrong[0][:MOST_SHOWN]}' is not a number; expected 'class cx cy w h [score]'"
    if len(tokens) not in COLUMNS:
        return f"{len(tokens)} columns in '{shown}'; expected 5, or 6 with a score"
    numbers = [float(token) for token in tokens]
    if not all(abs(number) <= LARGEST for number in numbers):
        return f"'{shown}' holds a number that is too large, or none"
    if numbers[0] < 0 or numbers[0] % 1:
        return f"class {tokens[0]}; expected a whole number from 0"
    return None
