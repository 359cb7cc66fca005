"""Which runs predicted a stored box: a server keeps one of equal boxes, so that a row can stand for several runs; pure.

A row bears the reference of the run that brought it first. Where a later packet replaced that run's boxes and brought
an equal one, the server kept the row, and it is the later run's now. The file's inputs keep what was sent, and tell.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from boxferry.outbox.outcome import State, input_outcome
from boxferry.packets.reference import origin
from boxferry.packets.rows import identities, identity
from boxferry.stored.ownership import Rows, as_predicted, objects

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from boxferry.destination import InputRecord
    from boxferry.packets.rows import Row


class Divided(NamedTuple):
    """The boxes of a file as they are where one or several runs are to go.

    Attributes:
        go: untouched predictions of those runs alone.
        shared: untouched predictions of those runs that another run made too, or that are equal to another box: these
            stay.
        touched: predictions of those runs that people have changed: these stay.
        stay: everything that stays, `shared` and `touched` among it.
        merged: how many of those are equal to another one of them, which a replacement makes one.
        at_risk: how many boxes that people made or changed are among those.
        people: how many boxes of the file people made or changed.
    """

    go: list[Row]
    shared: list[Row]
    touched: list[Row]
    stay: list[Row]
    merged: int
    at_risk: int
    people: int


class Claims:
    """Whose each box of a file is, by what was sent to it.

    One row can stand for boxes of several runs, and for one whose reference it does not bear: a replacement and a
    person's save make equal boxes one. So whoever sent a box counts until a replacement has left it out, also where its
    own row is not there any more.
    """

    def __init__(self, inputs: Iterable[InputRecord] = ()) -> None:
        """Go through the inputs of a file.

        Args:
            inputs: all of them, the oldest first; what is under way counts, what was refused counts where it adds.
        """
        self._senders: dict[str, set[str]] = {}  # identity → origins, see `reference.origin`
        for record in inputs:
            outcome = input_outcome(record)
            boxes = [box for box in record.boxes if not box.comes_deleted]
            if not record.replaces:
                for box in boxes:
                    self._senders.setdefault(identity(box), set()).update(_origins(box))
            elif outcome is None or outcome.state == State.APPLIED:
                self._replace(boxes)

    def _replace(self, boxes: Iterable[Row]) -> None:
        """A row that was sent back stands for whom it stood, a new box for its sender; nothing else is there then."""
        found: dict[str, set[str]] = {}
        for box in boxes:
            key, own = identity(box), _origins(box)
            senders = (self._senders.get(key) or own) if box.id is not None else own
            found.setdefault(key, set()).update(senders)
        self._senders = found

    def owners(self, rows: Sequence[Row]) -> set[str]:
        """The origins whose boxes the rows of one object are."""
        return set[str]().union(*(self._senders.get(identity(row)) or _origins(row) for row in rows))


def _origins(box: Row) -> set[str]:
    return {origin(box.reference)} - {""}


def divided(rows: Sequence[Row], claims: Claims, origins: Collection[str]) -> Divided:
    """Tell the boxes of a file that go with their runs from those that stay.

    Args:
        rows: the boxes, as the server gives them.
        claims: see `Claims`.
        origins: what the references of the runs that go begin with on this file.
    """
    wanted = set(origins)
    go: list[Row] = []
    shared: list[Row] = []
    touched: list[Row] = []
    others: list[Row] = []
    for parts in objects(rows):
        mine = origin(parts[0].reference)
        if not all(map(as_predicted, parts)):
            (touched if mine in wanted else others).extend(parts)
            continue
        owners = claims.owners(parts)
        (go if owners <= wanted else shared if mine in wanted else others).extend(parts)
    elsewhere = identities([*shared, *touched, *others])
    shared += [row for row in go if identity(row) in elsewhere]
    go = [row for row in go if identity(row) not in elsewhere]
    stay = [*shared, *touched, *others]
    count = Counter(map(identity, stay))
    twice = [row for row in stay if count[identity(row)] > 1]
    at_risk = sum(not as_predicted(row) for row in twice)
    people = sum(not as_predicted(row) for row in stay)
    return Divided(go, shared, touched, stay, len(stay) - len(count), at_risk, people)


def reowned(rows: Rows, claims: Claims, origins: Collection[str]) -> Rows:
    """The boxes of a file anew, where the untouched predictions of several models are to count as one's own.

    Args:
        rows: told apart already, see `ownership`.
        claims: see `Claims`.
        origins: what the references of those models begin with on this file.
    """
    own: list[Row] = []
    others: list[Row] = []
    for parts in objects([*rows.own, *rows.others]):
        owners = claims.owners(parts)
        (own if owners and owners <= set(origins) else others).extend(parts)
    return Rows(own, others, rows.people)
