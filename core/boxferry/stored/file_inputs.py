"""The inputs of many files, ended ones too: what was ever sent to them, whoever sent it; read in few calls."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from boxferry.destination import FEW, LIST_LIMIT, NO_LIMIT, Bulk, moment
from boxferry.errors import Refused, Unreachable, Unsure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from boxferry.destination import Client, InputRecord, ModelRun

log = logging.getLogger("boxferry.stored")

EARLIER = timedelta(days=1)  #: how much earlier than a run its first input may have been made, to be on the safe side

MOST_HELD = 200_000_000  #: bytes of boxes, in JSON, that are kept of the inputs of all files


class FileInputs:
    """Reads the inputs of files; changes nothing."""

    def __init__(
        self,
        client: Client,
        directory_id: int,
        *,
        since: Callable[[], float | None] = lambda: None,
        singly: int = FEW,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            client: asks the server.
            directory_id: the directory of the files.
            since: tells from when on inputs count, seconds since the epoch by the server's clock; None where that is
                unknown. Called where many files are asked for.
            singly: so many files are asked for one by one, before a list of all is tried.
        """
        self._client = client
        self._bulk = Bulk(client, directory_id)
        self._begun = since
        self._asked, self._enough = 0, singly  #: how many files were asked for; above how many a list is tried
        self._all: list[InputRecord] | None = None

    def of(self, file_ids: Collection[int]) -> dict[int, list[InputRecord]]:
        """The inputs of each of these files, the oldest first; with the boxes of videos' frames.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        self._asked += len(file_ids)
        if self._asked > self._enough and self._all is None:
            self._all, self._enough = self._listed(self._asked), 2 * self._asked
        if self._all is not None:
            found = by_file(self._all, set(file_ids))
        else:
            singly = self._bulk.each(lambda file_id: self._client.inputs(file_id=file_id), file_ids)
            found = by_file((record for records in singly for record in records), set(file_ids))
        return {file_id: [self._whole(record) for record in reversed(records)] for file_id, records in found.items()}

    def _whole(self, record: InputRecord) -> InputRecord:
        """A record with the boxes of its frames, which lists leave out."""
        if record.media_type != "video" or record.id is None:
            return record
        return self._client.input(record.id)

    def _listed(self, wanted: int) -> list[InputRecord] | None:
        """All inputs that count, in one list or in one a day; None where it is better to ask for each file."""
        begun = self._begun()
        since = None if begun is None else datetime.fromtimestamp(begun, UTC) - EARLIER
        newest = self._client.inputs(since=None if since is None else f"{since:%Y-%m-%d}")
        if len(newest) < LIST_LIMIT:
            return newest
        days = [] if since is None else list(self._days(since))
        if not days or len(days) > wanted:
            return None
        try:
            return self._of_days(days)
        except (Refused, Unreachable, Unsure) as error:
            log.debug("the inputs of each file are asked for: %s", error)
            return None

    def _of_days(self, days: Iterable[datetime]) -> list[InputRecord] | None:
        """The inputs of some days; None where their boxes take too much memory."""
        found: list[InputRecord] = []
        held = 0
        for day in days:
            found += (of_day := self._of_day(day))
            held += sum(len(memoryview(record.instance_list)) for record in of_day)
            if held > MOST_HELD:
                return None
        return found

    def _of_day(self, day: datetime) -> list[InputRecord]:
        following = day + timedelta(days=1)
        return self._client.inputs(limit=NO_LIMIT, since=f"{day:%Y-%m-%d}", before=f"{following:%Y-%m-%d}")

    def _days(self, since: datetime) -> Iterator[datetime]:
        """The days to look at, the newest first."""
        day = datetime.fromtimestamp(self._client.now(), UTC) + EARLIER
        while day.date() >= since.date():
            yield day
            day -= timedelta(days=1)


def first_begun(runs: Iterable[ModelRun]) -> float | None:
    """When the first of a project's runs began, seconds since the epoch; None where the server does not tell."""
    times = [moment(run.created_time) for run in runs]
    return None if None in times else min(filter(None, times), default=None)


def by_file(records: Iterable[InputRecord], wanted: set[int]) -> dict[int, list[InputRecord]]:
    """The records of the wanted files, in their order, each once."""
    found: dict[int, dict[int | None, InputRecord]] = {}
    for record in records:
        if record.file_id is not None and record.file_id in wanted:
            found.setdefault(record.file_id, {}).setdefault(record.id, record)
    return {file_id: list(each.values()) for file_id, each in found.items()}
