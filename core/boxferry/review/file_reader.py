"""Reads what files hold now, into a cache; of files that did not change since they were read, nothing is asked."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Self

import msgspec

from boxferry.destination import BOXES_SHARE, Bulk, FileRecord, InputRecord, few
from boxferry.review.cache import Known, packed, packed_input
from boxferry.review.others import inputs_of
from boxferry.review.rows import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from boxferry.destination import Client, StoredFile
    from boxferry.review.cache import Cache

_input = msgspec.json.Decoder(InputRecord)


class FileReader:
    """Reads what files hold now, into the cache as far as their list tells when they changed."""

    def __init__(self, client: Client, directory_id: int, listed: Mapping[int, FileRecord], cache: Cache) -> None:
        """Prepare; `listed` are the files of the directory by their ids, without removed ones."""
        self._client = client
        self._bulk = Bulk(client, directory_id)
        self._cache = cache
        self._listed = listed
        self._elsewhere: dict[int, tuple[Known, bool]] = {}

    @classmethod
    def of_directory(cls, client: Client, directory_id: int, cache: Cache) -> Self:
        """List the files of a directory.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        return cls(client, directory_id, listed_files(client, directory_id), cache)

    def read(self, file_ids: Collection[int], on_file: Callable[[int, int], None]) -> None:
        """Read the files that changed, or are not in the directory's list, which are moved or removed."""
        there = [self._listed[file_id] for file_id in file_ids if file_id in self._listed]
        moved = [file for file in there if not self._cache.knows(file)]
        strange = [FileRecord(id=file_id) for file_id in file_ids if file_id not in self._listed]
        by_pages = not few(len(moved), among=len(self._listed), share=BOXES_SHARE)
        done = len(there) - len(moved)
        on_file(done, len(file_ids))
        found = chain(self._bulk.boxes(moved, by_pages=by_pages), self._bulk.boxes(strange, by_pages=False))
        for count, file in enumerate(found, start=done + 1):
            self._keep(file)
            on_file(count, len(file_ids))

    def _keep(self, file: StoredFile) -> None:
        listed = self._listed.get(file.file_id)
        known = known_file(self._client, file, listed)
        if listed:
            self._cache.put(known)
        else:
            self._elsewhere[file.file_id] = known, file.complete

    def known(self, file_id: int) -> Known | None:
        """What was read of a file; None where it is gone."""
        if file_id in self._listed:
            return self._cache.get(file_id)
        return self._elsewhere[file_id][0] if file_id in self._elsewhere else None

    def inputs(self, wanted: Mapping[int, int], files: Mapping[int, Known]) -> dict[int, list[InputRecord]]:
        """What was sent to files, whoever sent it; asked once as long as these do not change.

        They tell when packets of this outbox were applied, too, and one can have been sent by another machine, from a
        copy of it. An outbox that is restored from a backup does not know all that it has sent.

        Args:
            wanted: file id → the number of the first input that counts.
            files: what is known of the files.
        """
        found = {number: files[number].inputs for number in wanted}
        unknown = {number: first for number, first in wanted.items() if found[number] is None}
        for number, records in (inputs_of(self._client, self._bulk, unknown) if unknown else {}).items():
            found[number] = kept = [packed_input(record) for record in records]
            if number in self._listed:
                self._cache.put(msgspec.structs.replace(files[number], inputs=kept))
        return {number: [_input.decode(each) for each in inputs or ()] for number, inputs in found.items()}

    def changed(self, file_id: int) -> float:
        """When a file was last changed, seconds since the epoch by the server's clock; 0 where it does not tell."""
        listed = self._listed.get(file_id)
        return listed.changed if listed else 0.0

    def complete(self, file_id: int) -> bool:
        """Whether the annotation of a file is complete."""
        if file_id in self._listed:
            return bool(self._listed[file_id].ann_is_complete)
        return self._elsewhere[file_id][1]


def listed_files(client: Client, directory_id: int) -> dict[int, FileRecord]:
    """The files of a directory by their ids, removed ones left out.

    Raises:
        DiffgramError: the server cannot be asked.
    """
    return {file.id: file for file in client.files(directory_id) if not file.removed}


def known_file(client: Client, file: StoredFile, listed: FileRecord | None) -> Known:
    """What is kept of a file that was read; one with a row that is no box is to be read again.

    Args:
        client: asks for the size, where it is not told.
        file: what it holds.
        listed: as its directory lists it; None where it is not listed.
    """
    width, height = file.size if all(file.size) else client.view(file.file_id).size
    rows = packed(file.rows)
    return Known(
        file_id=file.file_id,
        name=(listed.original_filename if listed else None) or "",
        changed=((listed.time_last_updated if listed else None) or "") if all(map(readable, rows)) else "",
        width=width,
        height=height,
        video=file.video,
        frames=file.frames,
        frame_rate=file.rate,
        rows=rows,
    )
