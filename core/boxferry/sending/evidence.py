"""What the server can tell of a packet: its records of inputs, the files of the directory, and the boxes on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boxferry.packets.reference import origin, references_in
from boxferry.sending.outcome import Outcome, input_outcome
from boxferry.sending.routes import only_missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.diffgram.answers import InputRecord
    from boxferry.diffgram.client import Client
    from boxferry.sending.outbox import Entry, Outbox

_EXISTING = re.compile(r"Existing ID is:\s*(\d+)")


class Evidence:
    """Asks the server about packets of one directory; changes nothing."""

    def __init__(self, client: Client, outbox: Outbox, directory_id: int) -> None:
        """Prepare; nothing is asked yet."""
        self._client = client
        self._outbox = outbox
        self._directory_id = directory_id

    def records(self, batch_id: int) -> dict[int | str, InputRecord]:
        """The server's records of one batch, by what `file_key` gives; of two the newer one."""
        found: dict[int | str, InputRecord] = {}
        for record in self._client.inputs(batch_id=batch_id):
            if record.mode == "update" and record.file_id is not None:
                found.setdefault(record.file_id, record)
            elif record.original_filename:
                found.setdefault(record.original_filename, record)
        return found

    def file_named(self, name: str) -> int | None:
        """The id of the directory's file of this name, removed ones left out."""
        found = [
            file.id
            for file in self._client.files(self._directory_id, search=name)
            if file.original_filename == name and file.state != "removed"
        ]
        return found[-1] if found else None

    def missing(self, entry: Entry, file_id: int) -> set[str]:
        """The references of a packet's boxes that a file does not hold."""
        return self._wanted(entry) - references_on(self._client, self._directory_id, file_id)

    def own_records(self, entry: Entry, file_id: int) -> list[InputRecord]:
        """The records of a file that carried boxes of this packet."""
        wanted = self._wanted(entry)
        return [record for record in self._client.inputs(file_id=file_id) if wanted & _references_sent(record)]

    def clash(self, entry: Entry, outcome: Outcome) -> Outcome:
        """A refusal because the name is taken, looked into: it may be taken by this very run.

        Where the file holds all of the packet's boxes, it is done; a packet without boxes too, for the image is there.
        Where it holds some of this run, the missing ones are to be appended. Else it is somebody else's: it is refused.
        """
        match = _EXISTING.search(outcome.reason)
        if outcome.state != "refused" or match is None:
            return outcome
        file_id, wanted = int(match[1]), self._wanted(entry)
        there = references_on(self._client, self._directory_id, file_id)
        if not wanted - there:
            return Outcome("applied", "", outcome.input_id, file_id)
        if not {origin(reference) for reference in wanted} & {origin(reference) for reference in there}:
            return outcome
        self._outbox.append_instead(entry.id, *only_missing(self._outbox.body(entry.id), file_id, wanted - there))
        return Outcome("queued", "", outcome.input_id, file_id)

    def _wanted(self, entry: Entry) -> set[str]:
        return references_in(self._outbox.body(entry.id))


def references_on(client: Client, directory_id: int, file_id: int) -> set[str]:
    """The references of the boxes that a file on the server holds."""
    there = client.instances(file_id, directory_id=directory_id)
    return {box.creation_ref_id for box in there if box.creation_ref_id}


def file_key(entry: Entry) -> int | str:
    """What identifies a packet within its batch: the file's id for an update, its name for a new file."""
    return entry.file_id if entry.route == "existing" and entry.file_id is not None else entry.file_name


def ended(records: Iterable[InputRecord]) -> bool:
    """Whether the server is done with all of them."""
    return all(input_outcome(record) is not None for record in records)


def _references_sent(record: InputRecord) -> set[str]:
    boxes = record.instance_list.get("list") if isinstance(record.instance_list, dict) else None
    return {str(box.get("creation_ref_id")) for box in boxes or () if isinstance(box, dict)}
