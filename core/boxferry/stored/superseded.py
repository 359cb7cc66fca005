"""Whether a newer push has come in the place of a packet that waited: its boxes are not wanted any more then; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from boxferry.outbox.kinds import Mode
from boxferry.outbox.outcome import State, input_outcome, was_applied
from boxferry.stored.before import decoded
from boxferry.stored.beside import named_under
from boxferry.stored.removals import PLANNED, REPLACES, taken_away, time_under

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.destination import InputRecord
    from boxferry.outbox.entry import Entry


class Planned(NamedTuple):
    """When a packet was planned, seconds since the epoch by the server's clock.

    Attributes:
        since: when its file had last been changed then; 0 for a new one, which was not there.
        at: when its push began to plan; 0 where unknown.
    """

    since: float
    at: float


def planned_at(entry: Entry) -> Planned | None:
    """When a packet was planned; None where that is not known."""
    before = decoded(entry.before)
    if entry.mode == Mode.NEW:
        return Planned(0.0, before.planned if before else 0.0)
    return Planned(before.changed, before.planned) if before and before.changed else None


def superseded(inputs: Iterable[InputRecord], wanted: set[str], model: str, planned: Planned) -> bool:
    """Whether a newer replacement of a file took all boxes of a packet away, or named their model.

    Args:
        inputs: of the file.
        wanted: the references of the packet's boxes.
        model: their model.
        planned: when the packet was planned.
    """
    for record in inputs:
        outcome = input_outcome(record)
        done = outcome is None or outcome.state == State.APPLIED
        if record.replaces and done and _is_newer(record, planned):
            if model and model in named_under(REPLACES, record.boxes):
                return True
            if wanted and wanted <= (taken_away(record.boxes) or set()):
                return True
    return False


def _is_newer(record: InputRecord, planned: Planned) -> bool:
    """Whether an input came since, of a push that was not planned earlier itself, and held up on its machine."""
    earlier = 0.0 < time_under(PLANNED, record.boxes) < planned.at
    return (record.created or 0.0) > planned.since and not earlier


def last_with(inputs: Iterable[InputRecord], wanted: set[str]) -> int:
    """The number of the last input that brought some of these boxes and was applied; 0 where none did.

    Args:
        inputs: of the file.
        wanted: the references of the boxes; a row that an input sent back is not among them.
    """
    done = filter(was_applied, inputs)
    new = ((record.id or 0, {box.reference for box in record.boxes if box.id is None}) for record in done)
    return max((number for number, references in new if references & wanted), default=0)


def sent_since(inputs: Iterable[InputRecord], wanted: set[str], planned: float) -> int:
    """The number of the last input made since a moment that brought all of these boxes; 0 where none did.

    Args:
        inputs: of the file.
        wanted: the references of the boxes.
        planned: when, seconds since the epoch by the server's clock.
    """
    later = (record for record in inputs if (record.created or 0.0) > planned and wanted <= record.references)
    return last_with(later, wanted)


def brought(inputs: Iterable[InputRecord]) -> set[str]:
    """The references of the boxes that inputs have brought onto a file; they may have gone since."""
    return set().union(*(record.references for record in inputs if was_applied(record)))
