"""What a label and a fate look like on every page: a colour, a mark, and the ink that is legible on the colour.

Colours go by the name alone, so that a label has the same one on all pages, on the server, and tomorrow. The nine
colours are far apart for people with normal vision, protanopia, deuteranopia and tritanopia alike; since labels can
share one, each has one of eight marks too, and its name is written beside it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

PALETTE = ("#12925d", "#fd50b1", "#972000", "#74259b", "#22a5ff", "#f0c5ff", "#d9a804", "#21ff93", "#0600f7")
MARKS = "●■▲◆▼★✚◢"
SALT = (37193).to_bytes(4)  #: with it the labels that are used most, of traffic and of animals, have different colours
BLACK, WHITE = "#000000", "#ffffff"


class Look(NamedTuple):
    """How something is shown.

    Attributes:
        colour: '#rrggbb'.
        ink: black or white, whichever is legible on the colour (4.5:1 or more).
        mark: one character.
    """

    colour: str
    ink: str
    mark: str


def look_of(label: str) -> Look:
    """What a label looks like; the same for the same name."""
    number = int.from_bytes(blake2b(label.encode("utf-8", "surrogatepass"), digest_size=4, salt=SALT).digest())
    rest, place = divmod(number, len(PALETTE))
    return _look(PALETTE[place], MARKS[rest % len(MARKS)])


def colour_of(label: str) -> str:
    """A label's colour, '#rrggbb'."""
    return look_of(label).colour


def luminance(colour: str) -> float:
    """The relative luminance of '#rrggbb', 0 to 1, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _look(colour: str, mark: str) -> Look:
    return Look(colour, BLACK if luminance(colour) > 0.179 else WHITE, mark)


FATES = {
    "kept": _look("#1a9850", "✓"),
    "moved": _look("#f0b400", "↔"),
    "relabelled": _look("#7b3fa0", "✎"),
    "deleted": _look("#c62828", "✕"),
    "added": _look("#1e6fd9", "+"),
    "replaced": _look("#8d6e63", "⟳"),
    "unreviewed": _look("#9aa0a6", "?"),
}  #: what people did to a box → how it is shown
