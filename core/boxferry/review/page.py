"""The report as one self-contained HTML page: counts, scores against fates, relabellings, the worst images drawn."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.review.fates import FATES
from boxferry.review.summary import BINS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

    from boxferry.review.fates import Corners
    from boxferry.review.project import Review
    from boxferry.review.pull import ReviewedFile
    from boxferry.review.summary import Summary

COLOURS = {
    "kept": "#2e7d32", "moved": "#f9a825", "relabelled": "#6a1b9a", "deleted": "#c62828", "added": "#1565c0",
}  # fmt: skip
LARGEST_IMAGE = 2_000_000  #: bytes of an image that is put into the page
DRAWN = 12  #: images
KINDS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".bmp": "bmp"}
DASHED = 'stroke-dasharray="4"'
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:right}
th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}figure{margin:1.5rem 0}
svg{max-width:100%;height:auto;background:#f6f6f6}figcaption{overflow-wrap:anywhere}
.key span{display:inline-block;margin-right:1rem}
.key i{display:inline-block;width:.8rem;height:.8rem;margin-right:.3rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}th,td{border-color:#444}svg{background:#242424}}
"""


def report_page(review: Review, summary: Summary) -> str:
    """The page."""
    title = f"Run {review.run.name} of {review.run.model or 'annotations'}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{summary.reviewed} of {summary.files} files reviewed, as far as the server can tell.</p>",
        f"<p>Project {escape(review.run.project)}, directory {review.run.directory_id}.</p>",
        _key(),
        _counts(summary),
        *_plots(summary),
        _relabelled(summary),
        *_worst(review, summary),
    ]
    if not summary.reviewed:
        parts.append("<p>Nobody has changed or completed anything yet.</p>")
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{body}</body></html>\n'
    )


def _key() -> str:
    items = "".join(f'<span><i style="background:{COLOURS[fate]}"></i>{fate}</span>' for fate in FATES)
    return f'<p class="key">{items}</p>'


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(str(cell))}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _counts(summary: Summary) -> str:
    rows: list[list[object]] = []
    for label, fates in sorted(summary.labels.items()):
        best = summary.thresholds.get(label)
        told = "" if best is None else f"{best.score:.2f} ({best.clicks_now:g} → {best.clicks:g} clicks)"
        rows.append([label, *(fates[fate] for fate in FATES), told])
    rows.append(["all", *(summary.fates[fate] for fate in FATES), ""])
    return "<h2>Boxes</h2>" + _table(["label", *FATES, "best threshold"], rows)


def _plots(summary: Summary) -> list[str]:
    parts = ["<h2>Scores against fates</h2>"] if summary.scores else []
    for label, bins in sorted(summary.scores.items()):
        most = max(sum(found.values()) for found in bins) or 1
        shapes = [shape for part, found in enumerate(bins) for shape in _bar(part, found, most)]
        if (best := summary.thresholds.get(label)) is not None:
            x = 20 + best.score * BINS * 50
            shapes.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="5" y2="150" stroke="currentColor" {DASHED}/>')
        name = f'role="img" aria-label="scores of {escape(label)}"'
        svg = f'<svg viewBox="0 0 540 172" width="540" {name}>{"".join(shapes)}</svg>'
        parts.append(f"<figure><figcaption>{escape(label)}, up to {most} boxes a bar</figcaption>{svg}</figure>")
    return parts


def _bar(part: int, found: Counter[str], most: int) -> list[str]:
    """One tenth of the scores: its boxes by fate, one above the other, and the score at which it begins."""
    x, y = 20 + part * 50, 150.0
    shapes = [f'<text x="{x}" y="166" font-size="11" fill="currentColor">{part / BINS:.1f}</text>']
    for fate in FATES:
        height = 140 * found[fate] / most
        y -= height
        place = f'x="{x}" y="{y:.1f}" width="44" height="{height:.1f}"'
        shapes.append(f'<rect {place} fill="{COLOURS[fate]}"><title>{found[fate]} {fate}</title></rect>')
    return shapes


def _relabelled(summary: Summary) -> str:
    if not summary.relabelled:
        return ""
    rows = [(a, b, n) for (a, b), n in summary.relabelled.most_common()]
    return "<h2>Relabelled</h2>" + _table(["from", "to", "boxes"], rows)


def _worst(review: Review, summary: Summary) -> list[str]:
    files = {file.file_name: file for file in review.files}
    shown = [(files[name], n) for name, n in summary.worst[:DRAWN]]
    return (["<h2>Most corrected</h2>"] if shown else []) + [_drawn(file, n) for file, n in shown if not file.video]


def _drawn(file: ReviewedFile, corrections: int) -> str:
    width, height = file.width or 640, file.height or 480
    line = max(width, height) / 300
    shapes = [_image(file, width, height)]
    for box in file.judged:
        if box.predicted is not None and box.fate != "kept":
            shapes.append(
                _rect(
                    box.predicted.corners, COLOURS["deleted"], line, f"{box.fate}: {box.predicted.label}", dashed=True
                )
            )
        if box.stored is not None:
            shapes.append(_rect(box.stored.corners, COLOURS[box.fate], line, f"{box.fate}: {box.stored.label}"))
    svg = f'<svg viewBox="0 0 {width} {height}" width="{min(width, 800)}" role="img">{"".join(shapes)}</svg>'
    caption = f"{escape(file.file_name)}: {corrections} corrections; as it was sent dashed"
    return f"<figure><figcaption>{caption}</figcaption>{svg}</figure>"


def _rect(corners: Corners, colour: str, line: float, title: str, *, dashed: bool = False) -> str:
    x_min, y_min, x_max, y_max = corners
    dash = f' stroke-dasharray="{4 * line:.1f}"' if dashed else ""
    return (
        f'<rect x="{x_min:g}" y="{y_min:g}" width="{x_max - x_min:g}" height="{y_max - y_min:g}" fill="none" '
        f'stroke="{colour}" stroke-width="{line:.1f}"{dash}><title>{escape(title)}</title></rect>'
    )


def _image(file: ReviewedFile, width: int, height: int) -> str:
    """The image itself, where it is on this machine and not too large; its pixels are needed nowhere else."""
    path = Path(file.media)
    kind = KINDS.get(path.suffix.lower())
    try:
        if not file.media or kind is None or path.stat().st_size > LARGEST_IMAGE:
            return ""
        data = base64.b64encode(path.read_bytes()).decode()
    except OSError:
        return ""
    return f'<image href="data:image/{kind};base64,{data}" width="{width}" height="{height}"/>'
