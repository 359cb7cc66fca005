"""Still pictures of boxes over an image, which need no script and no stylesheet; what is shown is escaped."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple, Self

from boxferry.pages.colours import look_of
from boxferry.reading.pixels import pixels_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.boxes.detections import Detections, Image
    from boxferry.pages.colours import Look

    Corners = tuple[float, float, float, float]

PAGE_WIDTH, LEAST_HEIGHT = 1080, 60  #: pixels of the page
SIDE, STILL = 800, 300  #: pixels of an image, and of one in a notebook
LETTER, HIGH = 6.6, 15  #: pixels of a letter, and of a text's background


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


def box(corners: Corners, look: Look, view: View, title: str, *, dashed: bool = False, text: str = "") -> str:
    """A box over an image; its title shows where the mouse is, its text always."""
    x_min, y_min, x_max, y_max = corners
    place = f'x="{x_min:g}" y="{y_min:g}" width="{x_max - x_min:g}" height="{y_max - y_min:g}" fill="none"'
    unit = view.unit
    dash = f' stroke-dasharray="{6 * unit:.1f} {4 * unit:.1f}"' if dashed else ""
    shape = (
        f'<rect {place} stroke="{look.ink}" stroke-opacity=".6" stroke-width="{3.5 * unit:.2f}"{dash}/>'
        f'<rect {place} stroke="{look.colour}" stroke-width="{2 * unit:.2f}"{dash}>'
        f"<title>{escape(title)}</title></rect>"
    )
    return f"<g>{shape}{_tag(x_min, max(y_min, 0), look, text, unit) if text else ''}</g>"


def _tag(x: float, y: float, look: Look, text: str, unit: float) -> str:
    """A text on its label's colour, which begins with the label's mark."""
    words = f"{look.mark} {text}"
    ground = f'<rect width="{len(words) * LETTER + 6:.0f}" height="{HIGH}" fill="{look.colour}"/>'
    written = f'<text x="3" y="11" font-size="11" font-family="sans-serif" fill="{look.ink}">{escape(words)}</text>'
    return f'<g transform="translate({x:g} {y:g}) scale({unit:.4f})">{ground}{written}</g>'


def over_image(media: str, view: View, shapes: Iterable[str], caption: str, *, side: int = SIDE) -> str:
    """Shapes over an image: with its pixels, at most `side` wide and high, where they can be shown."""
    width, height = view.size
    pixels = pixels_of(media, side)
    image = f'<image href="{pixels.uri}" width="{width}" height="{height}"/>' if pixels else ""
    told = f'role="img" aria-label="{escape(caption)}"'
    size = f'viewBox="0 0 {width} {height}" width="{view.shown:.0f}"'
    svg = f'<svg class="over" {size} {told}>{image}{"".join(shapes)}</svg>'
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def boxes_told(count: int) -> str:
    """'1 box', '2 boxes'."""
    return f"{count} box" if count == 1 else f"{count} boxes"


def still_sheet(shown: Iterable[tuple[Image, Detections]]) -> str:
    """Images with their boxes beside each other, each box with its label and score, for a notebook."""
    figures = "".join(_still(image, boxes) for image, boxes in shown if not image.video)
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div>' if figures else ""


def _still(image: Image, boxes: Detections) -> str:
    view = View.of((image.width, image.height), widest=STILL)
    each = zip(boxes.xyxy.tolist(), boxes.label.tolist(), boxes.score.tolist(), strict=True)
    shapes = [
        labelled(tuple(corners), boxes.labels[code], None if score != score else score, view)  # noqa: PLR0124 # NaN
        for corners, code, score in each
        if all(map(math.isfinite, corners))
    ]
    return over_image(image.media, view, shapes, f"{image.key}: {boxes_told(len(boxes))}", side=2 * STILL)


def labelled(corners: Corners, label: str, score: float | None, view: View, *, dashed: bool = False) -> str:
    """A box in its label's colour, with label and score."""
    told = label if score is None else f"{label} {score:.2f}"
    return box(corners, look_of(label), view, told, dashed=dashed, text=told)
