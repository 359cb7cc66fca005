"""Under which names boxes were sent with each label: a label can be renamed, and keeps its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxferry.packets.contents import boxes_in
from boxferry.packets.reference import parsed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from boxferry.destination import InputRecord
    from boxferry.outbox.outbox import Outbox

LOOKED_AT = 2000  #: the newest packets of the outbox
INPUTS = 200  #: the newest inputs of the server


def sent_from_here(outbox: Outbox, host: str, project: str) -> dict[int, set[str]]:
    """Label id → the names under which the outbox's newest packets had it."""
    found: dict[int, set[str]] = {}
    for body in outbox.newest_bodies(host, project, LOOKED_AT):
        for box in boxes_in(body):
            _put(found, box.label_id, box.reference)
    return found


def sent_by_anyone(records: Iterable[InputRecord]) -> dict[int, set[str]]:
    """Label id → the names under which inputs had it, whoever sent them; rows that were sent back do not count."""
    found: dict[int, set[str]] = {}
    for record in records:
        for box in record.boxes:
            if box.id is None:
                _put(found, box.label_id, box.reference)
    return found


def _put(found: dict[int, set[str]], number: Any, reference: Any) -> None:  # noqa: ANN401 # whatever was sent
    told = parsed(reference)
    if told is not None and isinstance(number, int) and number >= 0:
        found.setdefault(number, set()).add(told.label)


def called_now(name: str, there: Mapping[int, str], sent: Mapping[int, Collection[str]]) -> list[str]:
    """What a label that is not there under its name is called now, where it was only renamed."""
    others = [there[number] for number, names in sent.items() if name in names and number in there]
    return sorted(set(others) - {name})
