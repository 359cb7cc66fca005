"""What came onto a file and went, in its order: so that what a push did is told from what people did. Pure.

A file's packets are numbered from 0; between them are places: place 0 is before the first packet, place `n` after the
last of n. What people did happened at a place, or, where only its bounds are known, from one place to another.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from boxferry.packets.reference import whole
from boxferry.review.applied import LAG_S, SETTLES_S, Life, Push
from boxferry.review.judged import by_people, name_of, place_of
from boxferry.stored.before import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from boxferry.review.judged import Stored

Step = Literal["there", "taken", "deleted", "twin", "unknown"]


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
        self._unexplained = False
        self.rows: dict[str, Stored] = {}
        self._doubled = False
        self._halves = {name: reference for push in self.pushes for name, reference in push.halves.items()}
        for box in sorted(stored, key=_edited_first):
            self._add(box)
        self._came = [push.came for push in self.pushes]
        self._times = [push.changed for push in self.pushes] + [changed]
        self._acts = [*((place, place) for place in self._edits(drawn)), *self._completions(complete=complete)]
        saved = self.end if self.pushes and changed > self.pushes[-1].stood else 0
        self._last_saved = max([saved, *(latest for _, latest in self._acts)])
        self._lives = {name: life for name in self._names() if (life := self._life(name))}
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

    def stands(self, box: Stored) -> bool:
        """Whether a box that bears a reference for the second time is another run's: people have changed both."""
        return any(life.end == "there" and self.rows.get(life.name) is box for life in self._lives.values())

    def unseen(self, box: Stored) -> bool:
        """Whether a box that is there is a prediction that came after people looked at the file last."""
        if by_people(box):
            return False
        life = self.life(name_of(box))
        return not self.seen(life.since if life else self.place(box.created) - 1)

    @property
    def reviewed(self) -> bool:
        """Whether people have looked at the file since the run's first packet."""
        return self.seen(self._first_own)

    @property
    def _first_own(self) -> int:
        return next((index for index, push in enumerate(self.pushes) if push.own), self.end)

    def after_own(self, box: Stored) -> bool:
        """Whether a box that people made came after the run's first packet.

        Of one that they changed since, the first row tells: the server numbers rows as they come, and a packet tells
        when what it found had come to be.
        """
        first, root = self._first_own, f"{ROOT}{box.root}"
        found = (push.made[root] for push in self.pushes if root in push.made)
        if self.place(min(found, default=box.created)) <= first:
            return False
        push = self.pushes[first]
        if 0 < box.root <= push.newest:
            return False
        if box.root and push.replaces and push.kept is not None and push.whole:
            return root not in push.kept  # it has told of all that was there
        brought = self.pushes[first].brought - (self.pushes[first].kept or frozenset())
        since = {name for name in brought if (life := self._lives.get(name)) and life.since == first}  # not again later
        roots = [row.root for name, row in self.rows.items() if name in since and row.root]
        return not (roots and box.root) or box.root > min(roots)

    @property
    def looked(self) -> bool:
        """Whether people have ever acted on the file, as far as can be told."""
        return bool(self._acts)

    @property
    def doubtful(self) -> bool:
        """Whether a packet of another sender, of which nothing is known yet, would make a difference.

        A box is gone, is there twice or came again, without a packet that tells why; or that people completed the file
        is told by its time alone.
        """
        unknown = any(push.replaces and (push.tried or not push.whole) for push in self.pushes)
        return unknown or self._timed or self._unexplained or self._belated or self._doubled or self._late

    @property
    def _belated(self) -> bool:
        """Whether a box came long after the packet that is known to have brought it: another one did."""
        there = ((self.rows.get(life.name), self.pushes[life.since]) for life in self._lives.values())
        return any(row and not by_people(row) and row.created > push.stood + LAG_S for row, push in there)

    @property
    def _late(self) -> bool:
        """Whether people are known to have left a box that a packet took which may have waited."""
        taken = (life for life in self._lives.values() if life.end == "taken" and life.sure and not life.edited)
        return any(self.pushes[life.until].late and self.seen(life.since, life.until) for life in taken)

    @property
    def overtaken(self) -> bool:
        """Whether a later packet took boxes away that people had left, and nobody has looked at the file since."""
        taken = (life for life in self._lives.values() if life.end == "taken" and not life.edited)
        return any(self.seen(life.since, life.until) and not self.seen(life.until) for life in taken)

    def _add(self, box: Stored) -> None:
        """Take a row in; a second one of a reference is what a save left of two equal boxes, one of them edited."""
        name, own, root = name_of(box), f"{ROOT}{box.row_id}", f"{ROOT}{box.root or box.row_id}"
        if name in self.rows:
            half = own if root in self.rows else root
            self._doubled, self._halves[half], name = True, name, half
        elif own in self._halves and not by_people(box):
            name = own  # the edited one is gone
        self.rows[name] = box

    def _names(self) -> dict[str, None]:
        return dict.fromkeys(name for push in self.pushes for name in push.brought)

    def _edits(self, drawn: Iterable[float]) -> Iterable[int]:
        """The places at which rows that people made or changed came to be."""
        boxes = (box.created for box in self.rows.values() if by_people(box))
        return map(self.place, chain(boxes, drawn))

    def _completions(self, *, complete: bool) -> Iterable[tuple[int, int]]:
        """From where to where people completed the file, or took that back: as it was read, whenever that was."""
        read = [(self._read_at(index), push.changed, push.complete) for index, push in enumerate(self.pushes)]
        earlier, since = None, 0
        for place, changed, now in [*sorted(read, key=itemgetter(0)), (self.end, self._times[-1], complete)]:
            if now is None:
                continue
            saved = place > 0 and changed > self.pushes[place - 1].stood
            if saved and (now or earlier):
                yield place, place
            elif earlier is not None and now != earlier:
                latest = place - self._quiet(place) if place else 0
                yield (latest if place - since <= 1 else since), latest
            earlier, since = now, place

    def _read_at(self, index: int) -> int:
        """The place at which the file was read for a packet: before its own, and before others that it waited for."""
        changed = self.pushes[index].changed
        return min(index, bisect_right(self._came, changed + SETTLES_S)) if changed else index

    def _quiet(self, place: int) -> bool:
        """Whether the file has not changed at a place since the packet before it was applied.

        What people are known to have done since they did while that packet was on its way: after its reading.
        """
        push = self.pushes[place - 1]
        return push.settled and 0 < self._times[place] <= push.stood

    def _life(self, reference: str) -> Life | None:
        """From when to when a box was there; deletions by people are noted on the way."""
        name, since, last, found = reference, None, 0, None
        for index, push in enumerate(self.pushes):
            if since is not None and (met := self._met(index, name, since, last)) is not None:
                (name, gone), last = met, index + 1
                found, since = (found, since) if gone is None else (gone, None)
            if since is not None and self._came_anew(index, name, since):
                since, last = index, index + 1
            if since is None and reference in push.brought:
                name, since, last = push.twins.get(reference) or self._stands(reference, index), index, index + 1
        if since is None:
            again = found is not None and any(found.name in push.brought for push in self.pushes[found.since + 1 :])
            return found if again and name != reference else self._back(found)
        return self._now(name, since, last)

    def _now(self, name: str, since: int, last: int) -> Life:
        """The life of a box that no packet is known to have taken."""
        if name in self.rows or name in self._hidden:
            return Life(since, "there", name, self.end)
        if other := self._merged(name, since, last, self.rows):
            self._unexplained = True
            return Life(since, "there", other, self.end)
        if self._may_be_merged(name, last):
            self._unexplained = True
            return Life(since, "taken", name, since, sure=False)
        return self._deleted(name, since, last, self.end)

    def _met(self, index: int, name: str, since: int, last: int) -> tuple[str, Life | None] | None:
        """What a packet met of a box: its name from then on, and its life where that ended; None where unknown."""
        step = self._step(index, name, since)
        if step == "unknown":
            return None
        if step == "taken":
            return name, self._taken(index, name, since)
        if step == "twin":
            return self.pushes[index].twins[name], None
        if step == "there":
            return name, None
        other = self._merged(name, since, last, self.pushes[index].kept or ())
        return (other, None) if other is not None else (name, self._deleted(name, since, last, index))

    def _taken(self, index: int, name: str, since: int) -> Life:
        """The life of a box that a packet took."""
        push = self.pushes[index]
        sure = self._surely(index, name) and not (push.waited or name in push.tried or self._loose(since))
        edited = name in push.edited
        return Life(self._latest(since, index, name), "taken", name, index, sure=sure, edited=edited)

    def _deleted(self, name: str, since: int, first: int, latest: int) -> Life:
        """The life of a box that people deleted between two places, which is noted.

        Where the file has not changed since it came, they did not. A replacing packet that the server was given before
        the one that brought it, and has applied after it, may have taken it.
        """
        came = self.pushes[since].came
        self._unexplained = True  # also where the box came again later
        if all(map(self._quiet, range(first, latest + 1))):
            first = latest = first - 1
        crossed = any(push.replaces and push.came >= came for push in self.pushes[:since])
        if latest <= since or crossed or (self._loose(since) and self._may_be_taken(since)):
            return Life(since, "taken", name, since, sure=False)
        self._acts.append((first, latest))
        return Life(since, "deleted", name, self.end)

    def _back(self, gone: Life | None) -> Life | None:
        """A box that had gone, unless it is there all the same: a save of what was read before can bring it back.

        One that no person saved came with a packet of which nothing is known.
        """
        row = self.rows.get(gone.name) if gone else None
        if gone is None or row is None:
            return gone
        if by_people(row):
            return gone._replace(end="there", until=self.end)
        self._unexplained = True
        return gone._replace(end="there", until=self.end, since=self.place(row.created) - 1)

    def _step(self, index: int, name: str, since: int) -> Step:
        """What a packet found of a box, or did to it."""
        push = self.pushes[index]
        if name in push.took:
            return "twin" if name in push.twins else "taken"
        if name in push.beside | push.touched | (push.kept or frozenset()):
            return "there"
        known = push.kept is not None and self._began(name, since) <= push.changed  # else it was planned before
        if known and push.read and name in push.brought:
            return "deleted"  # it came anew
        if push.replaces:
            return self._replaced(index, name, since)
        return "deleted" if known and not self._was_there(name, push) else "unknown"

    def _replaced(self, index: int, name: str, since: int) -> Step:
        """What a replacing packet did to a box of which it is not known that it stayed, or went by it."""
        push = self.pushes[index]
        if self._was_there(name, push) or name in push.brought or self._found_later(index, name):
            return "there"
        equal = not any(name in earlier.touched for earlier in self.pushes[since + 1 : index])
        taken = (each for each in push.took if equal or each in self._halves)
        stood_for = any(self._alike(each, name) for each in taken)  # two had been made one, or had one reference
        absorbed = not push.read and self._absorbed(index, name)
        if push.kept is None or not push.whole or absorbed or stood_for:
            return "taken"
        return "taken" if self._began(name, since) > push.changed else "deleted"

    def _began(self, name: str, since: int) -> float:
        """When a box came; of an equal one that stands for it, when that did, where it came later."""
        came = min((push.came for push in self.pushes if name in push.brought), default=0.0)
        return max(self.pushes[since].came, came)

    def _found_later(self, index: int, name: str) -> bool:
        """Whether a later packet tells that it found a box, which had not come again in between."""
        for push in self.pushes[index + 1 :]:
            if push.changed >= self.pushes[index].came and name in (push.kept or frozenset()) | (
                push.took - push.tried
            ):
                return True
            if name in push.brought:
                return False
        return False

    def _loose(self, index: int) -> bool:
        """Whether it is unknown when a packet was applied, on a file where packets are known to have waited."""
        return not self.pushes[index].dated and any(push.waited for push in self.pushes)

    def _may_be_taken(self, since: int) -> bool:
        """Whether a later packet can have taken boxes along that it does not know of."""
        return any(push.replaces for push in self.pushes[since + 1 :])

    def _surely(self, index: int, name: str) -> bool:
        """Whether a packet is known to have taken a box, itself or what a save had left of it and an equal one."""
        push = self.pushes[index]
        halves = push.halves.keys() & push.took if push.read else ()
        return name in push.took or any(self._alike(each, name) for each in halves)

    def _alike(self, one: str, other: str) -> bool:
        """Whether two names are of equal boxes, one of which may have its reference in common with an edited one."""
        return place_of(self._halves.get(one, one)) == place_of(self._halves.get(other, other))

    def _absorbed(self, index: int, name: str) -> bool:
        """Whether a packet that was not read for may have made one of two equal boxes, the older or the newer one.

        It does not tell of a box that it sends an equal one of. Had one been there, the server would have kept it under
        its own reference: so where the one sent is there, and came with this packet, the other had gone before.
        """
        push = self.pushes[index]
        sent = [other for other in push.brought if place_of(other) == place_of(name)]
        stays = any(other != name and place_of(other) == place_of(name) for other in push.kept or ())
        return stays or (bool(sent) and not any(self._came_with(index, other) for other in sent))

    def _came_anew(self, index: int, name: str, since: int) -> bool:
        """Whether a box that is there came with a later packet than the first one: how it had gone is not known.

        A packet that sends a row back which went since it was read for brings that back.
        """
        row, push = self.rows.get(name), self.pushes[index]
        if row is None or by_people(row) or row.created <= self.pushes[since].stood:
            return False
        place = self.place(row.created)
        back = push.replaces and name in (push.kept or ()) and index == place
        return since < index <= place and (name in push.brought or back)

    def _latest(self, since: int, until: int, name: str) -> int:
        """The last packet that can have brought a box before one took it: people can have deleted it in between.

        A packet that was not read for does not tell whether it found the box.
        """
        sent = (i for i in range(since + 1, until) if name in self.pushes[i].brought and not self.pushes[i].read)
        return max(sent, default=since)

    def _came_with(self, index: int, name: str) -> bool:
        """Whether a box that is there is certain to have come with a packet, and not with another that sent it."""
        row = self.rows.get(name)
        if row is None or self._brought(name, index):
            return False
        again = any(name in push.brought for push in self.pushes[index + 1 :])
        return not again or (not by_people(row) and self.place(row.created) == index)

    def _was_there(self, name: str, push: Push) -> bool:
        """Whether a box that is there now was there before a packet; a later one can have brought it again."""
        row = self.rows.get(name)
        return name in self._hidden or (row is not None and (by_people(row) or row.created <= push.came))

    def _merged(self, name: str, since: int, last: int, there: Collection[str]) -> str | None:
        """The equal box that stood beside one, and stays: a save, or another sender's packet, makes one of the two.

        One that had been edited before the box came was not its equal: else the packet had found it in its place.
        """
        halves = (each for each in there if self._halves.get(each, name) != name and self._alike(each, name))
        if half := next(halves, None):
            return half
        if any(name in push.touched for push in self.pushes[since + 1 : last]):
            return None
        came = self.pushes[since]
        unequal = ((came.kept or frozenset()) if came.replaces else frozenset()) | came.touched | self._edited(since)
        alike = (each for each in there if each != name and place_of(each) == place_of(name) and each not in unequal)
        return next((other for other in alike if self._brought(other, last)), None)

    def _edited(self, since: int) -> set[str]:
        """The boxes that came before a packet and that people changed: before it, else both had one reference now."""
        return {name for name, row in self.rows.items() if by_people(row) and self._brought(name, since)}

    def _may_be_merged(self, name: str, last: int) -> bool:
        """Whether an equal box can have come beside one later that a save made one with it.

        Another sender put it there, whose packet does not tell what it found, and people have saved the file since.
        """
        pushes = (p for p in self.pushes[last : self._last_saved] if p.kept is None and not p.replaces)
        brought = (other for push in pushes for other in push.brought)
        return any(other in self.rows and place_of(other) == place_of(name) for other in brought)

    def _stands(self, reference: str, index: int) -> str:
        """The name under which a box that a packet brought is there: that of an equal one that was there before.

        Of those that it sent back, it tells itself.
        """
        push = self.pushes[index]
        if push.read or not push.replaces or reference in self.rows:
            return reference
        others = (name for name in self.rows if name not in (push.kept or ()))
        alike = (name for name in others if place_of(name) == place_of(reference))
        return next((name for name in alike if self._brought(name, index)), reference)

    def _brought(self, name: str, before: int) -> bool:
        return any(name in push.brought for push in self.pushes[:before])


def _edited_first(box: Stored) -> tuple[bool, int]:
    """Of two rows of one reference, the one that was edited first is first; parts of an outline stay in their order."""
    edited = box.touched and whole(box.reference) == box.reference
    return not edited, box.row_id if edited else 0
