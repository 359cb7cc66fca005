"""What other senders put onto files, as far as it makes a difference: the server's inputs, asked for few files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.destination import LIST_LIMIT
from boxferry.outbox.outcome import State, input_outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from boxferry.destination import Bulk, Client, InputRecord

SINGLY = 8  #: so many files are always asked for singly


def inputs_of(client: Client, bulk: Bulk, files: Mapping[int, int]) -> dict[int, list[InputRecord]]:
    """The inputs of some files that ended well, the oldest first.

    The newest thousand of the project are one call, and tell everything of a file whose first packet is among them, or
    is newer; the other files are asked for singly.

    Args:
        client: asks the server.
        bulk: asks for several files at once.
        files: file id → the number of the first input that counts; 0 where that is unknown.

    Raises:
        DiffgramError: the server cannot be asked.
    """
    newest = client.inputs() if len(files) > SINGLY else None
    told = set() if newest is None else _told(newest, files)
    found = _by_file(newest or [], told)
    singly = [file_id for file_id in files if file_id not in told]
    asked = bulk.each(lambda file_id: (file_id, client.inputs(file_id=file_id)), singly)
    return found | {file_id: list(_applied(records)) for file_id, records in asked}


def _told(newest: list[InputRecord], files: Mapping[int, int]) -> set[int]:
    """The files of which the newest inputs tell everything that counts."""
    if len(newest) < LIST_LIMIT:
        return set(files)
    oldest = min(record.id or 0 for record in newest)
    return {file_id for file_id, first in files.items() if oldest <= first}


def _by_file(records: list[InputRecord], wanted: Collection[int]) -> dict[int, list[InputRecord]]:
    found: dict[int, list[InputRecord]] = {file_id: [] for file_id in wanted}
    for record in _applied(records):
        if record.file_id in found:
            found[record.file_id].append(record)
    return found


def _applied(records: list[InputRecord]) -> Iterator[InputRecord]:
    for record in reversed(records):  # a list has the newest first
        outcome = input_outcome(record)
        if outcome is not None and outcome.state == State.APPLIED:
            yield record
