"""What predicted labels became, as a heat map whose cells filter the images."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from boxferry.pages.colours import look_of
from boxferry.pages.elements import html_table, marked, scrolled
from boxferry.review.judged import PEOPLES

if TYPE_CHECKING:
    from boxferry.review.gallery import Gallery
    from boxferry.review.summary import Summary

LARGEST = 30  #: labels of a matrix; where there are more it is a list of relabellings
MEANS = (
    "Rows are the labels that were predicted, columns those that the boxes have now. A cell shows the images with its "
    "boxes; another click shows all again."
)
NOTHING = -1  #: in place of a label's number


class _Cell(NamedTuple):
    """The boxes of one label that became one other, or nothing.

    Attributes:
        was, now: the labels; empty where nothing was predicted, or nothing is left.
        boxes: how many.
        fates: what happened to them.
    """

    was: str
    now: str
    boxes: int
    fates: tuple[str, ...]

    @property
    def told(self) -> str:
        """In words."""
        boxes = f"{self.boxes} box" if self.boxes == 1 else f"{self.boxes} boxes"
        if not self.was:
            return f"{boxes}: {self.now} that people added"
        if not self.now:
            return f"{boxes}: {self.was} that people deleted"
        return f"{boxes}: {self.was} that stayed" if self.was == self.now else f"{boxes}: {self.was} to {self.now}"


def heat_part(summary: Summary, gallery: Gallery) -> str:
    """The matrix of the labels that people have judged, or the relabellings as a list; empty where there are none."""
    judged = sorted(label for label, fates in summary.labels.items() if any(fates[fate] for fate in PEOPLES))
    names = sorted({*judged, *(name for pair in summary.relabelled for name in pair)})
    if len(names) > LARGEST:
        rows = [(a, b, n) for (a, b), n in summary.relabelled.most_common()]
        return html_table(["from", "to", "boxes"], rows) if rows else ""
    return _matrix(summary, gallery, names) if names else ""


def _matrix(summary: Summary, gallery: Gallery, names: list[str]) -> str:
    rows = [(name, [_cell(summary, name, now) for now in [*names, ""]]) for name in names]
    rows.append(("", [_cell(summary, "", now) for now in names]))
    wrong = max((cell.boxes for _, cells in rows for cell in cells if cell.was != cell.now), default=0)
    right = max((cell.boxes for _, cells in rows for cell in cells if cell.was == cell.now), default=0)
    heads = "".join(f'<th scope="col">{marked(name, look_of(name))}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{marked(name, look_of(name)) if name else "added"}</th>'
        + "".join(_html(cell, gallery, right if cell.was == cell.now else wrong) for cell in cells)
        + "</tr>"
        for name, cells in rows
    )
    head = f'<thead><tr><th scope="col">predicted</th>{heads}<th scope="col">deleted</th></tr></thead>'
    table = f'<table class="heat">{head}<tbody>{body}</tbody></table>'
    return f'<p class="quiet">{MEANS}</p>{scrolled(table, "predicted label")}'


def _cell(summary: Summary, was: str, now: str) -> _Cell:
    if not was:
        return _Cell(was, now, summary.labels[now]["added"] if now in summary.labels else 0, ("added",))
    if not now:
        return _Cell(was, now, summary.labels[was]["deleted"] if was in summary.labels else 0, ("deleted",))
    if was == now:
        fates = summary.labels.get(was) or Counter()
        return _Cell(was, now, fates["kept"] + fates["moved"], ("kept", "moved"))
    return _Cell(was, now, summary.relabelled[was, now], ("relabelled",))


def _html(cell: _Cell, gallery: Gallery, most: int) -> str:
    if not cell.boxes:
        return '<td><span class="none">·</span></td>'
    was, now = (gallery.number(name) if name else NOTHING for name in (cell.was, cell.now))
    data = f'data-was="{was}" data-now="{now}" data-fates="{gallery.fate_numbers(*cell.fates)}"'
    right = cell.was == cell.now
    style = f"--heat:{cell.boxes / most:.2f}" + (";--heat-colour:var(--good)" if right else "")
    kind = ' class="right"' if right else ""
    told = f'aria-label="{escape(cell.told)}" title="{escape(cell.told)}" aria-pressed="false"'
    return f'<td{kind}><button type="button" {data} style="{style}" {told}>{cell.boxes:,}</button></td>'
