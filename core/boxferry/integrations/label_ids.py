"""Which labels of a data set the boxes of a run are: noted when they are sent, looked up when they are fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.fit import fit
from boxferry.boxes.tally import Tally
from boxferry.review.judged import PEOPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from boxferry.boxes.detections import Detections
    from boxferry.destination import Corners
    from boxferry.review.judged import Judged, Stored

    Places = dict[str, list[str]]


def place_of(label: str, corners: Corners) -> str:
    """What tells a sent box of an image apart, as its reference does: the whole pixels and the label."""
    return f"{','.join(str(int(corner)) for corner in corners)}:{label}"


def places_of(detections: Detections, ids: Sequence[str]) -> dict[str, Places]:
    """Image key → `place_of` each box as it is sent → the ids of its labels: several where labels are one box.

    Args:
        detections: a chunk before the fit; what the fit drops is in no place.
        ids: (N,) the id of the label that each box comes from.

    Raises:
        InputError: an image that has boxes has no known size.
    """
    each_apart = detections.replace(track=np.arange(len(detections)))  # so that the fit keeps equal boxes
    fitted = fit(each_apart, tally=Tally())
    found: dict[str, Places] = {}
    for image, boxes in fitted:
        places = found.setdefault(image.key, {})
        rows: list[int] = np.asarray(boxes.track).tolist()
        for label, corners, row in zip(boxes.label, boxes.xyxy.tolist(), rows, strict=True):
            places.setdefault(place_of(boxes.labels[label], corners), []).append(ids[row])
    return found


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided about the labels of one reviewed image.

    Attributes:
        there: label id → its box, for those that are there, as they were or changed.
        deleted: the ids of those that people deleted.
        added: the boxes that no label is sent as: people drew them.
    """

    there: dict[str, Judged] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    added: list[Stored] = field(default_factory=list)


def decided(judged: Iterable[Judged], places: Mapping[str, Sequence[str]]) -> Decided:
    """What people decided; boxes that they have not decided about are left out.

    Args:
        judged: the boxes of one image with their fates.
        places: the image's labels, as `places_of` gives them.
    """
    found = Decided()
    for box in judged:
        if box.fate not in PEOPLES:
            continue
        ids = places.get(place_of(box.predicted.label, box.predicted.corners), ()) if box.predicted else ()
        if box.stored is None:
            found.deleted.extend(ids)
        elif ids:
            found.there.update(dict.fromkeys(ids, box))
        else:
            found.added.append(box.stored)
    return found


def new_id(box: Stored, *within: str) -> str:
    """24 hexadecimal digits for the label of a box that people drew: the same whenever and wherever it is fetched.

    Args:
        box: the box; changing it keeps the id.
        within: what its number is unique in: the project, and what else the label belongs to.
    """
    parts = (*within, str(box.root or box.row_id))
    return blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
