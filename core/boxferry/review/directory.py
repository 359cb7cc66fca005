"""Reads a whole directory: what its files hold and what was ever sent to them; of what did not move, nothing is asked.

No outbox is needed: files, rows and inputs are the server's. What is sent to a file between two of the calls shows as
boxes of which no input is known yet, never as boxes that people deleted: inputs are asked for before rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec

from boxferry.destination import BOXES_SHARE, LIST_LIMIT, Bulk, InputRecord, few, moment
from boxferry.errors import AuthError
from boxferry.outbox.outcome import State, input_outcome
from boxferry.review.cache import Known, packed_input
from boxferry.review.file_reader import known_file, listed_files
from boxferry.stored.file_inputs import FileInputs, by_file, first_begun

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from boxferry.destination import Client, FileRecord
    from boxferry.review.cache import Cache

UNTIL = 0  #: the number under which the cache has what inputs are known; no file has it

_input = msgspec.json.Decoder(InputRecord)


class Until(NamedTuple):
    """Up to which input what was applied to the cached files is known.

    Attributes:
        number: of the last of them; inputs are numbered in the order in which they are made.
        made: when that was, seconds since the epoch by the server's clock.
    """

    number: int
    made: float

    def __str__(self) -> str:
        return f"{self.number} {self.made!r}"


class DirectoryReader:
    """Reads the files of one directory into the cache.

    Attributes:
        listed: file id → the file as the directory lists it, removed ones left out.
        unfinished: what the server has not ended, of the whole project.
    """

    def __init__(
        self,
        client: Client,
        directory_id: int,
        cache: Cache,
        *,
        listed: Mapping[int, FileRecord],
        unfinished: list[InputRecord],
        now: float,
    ) -> None:
        """Prepare.

        Args:
            client: asks the server.
            directory_id: the directory.
            cache: keeps what was read.
            listed: see `listed`.
            unfinished: see `unfinished`; asked for before the files were listed.
            now: when that was, seconds since the epoch by the server's clock.
        """
        self._client, self._directory_id, self._cache = client, directory_id, cache
        self.listed, self.unfinished, self._now = listed, unfinished, now
        self._known_now: Until | None = None

    @classmethod
    def of_directory(cls, client: Client, directory_id: int, cache: Cache) -> Self:
        """List the files of a directory.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        unfinished, now = client.unfinished(), client.now()
        listed = listed_files(client, directory_id)
        return cls(client, directory_id, cache, listed=listed, unfinished=unfinished, now=now)

    def read(self, on_file: Callable[[int, int], None]) -> None:
        """Read the files that changed since they were read last; others are not asked for.

        Args:
            on_file: called with how many files are read, and of how many.

        Raises:
            DiffgramError: the server cannot be asked; what was read so far is in the cache.
        """
        moved = [file for file in self.listed.values() if not (_blank(file) or self._cached(file, moved=False))]
        done = len(self.listed) - len(moved)
        on_file(done, len(self.listed))
        inputs = self._inputs(moved)
        by_pages = not few(len(moved), among=len(self.listed), share=BOXES_SHARE)
        found = Bulk(self._client, self._directory_id).boxes(moved, by_pages=by_pages)
        for count, file in enumerate(found, start=done + 1):
            known = known_file(self._client, file, self.listed[file.file_id])
            self._cache.put(msgspec.structs.replace(known, inputs=inputs.get(file.file_id, [])))
            on_file(count, len(self.listed))
        if self._known_now is not None:
            self._cache.put(Known(file_id=UNTIL, name="", changed=str(self._known_now)))

    def files(self) -> Iterator[tuple[FileRecord, Known, list[InputRecord]]]:
        """Each file as it is listed, with its boxes, and with what was applied to it, the oldest first; by their ids.

        A file on which no box was ever put has no size, unless people have completed it.
        """
        for file_id, file in sorted(self.listed.items()):
            known = None if _blank(file) else self._cache.get(file_id)
            if known is None and not _blank(file):
                continue  # it went while the others were read
            known = known or Known(file_id=file_id, name=file.original_filename or "", changed="")
            yield file, known, [_input.decode(each) for each in known.inputs or ()]

    def _cached(self, file: FileRecord, *, moved: bool) -> bool:
        """Whether the cache has a file, as it is now or, where it has `moved`, as it was some time ago."""
        if not moved and not self._cache.knows(file):
            return False
        known = self._cache.get(file.id)
        if known is None or known.inputs is None:
            return False
        made, changed = moment(file.created_time) or 0.0, moment(known.changed)
        return changed is not None and made <= changed  # else it is a file of another server with the same number

    def _inputs(self, moved: Collection[FileRecord]) -> dict[int, list[msgspec.Raw]]:
        """What was applied to files that moved: what was known of them, and what has come since."""
        if not moved:
            return {}
        newest, until = self._client.inputs(limit=LIST_LIMIT), self._until()
        self._known_now = self._ended(newest)
        later = [file for file in moved if until and self._is_known_until(file, until)]
        known = {file.id: self._kept(file) for file in later}
        fresh = {file.id for file in moved} - known.keys()
        for file_id, records in {**self._later(newest, until, set(known)), **self._whole(newest, fresh)}.items():
            known.setdefault(file_id, {}).update(_applied(records))
        return {file_id: [records[number] for number in sorted(records)] for file_id, records in known.items()}

    def _ended(self, newest: Collection[InputRecord]) -> Until | None:
        """Up to which input all have ended."""
        waiting = [*self.unfinished, *(record for record in newest if input_outcome(record) is None)]
        last = max((record.id or 0 for record in newest), default=0)
        first = min((record.id or 0 for record in waiting), default=last + 1)
        made = min([self._now, *(record.created or 0.0 for record in waiting)])
        return Until(min(last, first - 1), made) if last else None

    def _later(
        self, newest: Collection[InputRecord], until: Until | None, wanted: set[int]
    ) -> dict[int, list[InputRecord]]:
        """What was sent to files since they were read last, as a rule out of the newest inputs alone."""
        if not wanted or until is None:
            return {}
        oldest = min((record.id or 0 for record in newest), default=0)
        if len(newest) < LIST_LIMIT or oldest <= until.number + 1:
            return by_file(newest, wanted)
        return FileInputs(self._client, self._directory_id, since=lambda: until.made, singly=0).of(wanted)

    def _whole(self, newest: Collection[InputRecord], wanted: set[int]) -> dict[int, list[InputRecord]]:
        """All that was ever sent to files."""
        if not wanted or len(newest) < LIST_LIMIT:
            return by_file(newest, wanted)
        return FileInputs(self._client, self._directory_id, since=self._begun).of(wanted)

    def _is_known_until(self, file: FileRecord, until: Until) -> bool:
        """Whether what was sent to a file before that time is in the cache, or nothing can have been."""
        return self._cached(file, moved=True) or (moment(file.created_time) or 0.0) >= until.made

    def _kept(self, file: FileRecord) -> dict[int, msgspec.Raw]:
        known = self._cache.get(file.id) if self._cached(file, moved=True) else None
        records = (known.inputs if known else None) or []
        return {_input.decode(each).id or 0: each for each in records}

    def _until(self) -> Until | None:
        known = self._cache.get(UNTIL)
        if known is None:
            return None
        number, made = known.changed.split()
        return Until(int(number), float(made))

    def _begun(self) -> float | None:
        """When the server first knew of any run; None where it does not tell."""
        try:
            return first_begun(self._client.model_runs())
        except AuthError:
            return None  # a viewer's key may not ask for runs


def _blank(file: FileRecord) -> bool:
    """Whether there is nothing to read: no box was ever put there, and people have not completed it."""
    return file.never_had_boxes and not file.ann_is_complete


def _applied(records: list[InputRecord]) -> Iterator[tuple[int, msgspec.Raw]]:
    for record in records:
        outcome = input_outcome(record)
        if outcome is not None and outcome.state == State.APPLIED and record.id is not None:
            yield record.id, packed_input(record)
