"""What every picture of a team's weeks should hold: kept from what is done, never from what boxferry or a server says.

It knows nothing of references, packets and inputs. A picture shows some objects; each box is of one of them.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

PEOPLE = "people"


@dataclass(frozen=True)
class Shown:
    """What a model says, or people do: a label at a place."""

    label: str
    corners: tuple[int, int, int, int]

    def flat(self):
        return (self.label, *self.corners)


@dataclass
class Ask:
    """One box of one run, whether people have looked at it since it came, and whether another run sent the same one."""

    run: tuple[str, str]
    shown: Shown
    seen: bool = False
    deleted: bool = False
    shared: bool = False


@dataclass
class Box:
    """One box as it is on the picture: whose it is, which runs sent it, and whether people made or changed it."""

    of: set[str]
    number: int
    shown: Shown
    asks: list[Ask] = field(default_factory=list)
    touched: bool = False
    approved: bool = False
    before: frozenset[tuple[str, str]] = frozenset()

    @property
    def seen(self):
        return self.touched or self.asks[0].seen

    def fate(self, ask):
        if not self.touched:
            return "kept" if ask.seen else ""
        if self.shown.label != ask.shown.label:
            return "relabelled"
        return "moved" if self.shown != ask.shown else "kept"


@dataclass
class Page:
    """One picture.

    `boxes` is what it holds, `gone` the asks that it holds no more; `rejected` has what people turned down, each an
    object's number and a label.
    """

    there: bool = False
    boxes: list[Box] = field(default_factory=list)
    gone: list[Ask] = field(default_factory=list)
    rejected: set[tuple[int, str]] = field(default_factory=set)
    looked: bool = False
    complete: bool = False
    overtaken: bool = False

    # What is asked of it

    def held(self):
        return sorted(box.shown.flat() for box in self.boxes)

    @property
    def settled(self):
        """Whether people have seen all that it holds, and no push has taken away what they had left."""
        return self.looked and not self.overtaken and all(box.seen for box in self.boxes)

    @property
    def asks(self):
        return [*self.gone, *(ask for box in self.boxes for ask in box.asks)]

    def fates(self):
        """(run, fate) of each box that people decided on, but those that they added; and of those that may be told.

        Of a box that several runs sent, and that is gone, it can be open who took it away: it is `replaced` then.
        """
        still = [(ask.run, box.fate(ask)) for box in self.boxes for ask in box.asks]
        went = [
            (ask.run, "deleted" if ask.deleted else "kept" if ask.seen else "") for ask in self.gone if not ask.shared
        ]
        may = [(ask.run, "deleted" if ask.deleted else "kept") for ask in self.gone if ask.shared]
        return Counter((run, fate) for run, fate in [*still, *went] if fate), Counter(may)

    # What models do

    def wanted(self, shown):
        """What of object → (label, place) people have not decided on yet."""
        have = {(box.number, box.shown.label) for box in self.boxes if box.touched or box.approved}
        return {n: each for n, each in shown.items() if (n, each.label) not in have | self.rejected}

    def night(self, run, shown, *, replaces=None):
        """A run's boxes come, where people have not decided on them; those of the models in `replaces` go."""
        self.there = True
        if replaces is not None and self.complete:
            return
        wanted = self.wanted(shown)
        if replaces == (run[0],) and self._has(wanted, run[0]):
            return  # all of it is there, and nothing else of the model: nothing is sent
        stay, go = [], []
        for box in self.boxes:
            goes = replaces is not None and box.of <= {*replaces} and not box.touched
            (go if goes else stay).append(box)
        for number, each in wanted.items():
            equal = next((box for box in [*go, *stay] if box.shown == each and not box.touched), None)
            box = equal or Box(set(), number, each)
            box.of = (box.of - {*(replaces or ())}) | {run[0]}
            box.asks.append(Ask(run, each))
            for ask in box.asks if equal else ():
                ask.shared = True
            stay = [*(other for other in stay if other is not box), box]
            go = [other for other in go if other is not box]
        self.boxes = stay
        self._went(go)

    def _has(self, wanted, model):
        """Whether no box of a model would come or go."""
        own = {box.shown for box in self.boxes if box.of == {model} and not box.touched}
        return {box.shown for box in self.boxes} >= {*wanted.values()} >= own

    def _went(self, boxes):
        self.overtaken |= any(ask.seen for box in boxes for ask in box.asks)
        self.gone += [ask for box in boxes for ask in box.asks]

    def retire(self, model):
        if not self.complete:
            go = [box for box in self.boxes if box.of == {model} and not box.touched]
            self.boxes = [box for box in self.boxes if not (box.of == {model} and not box.touched)]
            self._went(go)

    # What people do

    def change(self, box, shown):
        """People give an object this label and place; what else was on it they take away."""
        if box.shown.label != shown.label:
            self.rejected |= {(box.number, ask.shown.label) for ask in box.asks}
        box.shown, box.touched = shown, True
        for other in [each for each in self.boxes if each.number == box.number and each is not box]:
            self._delete(other)

    def delete(self, number):
        for box in [each for each in self.boxes if each.number == number]:
            self._delete(box)

    def _delete(self, box):
        self.boxes.remove(box)
        self.rejected |= {(box.number, ask.shown.label) for ask in box.asks}
        self.gone += [replace(ask, deleted=True) for ask in box.asks]

    def draw(self, number, shown):
        before = frozenset(ask.run for ask in self.asks)
        self.boxes.append(Box({PEOPLE}, number, shown, touched=True, before=before))

    def drawn_there(self):
        """For each box that people drew, the runs that had come before it."""
        return [box.before for box in self.boxes if PEOPLE in box.of]

    def look(self, *, complete=False):
        """People save what they did: they have seen all that is there."""
        self.looked, self.overtaken = True, False
        self.complete |= complete
        for box in self.boxes:
            box.approved |= complete
            for ask in box.asks:
                ask.seen = True
