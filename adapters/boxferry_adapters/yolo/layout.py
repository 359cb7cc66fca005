"""What the columns of a source's rows mean: said by options, or seen in the first files that have as many of them.

| columns | meaning |
|---|---|
| 5 | class cx cy w h |
| 6 | and a score; or a track id, where every one is a whole number from 1 (`track` writes so without save_conf) |
| 7 | and a score and a track id; or a triangle |
| odd, 9 or more | class and an outline, x1 y1 x2 y2 …; or that, a score and a track id |
| even, 8 or more | class, an outline and a score; or a track id, as in the sixth column |

Each row is read by its own width, however late one comes. Poses are told by `kpt_shape` or by an option.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from boxferry.errors import InputError, UsageError
from boxferry_adapters.yolo.pose import BOX, look_like_poses, values_of_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Words = Sequence[str]

Last = Literal["score", "track"]
Kind = Literal["mixed", "boxes", "segments", "obb", "pose"]
NAMES = ("cls", "x", "y", "w", "h", "conf", "id")
NEEDED = NAMES[:5]
LARGEST = 1e9  #: no class, no share of an image and no score comes near
WIDE = 8  #: columns from which on a row is an outline, or a pose
SCORES_OR_TRACKS = "--columns cls,x,y,w,h,conf or cls,x,y,w,h,id says what the sixth is"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """What the columns mean.

    Attributes:
        kind: 'boxes', outlines ('segments' or 'obb'), 'pose', of which only the box is read; 'mixed' where no option
            says: boxes and outlines, each by its width.
        columns: exactly these, in this order; None where their number says it.
        six: what a sixth column is; None where none has been seen.
        seven: what rows of seven columns are, where both can be; None likewise.
        even: what the last column of an outline is that has one too many; None likewise.
        odd: whether outlines without one too many end in a score and a track id all the same; None likewise.
        points: of poses, how many key points there are, 0 where that is not known, and how many values each has.
        absolute: coordinates are pixels, not shares of the image.
        scale: what scores are divided by: above 1 a whole number is no track id.
    """

    kind: Kind = "mixed"
    columns: tuple[str, ...] | None = None
    six: Last | None = None
    seven: Literal["box", "outline"] | None = None
    even: Last | None = None
    odd: Literal["outline", "scored"] | None = None
    points: tuple[int, int] | None = None
    absolute: bool = False
    scale: float = 1.0

    @property
    def outlines(self) -> bool:
        """Whether rows of many columns are outlines."""
        return self.kind in {"mixed", "segments", "obb"}

    def spare(self, columns: int) -> int:
        """How many columns of a pose are left over after box and key points; negative where there are too few."""
        count, values = self.points or (0, 3)
        return columns - BOX - count * values if count else (columns - BOX) % values if columns >= BOX else -1

    def open(self, widths: Iterable[int]) -> bool:
        """Whether rows of these widths can be read in ways that are still open."""
        if self.columns is not None:
            return False
        if self.kind == "pose":
            return self.six is None and any(self.spare(width) == 1 for width in widths)
        return (
            (self.six is None and 6 in widths)
            or (self.seven is None and 7 in widths)
            or (self.outlines and self.even is None and any(width >= WIDE and width % 2 == 0 for width in widths))
            or (self.outlines and self.odd is None and any(width > WIDE and width % 2 for width in widths))
        )


def layout_of(
    options: Mapping[str, str], rows: Iterable[Words], name: str, *, points: tuple[int, int] | None, scale: float = 1.0
) -> Layout:
    """The layout that the options say, else the one that the first rows show.

    Args:
        options: 'columns', 'yolo-kind' and 'absolute'.
        rows: the words of the first rows, a number in the first place.
        name: the source, for messages.
        points: how many key points poses have, and how many values each, where the class names' file says so: then rows
            are poses.
        scale: what scores are divided by.

    Raises:
        UsageError: the option names columns that there are not.
        InputError: the rows can be read in two ways.
    """
    absolute = options.get("absolute") == "yes"
    if text := options.get("columns"):
        return Layout(columns=_columns(text), absolute=absolute, scale=scale)
    rows = list(rows)
    kind: Kind = options.get("yolo-kind") or ("pose" if points else "mixed")  # type: ignore[assignment] # has choices
    if kind == "pose" and points is None:
        points = (0, values_of_points(_as_numbers(row for row in rows if len(row) >= WIDE)))
    return settled(Layout(kind=kind, points=points, absolute=absolute, scale=scale), rows, name)


def _columns(text: str) -> tuple[str, ...]:
    columns = tuple(part.strip() for part in text.split(","))
    known = {"track": "id", "class": "cls", "score": "conf", "cx": "x", "cy": "y"}
    columns = tuple(known.get(column, column) for column in columns)
    if set(columns) - set(NAMES) or not set(NEEDED) <= set(columns) or len(set(columns)) < len(columns):
        raise UsageError(f"--columns {text}: expected each of {', '.join(NEEDED)} once, and perhaps conf and id")
    return columns


def settled(layout: Layout, rows: Sequence[Words], name: str) -> Layout:
    """The layout with what these rows decide, of what is open still.

    Raises:
        InputError: they can be read in two ways.
    """
    if layout.kind == "pose":
        last = _last([row[-1] for row in rows if layout.spare(len(row)) == 1], name, layout)
        return replace(layout, six=layout.six or last)
    wide = [row for row in rows if len(row) >= WIDE]
    if layout.kind == "mixed" and layout.even is None and layout.odd is None:
        _refuse_poses(wide, name)
    last = _last([row[-1] for row in wide if len(row) % 2 == 0], name, layout)
    return replace(
        layout,
        six=layout.six or _last([row[5] for row in rows if len(row) == 6], name, layout),
        seven=layout.seven or _seven(layout, [row for row in rows if len(row) == 7], name),
        even=layout.even or last,
        odd=layout.odd or _odd([row for row in wide if len(row) % 2], layout),
    )


def _refuse_poses(wide: Sequence[Words], name: str) -> None:
    if look_like_poses(_as_numbers(wide)):
        found = f"rows of {len(wide[0])} columns look like poses, a box and key points; they are not valid outlines"
        so = "--names data.yaml with kpt_shape, or --yolo-kind pose"
        raise InputError(f"{name}: {found}: {so}, if they are, --yolo-kind segments if not")


def _as_numbers(rows: Iterable[Words]) -> list[list[float]]:
    """The rows in which every word is a number that a row can hold."""
    found = []
    for row in rows:
        try:
            numbers = [float(word) for word in row]
        except ValueError:
            continue
        if all(abs(number) <= LARGEST for number in numbers):
            found.append(numbers)
    return found


def _seven(layout: Layout, rows: Sequence[Words], name: str) -> Literal["box", "outline"] | None:
    if not rows:
        return None
    if layout.kind != "mixed":
        return "box" if layout.kind == "boxes" else "outline"
    if not all(is_track(row[6]) and _share(row[5], layout) for row in rows):
        return "outline"
    if all(row[6] == "1" for row in rows):
        raise InputError(
            f"{name}: rows of 7 columns are boxes with score and track id, or triangles: --columns "
            "cls,x,y,w,h,conf,id or --yolo-kind segments says which"
        )
    return "box"


def _odd(rows: Sequence[Words], layout: Layout) -> Literal["outline", "scored"] | None:
    """Whether outlines end in a score and a track id: whole numbers from 1 that are not all 1, which is an edge."""
    if not rows:
        return None
    tracked = all(is_track(row[-1]) and _share(row[-2], layout) for row in rows)
    return "scored" if tracked and any(row[-1] != "1" for row in rows) else "outline"


def _last(values: list[str], name: str, layout: Layout) -> Last | None:
    return ("score" if values else None) if layout.scale != 1 else six_of(values, name)


def six_of(values: list[str], name: str) -> Last | None:
    """What a sixth column is, by all of its values; or the last one of outlines.

    Raises:
        InputError: some are track ids, others are not.
    """
    if not values:
        return None
    if all(map(is_track, values)):
        return "track"
    if any(map(_is_percent, values)):
        return "score"
    if any(is_track(value) and float(value) > 1 for value in values) and any(map(_share, values)):
        raise InputError(f"{name}: its sixth column holds scores and whole numbers above 1: {SCORES_OR_TRACKS}")
    return "score"


def is_track(text: str) -> bool:
    """Whether a word can be a track id: a whole number from 1, written as one."""
    return text.isascii() and text.isdigit() and int(text) > 0


def _is_percent(text: str) -> bool:
    """Whether a word is neither a share nor a track id: a number above 1 with a fraction."""
    try:
        return float(text) > 1 and float(text) % 1 > 0
    except ValueError:
        return False


def _share(text: str, layout: Layout | None = None) -> bool:
    try:
        return 0 <= float(text) <= (layout.scale if layout else 1)
    except ValueError:
        return False
