"""What the pages are made of: tables, bars, boxes over an image; everything that is shown is escaped."""

from __future__ import annotations

import base64
import posixpath
from html import escape
from typing import TYPE_CHECKING, NamedTuple, Self

from boxferry.formats import open_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.diffgram.figures import Corners

PAGE_WIDTH, LEAST_HEIGHT = 1080, 60  #: pixels of the page
LARGEST_IMAGE = 2_000_000  #: bytes of an image that is put into a page
KINDS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".bmp": "bmp"}
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:left}
td{overflow-wrap:anywhere}.n{text-align:right;overflow-wrap:normal}figure{margin:1.5rem 0}
svg text{paint-order:stroke;stroke-linejoin:round}svg{max-width:100%;height:auto;background:#f6f6f6}
figcaption{overflow-wrap:anywhere}
.sheet{display:flex;flex-wrap:wrap;gap:1rem}.sheet figure{margin:0;max-width:100%}
.key span{display:inline-block;margin-right:1rem}
.key i{display:inline-block;width:.8rem;height:.8rem;margin-right:.3rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}th,td{border-color:#444}svg{background:#242424}}
"""


def whole_page(title: str, parts: Iterable[str]) -> str:
    """A page that needs nothing besides itself."""
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{body}</body></html>\n'
    )


def colour_key(colours: Mapping[str, str]) -> str:
    """Which colour means what."""
    items = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in colours.items()
    )
    return f'<p class="key">{items}</p>'


def html_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table."""
    rows = list(rows)
    numeric = [all(isinstance(row[column], int | float) for row in rows) for column in range(len(head))]
    lines = [_row("th", head, numeric), *(_row("td", row, numeric) for row in rows)]
    return f"<table>{''.join(lines)}</table>"


def _row(tag: str, cells: Sequence[object], numeric: Sequence[bool]) -> str:
    kinds = [' class="n"' if right else "" for right in numeric]
    each = zip(kinds, cells, strict=True)
    return "<tr>" + "".join(f"<{tag}{kind}>{escape(str(cell))}</{tag}>" for kind, cell in each) + "</tr>"


def bars(
    name: str, parts: Sequence[tuple[str, Mapping[str, int]]], colours: Mapping[str, str], mark: float | None = None
) -> str:
    """Counts as stacked bars.

    Args:
        name: what they are of.
        parts: each bar's text, and its counts by the names of `colours`.
        colours: name → colour, from the bottom up.
        mark: where a dashed line stands, in bars from the left; None for none.
    """
    most = max((sum(found.values()) for _, found in parts), default=0) or 1
    shapes = [shape for number, part in enumerate(parts) for shape in _bar(number, *part, most, colours)]
    if mark is not None:
        x = 20 + mark * 50
        shapes.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="5" y2="150" stroke="currentColor" stroke-dasharray="4"/>')
    width = 40 + 50 * len(parts)
    told = f'role="img" aria-label="{escape(name)}"'
    svg = f'<svg viewBox="0 0 {width} 172" width="{width}" {told}>{"".join(shapes)}</svg>'
    return f"<figure><figcaption>{escape(name)}, up to {most} a bar</figcaption>{svg}</figure>"


def _bar(number: int, text: str, found: Mapping[str, int], most: int, colours: Mapping[str, str]) -> list[str]:
    x, y = 20 + number * 50, 150.0
    shapes = [f'<text x="{x}" y="166" font-size="11" fill="currentColor">{escape(text)}</text>']
    for name, colour in colours.items():
        if count := found.get(name, 0):
            height = 140 * count / most
            y -= height
            place = f'x="{x}" y="{y:.1f}" width="44" height="{height:.1f}"'
            shapes.append(f'<rect {place} fill="{colour}"><title>{count} {escape(name)}</title></rect>')
    return shapes


class View(NamedTuple):
    """How an image is shown.

    Attributes:
        size: its width and height in pixels; 640x480 where they are not known.
        shown: pixels of the page that it is wide.
    """

    size: tuple[int, int]
    shown: float

    @classmethod
    def of(cls, size: tuple[int, int], *, widest: int = 800) -> Self:
        """As wide as the image, and as `widest`; a tall one narrower, a very wide one as wide as the page."""
        width, height = size = size if all(size) else (640, 480)
        shown = min(width, widest, 1.2 * widest * width / height)
        if shown * height / width < LEAST_HEIGHT:
            shown = min(width, PAGE_WIDTH)
        return cls(size, max(1.0, shown))

    @property
    def unit(self) -> float:
        """Pixels of the image for one of the page."""
        return self.size[0] / self.shown


def box(corners: Corners, colour: str, view: View, title: str, *, dashed: bool = False, text: str = "") -> str:
    """A box over an image; its title shows where the mouse is, its text always."""
    x_min, y_min, x_max, y_max = corners
    line = 1.5 * view.unit
    dash = f' stroke-dasharray="{4 * line:.1f}"' if dashed else ""
    shape = (
        f'<rect x="{x_min:g}" y="{y_min:g}" width="{x_max - x_min:g}" height="{y_max - y_min:g}" fill="none" '
        f'stroke="{colour}" stroke-width="{line:.2f}"{dash}><title>{escape(title)}</title></rect>'
    )
    if not text:
        return shape
    size = 11 * view.unit
    place = f'x="{x_min + line:.1f}" y="{max(y_min, 0) + size:.1f}" font-size="{size:.1f}"'
    return f'{shape}<text {place} fill="#fff" stroke="#000" stroke-width="{size / 5:.2f}">{escape(text)}</text>'


def over_image(media: str, view: View, shapes: Iterable[str], caption: str) -> str:
    """Shapes over an image: with its pixels, where it is on this machine and not too large."""
    width, height = view.size
    drawn = "".join([_pixels(media, width, height), *shapes])
    svg = f'<svg viewBox="0 0 {width} {height}" width="{view.shown:.0f}" role="img">{drawn}</svg>'
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def boxes_told(count: int) -> str:
    """'1 box', '2 boxes'."""
    return f"{count} box" if count == 1 else f"{count} boxes"


def _pixels(media: str, width: int, height: int) -> str:
    kind = KINDS.get(posixpath.splitext(media)[1].lower())
    try:
        if not media or kind is None:
            return ""
        with open_file(media) as file:
            pixels = file.read(LARGEST_IMAGE + 1)
        if len(pixels) > LARGEST_IMAGE:
            return ""
        data = base64.b64encode(pixels).decode()
    except OSError:
        return ""
    return f'<image href="data:image/{kind};base64,{data}" width="{width}" height="{height}"/>'
