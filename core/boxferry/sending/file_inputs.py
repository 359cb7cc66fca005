"""The inputs of many files, ended ones too: what was ever sent to them, whoever sent it; read in few calls."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from boxferry.diffgram.bulk import FEW, Bulk
from boxferry.diffgram.client import LIST_LIMIT, NO_LIMIT
from boxferry.errors import Refused, Unreachable, Unsure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from boxferry.diffgram.answers import InputRecord
    from boxferry.diffgram.client import Client

log = logging.getLogger("boxferry.sending")

EARLIER = timedelta(days=1)  #: how much earlier than a run its first input may have been made, to be on the safe side


class FileInputs:
    """Reads the inputs of files; changes nothing."""

    def __init__(self, client: Client, directory_id: int, *, since: float | None = None) -> None:
        """Prepare; nothing is asked yet.

        Args:
            client: asks the server.
            directory_id: the directory of the files.
            since: no earlier input counts, seconds since the epoch by the server's clock; None where that is unknown.
        """
        self._client = client
        self._bulk = Bulk(client, directory_id)
        self._since = None if since is None else datetime.fromtimestamp(since, UTC) - EARLIER
        self._all: list[InputRecord] | None = None

    def of(self, file_ids: Collection[int]) -> dict[int, list[InputRecord]]:
        """The inputs of each of these files, the oldest first; with the boxes of videos' frames.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        if len(file_ids) > FEW and self._all is None:
            self._all = self._listed(len(file_ids))
        if self._all is not None:
            found = _by_file(self._all, set(file_ids))
        else:
            singly = self._bulk.each(lambda file_id: self._client.inputs(file_id=file_id), file_ids)
            found = _by_file((record for records in singly for record in records), set(file_ids))
        return {file_id: [self._whole(record) for record in reversed(records)] for file_id, records in found.items()}

    def _whole(self, record: InputRecord) -> InputRecord:
        """A record with the boxes of its frames, which lists leave out."""
        if record.media_type != "video" or record.id is None:
            return record
        return self._client.input(record.id)

    def _listed(self, wanted: int) -> list[InputRecord] | None:
        """All inputs that count, in one list or in one a day; None where it is better to ask for each file."""
        since = None if self._since is None else f"{self._since:%Y-%m-%d}"
        newest = self._client.inputs(since=since)
        if len(newest) < LIST_LIMIT:
            return newest
        days = list(self._days())
        if not days or len(days) > wanted:
            return None
        try:
            return [record for day in days for record in self._of_day(day)]
        except (Refused, Unreachable, Unsure) as error:
            log.debug("the inputs of each file are asked for: %s", error)
            return None

    def _of_day(self, day: datetime) -> list[InputRecord]:
        following = day + timedelta(days=1)
        return self._client.inputs(limit=NO_LIMIT, since=f"{day:%Y-%m-%d}", before=f"{following:%Y-%m-%d}")

    def _days(self) -> Iterator[datetime]:
        """The days to look at, the newest first; none where it is unknown when to begin."""
        if self._since is None:
            return
        day = datetime.fromtimestamp(self._client.now(), UTC) + EARLIER
        while day.date() >= self._since.date():
            yield day
            day -= timedelta(days=1)


def _by_file(records: Iterable[InputRecord], wanted: set[int]) -> dict[int, list[InputRecord]]:
    """The records of the wanted files, in their order, each once."""
    found: dict[int, dict[int | None, InputRecord]] = {}
    for record in records:
        if record.file_id is not None and record.file_id in wanted:
            found.setdefault(record.file_id, {}).setdefault(record.id, record)
    return {file_id: list(each.values()) for file_id, each in found.items()}
