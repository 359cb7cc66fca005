"""What the columns of a source's rows mean: said by options, or seen in its first files; never changed on the way.

| columns | meaning |
|---|---|
| 5 | class cx cy w h |
| 6 | and a score; or a track id, where every one is a whole number from 1 (`track` writes so without save_conf) |
| 7 | and a score and a track id; or a triangle |
| odd, 7 or more | class and an outline, x1 y1 x2 y2 … (segments; four corners are an oriented box) |
| even, 8 or more | the same and a score |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from boxferry.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Six = Literal["score", "track"]
Kind = Literal["boxes", "segments", "obb", "pose"]
NAMES = ("cls", "x", "y", "w", "h", "conf", "id")
NEEDED = NAMES[:5]
SCORES_OR_TRACKS = "--columns cls,x,y,w,h,conf or cls,x,y,w,h,id says what the sixth is"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What the columns mean.

    Attributes:
        kind: 'boxes', outlines ('segments' or 'obb'), or 'pose', of which only the box is read.
        columns: exactly these, in this order; None where their number says it.
        six: what a sixth column is; None where none has been seen.
        absolute: coordinates are pixels, not shares of the image.
    """

    kind: Kind = "boxes"
    columns: tuple[str, ...] | None = None
    six: Six | None = None
    absolute: bool = False

    @property
    def outlines(self) -> bool:
        """Whether rows of many columns are outlines."""
        return self.kind in {"segments", "obb"}


def layout_of(options: Mapping[str, str], rows: Iterable[Sequence[str]], name: str) -> Layout:
    """The layout that the options say, else the one that the first rows show.

    Args:
        options: 'columns', 'yolo-kind' and 'absolute'.
        rows: the words of the first rows.
        name: the source, for messages.

    Raises:
        UsageError: the option names columns that there are not.
        InputError: the rows can be read in two ways.
    """
    absolute = options.get("absolute") == "yes"
    if text := options.get("columns"):
        return Layout(columns=_columns(text), absolute=absolute)
    rows = list(rows)
    kind: Kind = options.get("yolo-kind") or _kind(rows, name)  # type: ignore[assignment] # the option has choices
    return Layout(kind=kind, six=six_of([row[5] for row in rows if len(row) == 6], name), absolute=absolute)


def _columns(text: str) -> tuple[str, ...]:
    columns = tuple(part.strip() for part in text.split(","))
    known = {"track": "id", "class": "cls", "score": "conf", "cx": "x", "cy": "y"}
    columns = tuple(known.get(column, column) for column in columns)
    if set(columns) - set(NAMES) or not set(NEEDED) <= set(columns) or len(set(columns)) < len(columns):
        raise UsageError(f"--columns {text}: expected each of {', '.join(NEEDED)} once, and perhaps conf and id")
    return columns


def _kind(rows: list[Sequence[str]], name: str) -> Kind:
    if any(len(row) > 7 for row in rows):
        return "segments"
    seven = [row for row in rows if len(row) == 7]
    if not seven:
        return "boxes"
    if not all(is_track(row[6]) and _share(row[5]) for row in seven):
        return "segments"
    if all(row[6] == "1" for row in seven):
        raise InputError(
            f"{name}: rows of 7 columns are boxes with score and track id, or triangles: --columns "
            "cls,x,y,w,h,conf,id or --yolo-kind segments says which"
        )
    return "boxes"


def six_of(values: list[str], name: str) -> Six | None:
    """What a sixth column is, by all of its values.

    Raises:
        InputError: some are track ids, others are not.
    """
    if not values:
        return None
    if all(map(is_track, values)):
        return "track"
    if any(is_track(value) and float(value) > 1 for value in values) and any(map(_share, values)):
        raise InputError(f"{name}: its sixth column holds scores and whole numbers above 1: {SCORES_OR_TRACKS}")
    return "score"


def is_track(text: str) -> bool:
    """Whether a word can be a track id: a whole number from 1, written as one."""
    return text.isascii() and text.isdigit() and int(text) > 0


def _share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
