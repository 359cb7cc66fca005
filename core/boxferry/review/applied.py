"""One packet that was applied to a file, as far as it is known, and the life of a box between two of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

LAG_S = 10.0  #: how long after its rows a packet may go on changing the file
SETTLES_S = 2.0  #: within which a packet writes the file's last change after its rows; later it can be a person's
End = Literal["there", "taken", "deleted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """One packet that was applied to a file, of whichever run.

    References are those of whole boxes, not of their parts.

    Attributes:
        brought: the references of its boxes.
        came: when its boxes were stored, seconds since the epoch by the server's clock.
        stood: until when a change of the file is its own doing; likewise.
        settled: whether `stood` is when it changed the file, as that was read back; else it is an estimate.
        own: whether it is of the run in question.
        replaces: whether boxes can have gone by it.
        complete: whether people had completed the file before; None where that is not known.
        changed: when the file had last been changed before, as it was read for the packet; 0 where unknown.
        kept: the references of boxes that were there and stay; None where that is not known.
        took: those of the boxes that went by it.
        whole: whether nothing else can have gone by it.
        edited: those of them that people had changed.
        halves: name → reference, of boxes that have theirs in common with one that people changed: see `stored.before`.
        twins: reference → that of an equal box which is there in its place.
        read: whether the file's boxes were read for it, so that all twins are known.
        newest: the highest number of the file's rows before it; 0 where unknown.
        stored: when boxes that it took had been stored, by the server's clock, as far as it tells.
        waited: whether it was applied long after the file's boxes were read for it: what people did in between to boxes
            that it took is not known.
        touched: references of boxes that stay and that people had changed by then: they are equal to no other any more.
        beside: those of equal boxes that were there, of a packet of which no more is known.
        made: '#' and the number of the first row of a box of people's that stays → when the row that was there came to
            be.
        tried: references of boxes that only an attempt took which may never have arrived: people can have deleted them.
        dated: whether rows tell when it was applied, the server, or its reading back; else it is known when it was
            sent alone.
        late: whether it ended long after the reading, and it is not known yet when it was applied.
    """

    brought: frozenset[str]
    came: float = 0.0
    stood: float = 0.0
    settled: bool = False
    own: bool = True
    replaces: bool = False
    complete: bool | None = None
    changed: float = 0.0
    kept: frozenset[str] | None = None
    took: frozenset[str] = frozenset()
    whole: bool = True
    edited: frozenset[str] = frozenset()
    halves: Mapping[str, str] = field(default_factory=dict)
    twins: Mapping[str, str] = field(default_factory=dict)
    read: bool = False
    newest: int = 0
    stored: Mapping[str, float] = field(default_factory=dict)
    waited: bool = False
    dated: bool = True
    late: bool = False
    tried: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    made: Mapping[str, float] = field(default_factory=dict)


class Life(NamedTuple):
    """From which packet to which a box was on a file.

    Attributes:
        since: the packet that brought it; of one that was taken, the last that can have.
        end: whether it is there, a packet took it, or people deleted it.
        name: its reference, or that of the equal box that is there in its place.
        until: the packet that took it; where none did, how many packets there are.
        sure: whether it is known that this packet took it: of what another sender did, only the outcome is known.
        edited: whether people had changed it before a packet took it.
    """

    since: int
    end: End
    name: str
    until: int
    sure: bool = True
    edited: bool = False
