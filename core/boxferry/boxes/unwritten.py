"""Says what of boxes a written format has no place for: nothing is lost in silence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally

SHOWN_NAMES = 5


def noting_unwritten(
    chunks: Iterable[Detections],
    tally: Tally,
    form: str,
    *,
    track: bool = True,
    rings: int | None = None,
    attributes: Collection[str] | None = None,
) -> Iterator[Detections]:
    """The chunks; after the last one a note for each kind of thing that boxes have and that is not written.

    A writer takes its chunks through this, and says what its format has a place for.

    Args:
        chunks: what is written.
        tally: takes the notes `no-track`, `no-outline` and `no-attributes`, each with the number of boxes.
        form: what is written, as the messages call it: 'YOLO'.
        track: whether the track of a box is written.
        rings: of how many rings an outline may be, 0 where none is written; None for any number.
        attributes: the names of the attributes that are written; None for all.
    """
    found, names = Counter[str](), dict[str, None]()
    for chunk in chunks:
        if chunk.track is not None and not track:
            found[Code.NO_TRACK] += int(np.count_nonzero(chunk.track >= 0))
        if chunk.polygons is not None and rings is not None:
            found[Code.NO_OUTLINE] += sum(len(outline or ()) > rings for outline in chunk.polygons)
        if chunk.attributes is not None and attributes is not None:
            lost = [[name for name in fields or () if name not in attributes] for fields in chunk.attributes]
            found[Code.NO_ATTRIBUTES] += sum(map(bool, lost))
            names |= dict.fromkeys(name for each in lost for name in each)
        yield chunk
    things = {
        Code.NO_TRACK: "a track",
        Code.NO_OUTLINE: "an outline of several rings" if rings else "an outline",
        Code.NO_ATTRIBUTES: f"attributes ({_listed(names)})",
    }
    for code, thing in things.items():
        if boxes := found[code]:
            message = f"{boxes} {'box has' if boxes == 1 else 'boxes have'} {thing}, and {form} has no place for it"
            tally.note(code, f"{message}: the box is written without", boxes=boxes)


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:SHOWN_NAMES])
    return f"{shown}, …" if len(names) > SHOWN_NAMES else shown
