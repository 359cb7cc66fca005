"""What the server can tell of a packet: its records of inputs, the files of the directory, and the boxes on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boxferry.packets.contents import references_in
from boxferry.packets.reference import origin
from boxferry.sending.outcome import Outcome, input_outcome, refusal
from boxferry.sending.ownership import identities
from boxferry.sending.updates import only_missing, replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.diffgram.answers import InputRecord
    from boxferry.diffgram.client import Client
    from boxferry.sending.holdings import Holdings
    from boxferry.sending.outbox import Entry, Outbox, Run

_EXISTING = re.compile(r"Existing ID is:\s*(\d+)")
UPDATES = ("update", "update_with_existing")
CHAIN = ("previous_id", "root_id")  # of a changed row: the one that was changed, and the first of all


class Evidence:
    """Asks the server about the packets of one run; changes nothing there."""

    def __init__(self, client: Client, outbox: Outbox, run: Run, holdings: Holdings) -> None:
        """Prepare; nothing is asked yet."""
        self._client = client
        self._outbox = outbox
        self._run = run
        self._holdings = holdings

    def records(self, batch_id: int) -> Records:
        """The server's records of one batch."""
        return Records(self._client.inputs(batch_id=batch_id), self._wanted)

    def file_named(self, name: str) -> int | None:
        """The id of the directory's file of this name, removed ones left out."""
        found = [
            file.id
            for file in self._client.files(self._run.directory_id, search=name)
            if file.original_filename == name and file.state != "removed"
        ]
        return found[-1] if found else None

    def missing(self, entry: Entry, file_id: int) -> set[str]:
        """The references of a packet's boxes that a file does not hold."""
        body = self._outbox.body(entry.id)
        return references_in(body) - set(self._holdings.references(file_id, video=b'"frame_packet_map"' in body))

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
        missing = self.missing(entry, file_id)
        if not missing:
            return Outcome("applied", "", outcome.input_id, file_id)
        there = self._holdings.references(file_id)
        if not {origin(reference) for reference in wanted} & {origin(reference) for reference in there}:
            return outcome
        self._outbox.append_instead(entry.id, *only_missing(self._outbox.body(entry.id), file_id, missing))
        return Outcome("queued", "", outcome.input_id, file_id)

    def replacement(self, entry: Entry) -> bytes | None:
        """The body of a replacing packet with the boxes that stay, read now; None where nothing would be in it."""
        file_id, body = entry.file_id or 0, self._outbox.body(entry.id)
        if entry.mode == "replace-all":
            return replacing(body, [])
        rows = self._holdings.sorted(file_id, file_name=entry.file_name, model=self._run.model)
        return replacing(body, rows.kept)

    def compared(self, entry: Entry, record: InputRecord, outcome: Outcome) -> Outcome:
        """What a replacing packet came to, looked at: whether what was to stay is there, and what was sent.

        A person who saves between the reading and the server's work is overwritten. Where that has happened, the rows
        that were sent back are not there any more as they were: the person's are gone, and what was sent has come back
        as new rows, 'undeleted'. The packet then bears a reason.
        """
        rows = self._holdings.rows(entry.file_id or 0)
        there = {row.get("id") for row in rows}
        there |= {row.get(name) for row in rows if row.get("action_type") != "undeleted" for name in CHAIN}
        kept = [box["id"] for box in record.boxes if box.get("id") is not None]
        if lost := [row_id for row_id in kept if row_id not in there]:
            found = f"{len(lost)} of {len(kept)} boxes that were to stay are not as they were"
            return outcome._replace(reason=f"{found}: somebody saved the file meanwhile; look at it")
        if gone := identities(record.boxes) - identities(rows):
            return outcome._replace(reason=f"the server says success, but {len(gone)} boxes are not stored")
        return outcome

    def split(self, entry: Entry, record: InputRecord, outcome: Outcome) -> Outcome | None:
        """What became of a new file that the server calls done and names no id of: a long video, cut into clips.

        Each clip is an input of its own, outside the batch. None while they are being worked on, or not there yet.
        """
        if b'"type":"video"' not in self._outbox.body(entry.id):
            return outcome
        clips = [clip for clip in self._client.inputs() if clip.parent_input_id == record.id]
        if len(clips) < 2 or not ended(clips):
            return None
        if failed := [clip for clip in clips if clip.status == "failed"]:
            reasons = "; ".join(f"{clip.original_filename}: {refusal(clip)}" for clip in failed)
            return Outcome("refused", f"{len(failed)} of {len(clips)} clips: {reasons}", record.id)
        return outcome

    def _wanted(self, entry: Entry) -> set[str]:
        return references_in(self._outbox.body(entry.id))


class Records:
    """The server's records of one batch, the newest first, by the file that they are about."""

    def __init__(self, records: Iterable[InputRecord], references_of: Callable[[Entry], set[str]]) -> None:
        """Sort them; `references_of` tells the references of an entry's boxes."""
        self._by_file: dict[int | str, list[InputRecord]] = {}
        self._references_of = references_of
        for record in records:
            key = record.file_id if record.mode in UPDATES else record.original_filename
            if key is not None:
                self._by_file.setdefault(key, []).append(record)

    def of(self, entry: Entry) -> InputRecord | None:
        """The record of a packet: an update is known by its file's id, a new file by its name.

        Where a batch holds several packets for a file, the boxes that they carry tell them apart.
        """
        found = self._by_file.get(file_key(entry), [])
        if len(found) < 2:
            return found[0] if found else None
        wanted = self._references_of(entry)
        return next((record for record in found if not wanted or wanted & _references_sent(record)), None)


def file_key(entry: Entry) -> int | str:
    """What identifies a packet's file within its batch: the file's id for an update, its name for a new file."""
    return entry.file_id if entry.route == "existing" and entry.file_id is not None else entry.file_name


def ended(records: Iterable[InputRecord]) -> bool:
    """Whether the server is done with all of them."""
    return all(input_outcome(record) is not None for record in records)


def _references_sent(record: InputRecord) -> set[str]:
    return {str(box["creation_ref_id"]) for box in record.boxes if box.get("creation_ref_id") is not None}
