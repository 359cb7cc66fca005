"""The parts that pages are made of: the frame, cards, tables, bars, keys; everything that is shown is escaped."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

from boxferry.pages.assets import asset, whole_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.pages.colours import Look

BAR, GAP, HIGH = 44, 6, 140  #: pixels of a bar and between bars
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{}'; base-uri 'none'"


class Html(str):
    """Text that is HTML already: a cell of a table that is not escaped."""

    __slots__ = ()


def whole_page(title: str, parts: Iterable[str], data: object = None) -> str:
    """A page that needs nothing besides itself; a browser lets it run its own script only, and fetch nothing.

    Args:
        title: what it is called.
        parts: HTML, in which what came from outside is escaped.
        data: plain values for the script, see `gallery.js`; None for a page without images to browse.
    """
    script = whole_script()
    allowed = f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"
    head = [
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(allowed)}">',
        f"<style>{asset('style.css')}</style>",
    ]
    return _document(title, head, [*parts, *data_part(data), f'<script type="module">{script}</script>'])


def served_page(title: str, parts: Iterable[str], data: object) -> str:
    """A page for a server that has `style.css` and the scripts beside it."""
    head = ['<link rel="stylesheet" href="style.css">', '<script type="module" src="main.js"></script>']
    return _document(title, head, [*parts, *data_part(data)])


def data_part(data: object) -> list[str]:
    """Plain values as a script reads them; none where they are None."""
    return [] if data is None else [f'<script type="application/json" id="data">{script_json(data)}</script>']


def script_json(value: object) -> str:
    """JSON that can stand inside a script element, whatever text is in it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _document(title: str, head: Sequence[str], parts: Iterable[str]) -> str:
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(title)}</title>",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            *head,
            '</head><body class="report">',
            *parts,
            "</body></html>\n",
        ]
    )


def heading(title: str, lines: Iterable[str], links: Mapping[str, str]) -> str:
    """The top of a page: its title, what it is about, and links to its sections by their ids."""
    leads = "".join(f'<p class="lead">{escape(line)}</p>' for line in lines)
    listed = "".join(f'<a href="#{place}">{escape(text)}</a>' for place, text in links.items())
    nav = f'<nav class="jump" aria-label="Sections">{listed}</nav>'
    return f'<header class="top"><h1>{escape(title)}</h1>{leads}{nav}</header>'


def section(place: str, title: str, parts: Iterable[str], *, wide: bool = False) -> str:
    """A section with its heading; `place` is what links lead to."""
    kind = "panel wide" if wide else "panel"
    return f'<section class="{kind}" id="{place}"><h2>{escape(title)}</h2>{"".join(parts)}</section>'


def cards(values: Mapping[str, object], looks: Mapping[str, Look] | None = None) -> str:
    """What counts most, as cards: name → number or text."""
    looks = looks or {}
    each = (
        f"<dt>{_mark(looks.get(name))}{escape(name)}</dt><dd>{escape(_number(value))}</dd>"
        for name, value in values.items()
    )
    inside = "".join(f'<div class="card">{one}</div>' for one in each)
    return f'<dl class="cards">{inside}</dl>'


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _mark(look: Look | None) -> str:
    if look is None:
        return ""
    return f'<span class="mark" style="--c:{look.colour};--ink-on:{look.ink}" aria-hidden="true">{look.mark}</span>'


def marked(text: str, look: Look) -> str:
    """A label or a fate as it looks everywhere: its mark on its colour, then its name."""
    return f"{_mark(look)}{escape(text)}"


def colour_key(looks: Mapping[str, Look]) -> str:
    """Which colour and mark mean what."""
    items = "".join(f"<li>{marked(name, look)}</li>" for name, look in looks.items())
    return f'<ul class="key" aria-label="Key">{items}</ul>'


def html_table(
    head: Sequence[object], rows: Iterable[Sequence[object]], looks: Mapping[str, Look] | None = None
) -> str:
    """A table that can be sorted by each of its columns.

    Args:
        head: what stands over the columns.
        rows: text, numbers, or `Html`.
        looks: marks for the first column, by its text.
    """
    rows = list(rows)
    numeric = [bool(rows) and all(isinstance(row[column], int | float) for row in rows) for column in range(len(head))]
    kinds = [' class="n"' if right else "" for right in numeric]
    top = "".join(f'<th scope="col"{kind}>{escape(str(cell))}</th>' for kind, cell in zip(kinds, head, strict=True))
    body = "".join(_row(row, kinds, looks or {}) for row in rows)
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def scrolled(table: str, name: str) -> str:
    """A table that is scrolled where it is wider than the window; by keyboard too."""
    told = escape(f"table by {name}" if name else "table")
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{told}">{table}</div>'


def _row(cells: Sequence[object], kinds: Sequence[str], looks: Mapping[str, Look]) -> str:
    texts = [_mark(looks.get(str(cells[0]))) + _cell(cells[0]), *(_cell(cell) for cell in cells[1:])]
    return "<tr>" + "".join(f"<td{kind}>{text}</td>" for kind, text in zip(kinds, texts, strict=True)) + "</tr>"


def _cell(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))


def bars(
    name: str, parts: Sequence[tuple[str, Mapping[str, int]]], looks: Mapping[str, Look], mark: float | None = None
) -> str:
    """Counts as stacked bars, with their marks where there is room.

    Args:
        name: what they are of.
        parts: each bar's text, and its counts by the names of `looks`.
        looks: name → look, from the bottom up.
        mark: where a dashed line stands, in bars from the left; None for none.
    """
    most = max((sum(found.values()) for _, found in parts), default=0) or 1
    shapes = [shape for number, part in enumerate(parts) for shape in _bar(number, *part, most, looks)]
    if mark is not None:
        x = 20 + mark * (BAR + GAP)
        shapes.append(f'<line class="threshold" x1="{x:.1f}" x2="{x:.1f}" y1="5" y2="{HIGH + 10}"/>')
    width = 40 + (BAR + GAP) * len(parts)
    told = f'role="img" aria-label="{escape(f"{name}: {_spoken(parts)}")}"'
    svg = f'<svg class="plot" viewBox="0 0 {width} {HIGH + 32}" width="{width}" {told}>{"".join(shapes)}</svg>'
    return f"<figure><figcaption>{escape(name)}, up to {most:,} a bar</figcaption>{svg}</figure>"


def _spoken(parts: Sequence[tuple[str, Mapping[str, int]]]) -> str:
    return ", ".join(f"{text}: {sum(found.values())}" for text, found in parts)


def _bar(number: int, text: str, found: Mapping[str, int], most: int, looks: Mapping[str, Look]) -> list[str]:
    x, y = 20 + number * (BAR + GAP), HIGH + 10.0
    middle = x + BAR / 2
    shapes = [f'<text class="axis" x="{middle}" y="{HIGH + 26}">{escape(text)}</text>']
    for name, look in looks.items():
        if count := found.get(name, 0):
            height = HIGH * count / most
            y -= height
            place = f'x="{x}" y="{y:.1f}" width="{BAR}" height="{height:.1f}"'
            shapes.append(f'<rect {place} fill="{look.colour}"><title>{count} {escape(name)}</title></rect>')
            if height > 16 and len(looks) > 1:
                shapes.append(
                    f'<text class="on" x="{middle}" y="{y + height / 2 + 4:.1f}" fill="{look.ink}">{look.mark}</text>'
                )
    return shapes
