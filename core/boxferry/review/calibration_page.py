"""The part of the report page that says how far scores can be trusted: a table, and a curve for each label."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from boxferry.pages.colours import look_of
from boxferry.pages.elements import html_table, section
from boxferry.reading.drawing import boxes_told

if TYPE_CHECKING:
    from boxferry.review.calibration import Calibration, Calibrations, Threshold

SIDE, MARGIN = 200, 28  #: pixels of a curve's square, and of what stands around it
LARGEST_DOT = 7.0
CURVES = 24  #: labels with the most boxes, of which a curve is drawn; the table has all
MEANS = (
    "Scores can be trusted where the share of right boxes is the score: on the dashed line. Under it the model is too "
    "sure. "
    "A box is right where its label stayed, and it overlaps by one half or more with the box that people left there."
)


def calibration_part(found: Calibrations, place: str = "trust") -> list[str]:
    """The part of the page, at an id; nothing where no box that people have judged has a score."""
    if found.whole is None:
        return []
    rows = [[name, *columns(known)] for name, known in [*found.labels.items(), ("all", found.whole)]]
    table = html_table(["label", *heads(found.wished)], rows, {name: look_of(name) for name in found.labels})
    most = sorted(found.labels.items(), key=lambda pair: -pair[1].boxes)[:CURVES]
    curves = [_curve(name, known) for name, known in [("all labels", found.whole), *most]]
    figures = f'<div class="sheet">{"".join(curves)}</div>'
    parts = [f"<p>{escape(MEANS)}</p>", table, figures]
    return [section(place, "How far scores can be trusted", parts, wide=True)]


def heads(precision: float) -> list[str]:
    """What stands over `columns`."""
    return ["boxes", "right", "calibration error", f"score for {precision:.0%} right"]


def columns(known: Calibration) -> list[object]:
    """The numbers of a label, for a table."""
    return [known.boxes, known.right, f"{known.error:.3f}", threshold_text(known.threshold)]


def threshold_text(found: Threshold) -> str:
    """A threshold with what it rests on: '0.31 (112 boxes, 91%, likely 84% to 95%)'."""
    if found.score is None or found.precision is None or found.interval is None:
        return "no score reaches it"
    low, high = found.interval
    return f"{found.score:g} ({boxes_told(found.boxes)}, {found.precision:.0%}, likely {low:.0%} to {high:.0%})"


def _curve(name: str, known: Calibration) -> str:
    """Mean score and share of right boxes of each bin; a dot is as large as the bin has boxes."""
    most = max(each.boxes for each in known.bins)
    points = [(_x(each.score), _y(each.right)) for each in known.bins]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    shapes = [
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" class="dash"/>',
        f'<rect class="frame" x="{_x(0)}" y="{_y(1)}" width="{SIDE}" height="{SIDE}"/>',
        f'<polyline class="curve" points="{line}"/>',
        *(_dot(x, y, each.boxes / most, _said(each.low, each.high, each.boxes, each.score, each.right))
          for (x, y), each in zip(points, known.bins, strict=True)),
        *_axes(),
    ]  # fmt: skip
    width, height = SIDE + 2 * MARGIN, SIDE + 2 * MARGIN
    caption = f"{name}: {boxes_told(known.boxes)}, calibration error {known.error:.3f}"
    told = f'role="img" aria-label="{escape(caption)}"'
    svg = f'<svg class="plot" viewBox="0 0 {width} {height}" width="{width}" {told}>'
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg}{''.join(shapes)}</svg></figure>"


def _x(score: float) -> float:
    return MARGIN + SIDE * min(1.0, max(0.0, score))


def _y(share: float) -> float:
    return MARGIN + SIDE * (1 - share)


def _dot(x: float, y: float, share: float, title: str) -> str:
    radius = 2 + (LARGEST_DOT - 2) * share**0.5
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{title}</title></circle>'


def _said(low: float, high: float, boxes: int, score: float, right: float) -> str:
    return f"scores {low:g} to {high:g}: {boxes_told(boxes)}, mean score {score:.2f}, {right:.0%} right"


def _axes() -> list[str]:
    below = MARGIN + SIDE + 14
    return [
        f'<text x="{MARGIN - 4}" y="{below}">0</text>',
        f'<text x="{MARGIN + SIDE - 4}" y="{below}">1</text>',
        f'<text x="{MARGIN + SIDE / 2 - 14}" y="{below}">score</text>',
        f'<text x="{MARGIN - 10}" y="{MARGIN + 4}">1</text>',
        f'<text x="{MARGIN + 4}" y="{MARGIN - 8}">share that is right</text>',
    ]
