"""What came onto a file and went, in its order: so that what a push did is told from what people did. Pure.

A file's packets are numbered from 0; between them are places: place 0 is before the first packet, place `n` after the
last of n. What people did happened at a place, or, where only its bounds are known, from one place to another.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple

from boxferry.packets.reference import PREFIX, is_ours, whole
from boxferry.sending.before import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from boxferry.review.fates import Stored

DIGEST = len(PREFIX) + 17  #: characters of a reference that say which file, model and run
End = Literal["there", "taken", "deleted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """One packet that was applied to a file, of whichever run.

    References are those of whole boxes, not of their parts.

    Attributes:
        brought: the references of its boxes.
        came: when its boxes were stored, seconds since the epoch by the server's clock.
        stood: until when a change of the file is its own doing; likewise.
        own: whether it is of the run in question.
        replaces: whether boxes can have gone by it.
        complete: whether people had completed the file before; None where that is not known.
        changed: when the file had last been changed before; 0 where unknown.
        kept: the references of boxes that were there and stay; None where that is not known.
        took: those of the boxes that went by it.
        whole: whether nothing else can have gone by it.
        edited: those of them that people had changed.
        twins: reference → that of an equal box which is there in its place.
        read: whether the file's boxes were read for it, so that all twins are known.
    """

    brought: frozenset[str]
    came: float = 0.0
    stood: float = 0.0
    own: bool = True
    replaces: bool = False
    complete: bool | None = None
    changed: float = 0.0
    kept: frozenset[str] | None = None
    took: frozenset[str] = frozenset()
    whole: bool = True
    edited: frozenset[str] = frozenset()
    twins: Mapping[str, str] = field(default_factory=dict)
    read: bool = False


class Life(NamedTuple):
    """From which packet to which a box was on a file.

    Attributes:
        since: the packet that brought it.
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


class Timeline:
    """The packets of one file, the boxes that it has now, and the places at which people are known to have acted."""

    def __init__(
        self,
        pushes: Sequence[Push],
        stored: Iterable[Stored],
        *,
        complete: bool = False,
        changed: float = 0.0,
        hidden: Collection[str] = (),
        drawn: Iterable[float] = (),
    ) -> None:
        """Work out what people did.

        Args:
            pushes: the packets in the order in which they were applied; `came` never goes back.
            stored: the boxes that the file has now.
            complete: whether it is completed now.
            changed: when it was last changed, seconds since the epoch by the server's clock; 0 where unknown.
            hidden: references of boxes that it has and that cannot be read.
            drawn: when people made or changed rows that are no boxes, by the server's clock.
        """
        self.pushes = list(pushes)
        self._hidden = hidden
        self.rows: dict[str, Stored] = {}
        for box in stored:
            self.rows.setdefault(name_of(box), box)
        self._came = [push.came for push in self.pushes]
        self._acts: list[tuple[int, int]] = []
        self._lives = {name: life for name in self._names() if (life := self._life(name))}
        self._acts += [(place, place) for place in self._edits(drawn)]
        self._acts += [(place, place) for place in self._completions(complete=complete, changed=changed)]
        self._timed = bool(complete and self.pushes and self.pushes[-1].complete is not False)

    @property
    def end(self) -> int:
        """How many packets there are: the last place."""
        return len(self.pushes)

    def life(self, reference: str) -> Life | None:
        """From when to when a box was there; None for one that no packet brought."""
        return self._lives.get(whole(reference))

    def left(self, reference: str) -> bool:
        """Whether no packet took a box away."""
        life = self.life(reference)
        return life is None or life.end != "taken"

    def place(self, created: float) -> int:
        """The place at which a row came to be, by its time; the last where the server does not tell when."""
        return bisect_left(self._came, created) if created else self.end

    def seen(self, since: int, until: int | None = None) -> bool:
        """Whether people have looked at the file after one packet, and before another (or ever since)."""
        last = self.end if until is None else until
        return any(since < first and latest <= last for first, latest in self._acts)

    def unseen(self, box: Stored) -> bool:
        """Whether a box that is there is a prediction that came after people looked at the file last."""
        if by_people(box):
            return False
        life = self.life(name_of(box))
        return not self.seen(life.since if life else self.place(box.created) - 1)

    @property
    def reviewed(self) -> bool:
        """Whether people have looked at the file since the run's first packet."""
        first = next((index for index, push in enumerate(self.pushes) if push.own), self.end)
        return self.seen(first)

    @property
    def looked(self) -> bool:
        """Whether people have ever acted on the file, as far as can be told."""
        return bool(self._acts)

    @property
    def doubtful(self) -> bool:
        """Whether a packet of another sender, of which nothing is known yet, would make a difference.

        A box of the run is gone, or how a file was completed is told by its time alone.
        """
        own = frozenset[str]().union(*(push.brought for push in self.pushes if push.own))
        gone = any(life.end == "deleted" for name, life in self._lives.items() if name in own)
        return gone or self._timed or any(push.replaces and not push.whole for push in self.pushes)

    @property
    def overtaken(self) -> bool:
        """Whether a later packet took boxes away that people had left, and nobody has looked at the file since."""
        taken = (life for life in self._lives.values() if life.end == "taken" and not life.edited)
        return any(self.seen(life.since, life.until) and not self.seen(life.until) for life in taken)

    def _names(self) -> dict[str, None]:
        return dict.fromkeys(name for push in self.pushes for name in push.brought)

    def _edits(self, drawn: Iterable[float]) -> Iterable[int]:
        """The places at which rows that people made or changed came to be."""
        boxes = (box.created for box in self.rows.values() if by_people(box))
        return map(self.place, chain(boxes, drawn))

    def _completions(self, *, complete: bool, changed: float) -> Iterable[int]:
        """The places at which people completed the file, or took that back."""
        before = [push.complete for push in self.pushes] + [complete]
        times = [push.changed for push in self.pushes] + [changed]
        for place in range(1, len(before)):
            earlier, now = before[place - 1], before[place]
            done_since = now and (earlier is False or times[place] > self.pushes[place - 1].stood)
            if done_since or (earlier and now is False):
                yield place

    def _life(self, reference: str) -> Life | None:
        """From when to when a box was there; deletions by people are noted on the way."""
        name, since, last, found = reference, None, 0, None
        for index, push in enumerate(self.pushes):
            if since is not None and push.replaces:
                step = self._step(push, name)
                if step == "twin":
                    name = push.twins[name]
                elif step != "there":
                    sure, edited = name in push.took, name in push.edited
                    until = index if step == "taken" else self.end
                    found = Life(since, step, name, until, sure=sure, edited=edited)
                    if step == "deleted":
                        self._acts.append((last, index))
                    since = None
                last = index + 1
            if since is None and reference in push.brought:
                name, since, last = push.twins.get(reference) or self._stands(reference, index), index, index + 1
        if since is None:  # a save of what was read before can bring back what was gone
            back = found is not None and found.name in self.rows
            return found._replace(end="there", until=self.end) if found and back else found
        if name in self.rows or name in self._hidden:
            return Life(since, "there", name, self.end)
        self._acts.append((last, self.end))
        return Life(since, "deleted", name, self.end)

    def _step(self, push: Push, name: str) -> Literal["there", "taken", "deleted", "twin"]:
        """What a replacing packet found of a box, or did to it."""
        if name in push.took:
            return "twin" if name in push.twins else "taken"
        if push.kept is not None and name in push.kept:
            return "there"
        if name in self.rows or name in self._hidden or name in push.brought:
            return "there"
        if not push.read and place_of(name) in map(place_of, push.brought):
            return "there"  # an equal box was sent, and the server has kept the older one
        return "deleted" if push.kept is not None and push.whole else "taken"

    def _stands(self, reference: str, index: int) -> str:
        """The name under which a box that a packet brought is there: that of an equal one that was there before."""
        push = self.pushes[index]
        if push.read or not push.replaces or reference in self.rows:
            return reference
        alike = (name for name in self.rows if place_of(name) == place_of(reference))
        return next((name for name in alike if self._brought(name, index)), reference)

    def _brought(self, name: str, before: int) -> bool:
        return any(name in push.brought for push in self.pushes[:before])


def name_of(box: Stored) -> str:
    """What a stored box is found by: its reference, if it is one of ours, that of all its parts; else its first row."""
    return whole(box.reference) if is_ours(box.reference) else f"{ROOT}{box.root or box.row_id}"


def place_of(name: str) -> str:
    """What a reference says of the box alone: two runs that sent the same box have it in common."""
    return name[DIGEST:] if is_ours(name) else name


def by_people(box: Stored) -> bool:
    """Whether people made or changed a box."""
    return box.touched or not (box.machine_made or is_ours(box.reference))
