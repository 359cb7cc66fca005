"""The boxes of a review as values: as they were sent, as they are now, and what people did to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from boxferry.packets.reference import is_ours, place_in, whole
from boxferry.stored.before import ROOT

if TYPE_CHECKING:
    from boxferry.destination import AttributeValue, Corners, Ring


Fate = Literal["kept", "moved", "relabelled", "deleted", "added", "replaced", "unreviewed"]
FATES: tuple[Fate, ...] = ("kept", "moved", "relabelled", "deleted", "added", "replaced", "unreviewed")
PEOPLES: tuple[Fate, ...] = FATES[:5]  #: what people decided


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """A box as it was sent.

    Attributes:
        reference: its `creation_ref_id`.
        label: its label's name.
        corners: x_min, y_min, x_max, y_max in pixels.
        score: None where it had none.
        frame: of a video, else None.
        rings: its outline; empty for a box.
        label_id: the server's number of its label; 0 where unknown.
    """

    reference: str
    label: str
    corners: Corners
    score: float | None = None
    frame: int | None = None
    rings: tuple[Ring, ...] = ()
    label_id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A box as the server has it now.

    Attributes:
        row_id: its row.
        reference: its `creation_ref_id`; empty for one that people drew.
        label: its label's name.
        corners: x_min, y_min, x_max, y_max in pixels.
        score: as it was sent, else None.
        machine_made: False for what people drew or changed in the interface.
        touched: whether a person has saved it since it was sent.
        frame: of a video, else None.
        rings: its outline; empty for a box, and where only its bounds are known.
        shape: what it is, where it is neither a box nor a polygon: 'ellipse', 'line', …; else empty.
        points: of a line, key points or another shape of which only the bounds are a box; empty else.
        number: its track.
        attributes: name → value.
        root: the first row of those that it is the last of; 0 where unknown.
        created: when this row came to be, seconds since the epoch by the server's clock; 0 where unknown.
        member: the server's number of who saved it last; None where it does not tell.
    """

    row_id: int
    reference: str
    label: str
    corners: Corners
    score: float | None = None
    machine_made: bool = True
    touched: bool = False
    frame: int | None = None
    rings: tuple[Ring, ...] = ()
    shape: str = ""
    points: Ring = ()
    number: int | None = None
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    root: int = 0
    created: float = 0.0
    member: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What happened to one box.

    Attributes:
        fate: what people decided: 'kept', 'moved' (the same label, other corners), 'relabelled' (its corners may differ
            too), 'deleted', or 'added' by them; or 'unreviewed' where no person has looked at it yet, and 'replaced'
            where a later push took it away before any had.
        predicted: as it was sent; None for one that was added.
        stored: as it is now; None for one that is not there any more.
        iou: of the two; 0 where there is one only.
        by: what tells that the two belong together: 'reference' or 'iou'; empty where there is one only.
    """

    fate: Fate
    predicted: Predicted | None = None
    stored: Stored | None = None
    iou: float = 0.0
    by: str = ""

    @property
    def label(self) -> str:
        """The label that was predicted; of an added box, its own."""
        box = self.predicted or self.stored
        return box.label if box else ""


def name_of(box: Stored) -> str:
    """What a stored box is found by: its reference, if it is one of ours, that of all its parts; else its first row."""
    return whole(box.reference) if is_ours(box.reference) else f"{ROOT}{box.root or box.row_id}"


def place_of(name: str) -> str:
    """What a reference says of the box alone: two runs that sent the same box have it in common."""
    return place_in(name) or name  # one that says nothing of a box is like no other


def by_people(box: Stored) -> bool:
    """Whether people made or changed a box."""
    return box.touched or not (box.machine_made or is_ours(box.reference))
