"""The server's records of one batch of packets, each found by the packet that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.outbox.kinds import Via
from boxferry.outbox.outcome import input_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.destination import InputRecord
    from boxferry.outbox.entry import Entry


class Records:
    """The server's records of one batch, the newest first, by the file that they are about.

    Attributes:
        all: every record.
    """

    def __init__(
        self,
        records: Iterable[InputRecord],
        references_of: Callable[[Entry], set[str]],
        whole: Callable[[InputRecord], InputRecord] = lambda record: record,
    ) -> None:
        """Sort them.

        Args:
            records: the records.
            references_of: gives the references of an entry's boxes.
            whole: gives a record with the boxes of its frames.
        """
        self.all = list(records)
        self._by_file: dict[int | str, list[InputRecord]] = {}
        self._references_of = references_of
        self._whole = whole
        for record in self.all:
            key = record.file_id if record.updates else record.original_filename
            if key is not None:
                self._by_file.setdefault(key, []).append(record)

    def of(self, entry: Entry) -> InputRecord | None:
        """The record of a packet: that of its file, by id or for a new one by name, with its boxes in it."""
        found = self._by_file.get(file_key(entry), [])
        wanted = self._references_of(entry) if found else set()
        return next((record for record in found if self._carries(record, wanted, alone=len(found) == 1)), None)

    def _carries(self, record: InputRecord, wanted: set[str], *, alone: bool) -> bool:
        """Whether a record has the wanted boxes; where it shows none at all, the only one of the file is believed."""
        if not wanted:
            return True
        carried = record.references or self._whole(record).references
        return wanted <= carried if carried else alone


def file_key(entry: Entry) -> int | str:
    """What identifies a packet's file within its batch: the file's id for an update, its name for a new file."""
    return entry.file_id if entry.route == Via.EXISTING and entry.file_id is not None else entry.file_name


def ended(records: Iterable[InputRecord]) -> bool:
    """Whether the server is done with all of them."""
    return all(input_outcome(record) is not None for record in records)
