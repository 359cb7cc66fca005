"""The part of the report page with the boxes to look at again: a table, and the first of them drawn."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from boxferry.pages.colours import FATES
from boxferry.pages.elements import Html, html_table, section
from boxferry.reading.drawing import View, box, over_image
from boxferry.review.suspicious import RANKED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.destination import Corners
    from boxferry.review.judged import Predicted
    from boxferry.review.suspicious import Suspicion, Suspicions

HEADS = ("file", "suspicion", "why", "people", "model")
LISTED, DRAWN, WIDEST = 100, 12, 500  #: rows, images, and pixels of the page that an image is wide
PEOPLE, MODEL = FATES["added"], FATES["deleted"]


def suspicious_part(found: Suspicions, place: str = "again", images: Mapping[int, int] | None = None) -> list[str]:
    """The part of the page, at an id; a sentence where nothing is suspicious.

    Args:
        found: the boxes.
        place: the part's id.
        images: file id → its place among the images of the page, which its name leads to.
    """
    title = "Boxes to look at again"
    if not found.boxes:
        return [section(place, title, ["<p>No model contradicts what people left on the reviewed files.</p>"])]
    images = images or {}
    rows = [[_linked(name, each, images), *rest] for each in found.boxes[:LISTED] for name, *rest in [columns(each)]]
    more = f"{len(found.boxes)} boxes, {RANKED[found.by]}."
    parts = [f"<p>{escape(more)}</p>", html_table(HEADS, rows), _sheet(found.boxes)]
    return [section(place, title, parts, wide=True)]


def listed_files(found: Suspicions) -> set[int]:
    """The ids of the files that the part leads to; of videos there is no image."""
    return {each.file.file_id for each in found.boxes[:LISTED] if not each.file.video}


def _linked(name: object, each: Suspicion, images: Mapping[int, int]) -> object:
    """A file's name, as a link to its large view at the place of the box, where the image is on the page."""
    if each.file.file_id not in images:
        return name
    both = [box.corners for box in (each.left, each.predicted) if box is not None]
    around = [pick(values) for pick, values in zip((min, min, max, max), zip(*both, strict=True), strict=True)]
    where = " ".join(f"{value:g}" for value in around)
    link = f'href="#images" data-image="{images[each.file.file_id]}" data-place="{where}"'
    return Html(f"<a {link}>{escape(str(name))}</a>")


def columns(each: Suspicion) -> list[object]:
    """What a table says of a box."""
    name = each.file.file_name if each.frame is None else f"{each.file.file_name}, frame {each.frame}"
    people = "nothing" if each.left is None else f"{each.left.label} at {_place(each.left.corners)}"
    model = "nothing" if each.predicted is None else f"{_scored(each.predicted)} at {_place(each.predicted.corners)}"
    return [name, f"{each.suspicion:.2f}", each.kind, people, model]


def _place(corners: Corners) -> str:
    return ", ".join(f"{corner:g}" for corner in corners)


def _scored(box: Predicted) -> str:
    return f"{box.label} {box.score:.2f}"


def _sheet(boxes: list[Suspicion]) -> str:
    """The first images beside each other."""
    drawn = [_drawn(each) for each in boxes if not each.file.video][:DRAWN]
    return f'<div class="sheet">{"".join(drawn)}</div>'


def _drawn(each: Suspicion) -> str:
    view = View.of((each.file.width, each.file.height), widest=WIDEST)
    people = "nothing" if each.left is None else each.left.label
    model = "nothing" if each.predicted is None else f"{_scored(each.predicted)} (dashed)"
    shapes = []
    if each.left is not None:
        shapes.append(box(each.left.corners, PEOPLE, view, f"people: {people}"))
    if each.predicted is not None:  # over the other, where both are of one place
        shapes.append(box(each.predicted.corners, MODEL, view, f"model: {model}", dashed=True))
    caption = f"{each.file.file_name}: {each.kind}; people: {people}, model: {model}"
    return over_image(each.file.media, view, shapes, caption)
