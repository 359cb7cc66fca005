"""Images with boxes to browse: what the scripts of a page are given, in one file or by a server in parts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from boxferry.pages.assets import asset
from boxferry.pages.colours import look_of
from boxferry.pages.elements import served_page, whole_page
from boxferry.reading.pixels import pixels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from boxferry.boxes.detections import Detections
    from boxferry.destination import Corners, Ring
    from boxferry.pages.colours import Look
    from boxferry.review.recount import Recount

SIDE = 1280  #: pixels of an image in a page
LARGEST_PAGE = 24_000_000  #: bytes of all images in a page; those after them are without pixels
FIRST, PART = 60, 1000  #: images that a server hands over at once, first and then


class Placed(NamedTuple):
    """Where a box is, and what it is called.

    Attributes:
        label: its label's name.
        corners: x_min, y_min, x_max, y_max in pixels.
        rings: its outline; empty for a box.
    """

    label: str
    corners: Corners
    rings: Sequence[Ring] = ()


class BoxRow(NamedTuple):
    """A box.

    Attributes:
        fate: what is to become of it, or became of it.
        score: None where it has none.
        predicted: as it was sent; None for one that people drew.
        stored: the same as they are now; None where it is gone, or was not sent yet.
    """

    fate: str
    score: float | None
    predicted: Placed | None
    stored: Placed | None = None


class Shown(NamedTuple):
    """An image.

    Attributes:
        name: what it is called.
        size: its width and height in pixels; 0 where unknown.
        media: where its pixels are; empty where unknown.
        boxes: gives its boxes.
        told: what stands under its name; empty for the number of its boxes.
    """

    name: str
    size: tuple[int, int]
    media: str
    boxes: Callable[[], Sequence[BoxRow]]
    told: str = ""


class FateLook(NamedTuple):
    """How boxes of a fate are shown.

    Attributes:
        look: colour and mark.
        dashed: drawn dashed.
        plain: so usual that it is not said at each box.
    """

    look: Look
    dashed: bool = False
    plain: bool = False


@dataclass(slots=True)
class Gallery:
    """The images of a page.

    Attributes:
        fates: fate → how it is shown.
        images: the images.
        total: how many images there are; those that are not among `images` are only counted.
        recount: what thresholds would do; None where there is no score.
        review: whether people have seen the boxes, so that there are layers.
    """

    fates: Mapping[str, FateLook]
    images: Sequence[Shown]
    total: int
    recount: Recount | None = None
    review: bool = False
    _labels: dict[str, int] = field(default_factory=dict)
    _counts: Counter[tuple[str, int]] = field(default_factory=Counter)

    def number(self, label: str) -> int:
        """A label's place among those of the page."""
        return self._labels.setdefault(label, len(self._labels))

    def fate_numbers(self, *fates: str) -> str:
        """The places of fates, as the script reads them."""
        places = list(self.fates)
        return " ".join(str(places.index(fate)) for fate in fates)

    def whole(self) -> dict[str, Any]:
        """All that the script needs, pixels too."""
        room = LARGEST_PAGE
        rows = []
        for row, image in zip(self._rows(), self.images, strict=True):
            pixels = pixels_of(image.media, SIDE) if room > 0 else None
            room -= len(pixels.content) if pixels else 0
            rows.append({**row, "p": pixels.uri if pixels else ""})
        return {**self._facts(), "images": rows}

    def parts(self) -> list[list[dict[str, Any]]]:
        """The images as a server hands them over; their pixels are asked for by their number."""
        rows = [{**row, "i": at, "p": int(bool(self.images[at].media))} for at, row in enumerate(self._rows())]
        starts = [0, *range(FIRST, len(rows), PART), len(rows)] if len(rows) > FIRST else [0, len(rows)]
        return [rows[start:end] for start, end in pairwise(starts)]

    def served(self, parts: int) -> dict[str, Any]:
        """What the script needs to ask a server for the rest, once `parts` has been called."""
        return {**self._facts(), "parts": [f"data/{part}.json" for part in range(parts)]}

    def _rows(self) -> Iterator[dict[str, Any]]:
        places = {fate: place for place, fate in enumerate(self.fates)}
        self._counts.clear()
        for image in self.images:
            width, height = image.size
            boxes = [self._row(box, places) for box in image.boxes()]
            yield {"n": _text(image.name), "w": width, "h": height, "b": boxes, "t": _text(image.told)}

    def _row(self, box: BoxRow, places: Mapping[str, int]) -> list[object]:
        fate, score = places[box.fate], None if box.score is None else round(box.score, 4)
        either = box.predicted or box.stored
        self._counts.update([("fate", fate)] + ([("label", self.number(either.label))] if either else []))
        return [fate, score, self._placed(box.predicted), self._placed(box.stored)]

    def _placed(self, box: Placed | None) -> list[object] | None:
        if box is None:
            return None
        placed: list[object] = [self.number(box.label), *(_short(corner) for corner in box.corners)]
        return [*placed, [_flat(ring) for ring in box.rings]] if box.rings else placed

    def _facts(self) -> dict[str, Any]:
        recount = self.recount and self.recount.as_dict(self.number)
        return {
            "labels": [_shown(name, look_of(name)) for name in self._labels],
            "fates": [
                _shown(name, each.look) | {"dashed": each.dashed, "plain": each.plain}
                for name, each in self.fates.items()
            ],
            "counts": {
                "labels": [self._counts["label", place] for place in range(len(self._labels))],
                "fates": [self._counts["fate", place] for place in range(len(self.fates))],
            },
            "total": self.total,
            "review": self.review,
            "threshold": recount,
        }


def _shown(name: str, look: Look) -> dict[str, object]:
    return {"name": _text(name), "colour": look.colour, "ink": look.ink, "mark": look.mark}


def _text(text: str) -> str:
    """What a browser can show of a name: bytes that are no text become replacement characters."""
    return text.encode("utf-8", "replace").decode()


def placed_boxes(boxes: Detections) -> list[Placed]:
    """Where each of the boxes is, with its outline where it has one."""
    outlines = [None] * len(boxes) if boxes.polygons is None else boxes.polygons.tolist()
    each = zip(boxes.xyxy.tolist(), boxes.label.tolist(), outlines, strict=True)
    return [
        Placed(boxes.labels[code], tuple(corners), tuple(tuple(map(tuple, ring.tolist())) for ring in rings or ()))
        for corners, code, rings in each
    ]


def _flat(ring: Ring) -> list[float]:
    """x, y, x, y and so on."""
    return [_short(value) for place in ring for value in place]


def _short(value: float) -> float:
    """Two digits are enough to draw it."""
    return int(value) if value == int(value) else round(value, 2)


@dataclass(frozen=True, slots=True)
class ImagePage:
    """A page with images to browse.

    Attributes:
        title: what it is called.
        top: HTML of its head.
        before, after: HTML that stands before and after the images.
        gallery: the images.
    """

    title: str
    top: str
    before: Sequence[str]
    gallery: Gallery
    after: Sequence[str] = ()

    def whole(self) -> str:
        """The page as one file that needs nothing besides itself."""
        data = self.gallery.whole()
        return whole_page(self.title, self._parts(), data)

    def served(self, parts: int) -> str:
        """The page as a server hands it over."""
        return served_page(self.title, self._parts(), self.gallery.served(parts))

    def _parts(self) -> Iterable[str]:
        yield '<a class="skip" href="#images">To the images</a>'
        yield f"{self.top}<main>"
        yield from self.before
        yield asset("gallery.html")
        yield f'<div class="panels">{"".join(self.after)}</div></main>'
