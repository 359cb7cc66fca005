"""Learns from the server what became of accepted packets, with few calls: one list a batch and round."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from boxferry.sending.outcome import input_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.diffgram.answers import InputRecord
    from boxferry.diffgram.client import Client
    from boxferry.sending.outbox import Entry, Outbox, Run
    from boxferry.sending.outcome import Outcome

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class Watcher:
    """Follows the accepted packets of one run until each is applied or refused."""

    def __init__(
        self,
        client: Client,
        outbox: Outbox,
        run: Run,
        *,
        on_change: Callable[[Entry, Outcome], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare; nothing is asked yet. `on_change` is told what became of each packet."""
        self._client = client
        self._outbox = outbox
        self._run = run
        self._on_change = on_change
        self._clock = clock
        self._sleep = sleep

    def watch(self, timeout_s: float) -> bool:
        """Ask until every accepted packet has ended, or for `timeout_s` seconds; tells whether all have ended.

        The pauses grow while nothing changes, and are short again when something has.
        """
        deadline = self._clock() + timeout_s
        pause = FIRST_PAUSE_S
        while waiting := self._outbox.entries(self._run.id, ("accepted",)):
            changed = self._look(waiting)
            if changed == len(waiting):
                continue
            if self._clock() + pause > deadline:
                return False
            self._sleep(pause)
            pause = FIRST_PAUSE_S if changed else min(pause * 2, LONGEST_PAUSE_S)
        return True

    def _look(self, waiting: list[Entry]) -> int:
        """One list for each batch; gives how many packets have ended."""
        ended = 0
        for batch_id in sorted({entry.batch_id or 0 for entry in waiting}):
            records = _by_file(self._client.inputs(batch_id=batch_id))
            for entry in (e for e in waiting if e.batch_id == batch_id):
                ended += self._settle(entry, records.get(_file_key(entry)))
        return ended

    def _settle(self, entry: Entry, record: InputRecord | None) -> bool:
        outcome = input_outcome(record) if record else None
        if outcome is None:
            return False
        self._outbox.settle(
            entry.id, outcome.state, reason=outcome.reason, input_id=outcome.input_id, file_id=outcome.file_id
        )
        self._on_change(entry, outcome)
        return True


def _file_key(entry: Entry) -> int | str:
    """What identifies a packet within its batch: the file's id for an update, its name for a new file."""
    return entry.file_id if entry.route == "existing" and entry.file_id is not None else entry.file_name


def _by_file(records: Iterable[InputRecord]) -> dict[int | str, InputRecord]:
    """The records of one batch by file id (updates) and by name (new files); the newest comes first and wins."""
    found: dict[int | str, InputRecord] = {}
    for record in records:
        if record.mode == "update" and record.file_id is not None:
            found.setdefault(record.file_id, record)
        elif record.original_filename:
            found.setdefault(record.original_filename, record)
    return found
