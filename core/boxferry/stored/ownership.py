"""Whose a stored box is: an untouched prediction of a model, or something that people made or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from boxferry.packets.reference import detection, file_digest, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.packets.rows import Row


class Rows(NamedTuple):
    """The boxes of a file.

    Attributes:
        own: untouched predictions of the model in question.
        others: untouched predictions of other models, and those whose model cannot be told.
        people: what people made or changed, and all that was not made here.
    """

    own: list[Row]
    others: list[Row]
    people: list[Row]

    @property
    def kept(self) -> list[Row]:
        """All that stays where only the model's own boxes are replaced."""
        return [*self.others, *self.people]

    @property
    def all(self) -> list[Row]:
        """Every box."""
        return [*self.own, *self.others, *self.people]

    @property
    def predicted_elsewhere(self) -> bool:
        """Whether other models' predictions are there: one of them may stand for an equal box of the model's own."""
        return any(parsed(row.reference) for row in self.others)


def sorted_rows(rows: Iterable[Row], *, file_name: str, model: str, runs: Mapping[int, str]) -> Rows:
    """Tell the boxes of a file apart.

    A row is an untouched prediction where its reference was made here, it was not saved since, and its corners are
    those that its reference was made for; the parts of one outline are one prediction. It is the model's own where the
    reference's digest is that of the file, the model, and the name of the run that the server has for the row.

    Args:
        rows: as the server gives them.
        file_name: the file's name.
        model: the model in question.
        runs: model run id → name of the run.
    """
    found = Rows([], [], [])
    for parts in objects(rows):
        reference = parsed(parts[0].reference)
        if reference is None or not all(map(as_predicted, parts)):
            found.people.extend(parts)
            continue
        run = runs.get(parts[0].run_id or 0)
        own = run is not None and reference.digest == file_digest(file_name, model, run)
        (found.own if own else found.others).extend(parts)
    return found


def objects(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each object: a box alone, the parts of one outline together."""
    found: dict[object, list[Row]] = {}
    for index, row in enumerate(rows):
        reference = parsed(row.reference) if "/" in row.reference else None  # a part's number follows '/'
        outline = reference is not None and reference.part is not None
        found.setdefault(detection(row.reference) if outline else index, []).append(row)
    return list(found.values())


def as_predicted(row: Row) -> bool:
    """Whether a box is a prediction made here that no person has changed."""
    reference = parsed(row.reference)
    if reference is None or not row.untouched:
        return False
    return not row.is_box or row.corners == reference.corners  # an outline's reference has its bounds unrounded
