"""Whether a file's id still stands for the picture that packets were made for; else nothing is written to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.outbox.kinds import Via
from boxferry.plan.server_size import factor
from boxferry.plan.target import SkipReason
from boxferry.stored.stored_boxes import StoredBoxes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.destination import Client, FileRecord
    from boxferry.outbox.entry import Entry


def changed_files(client: Client, directory_id: int, entries: Iterable[Entry]) -> dict[int, str]:
    """File id → why it is not the file that packets were made for; by one list of the directory.

    Args:
        client: asks the server.
        directory_id: the directory.
        entries: packets for files that are there.

    Raises:
        DiffgramError: the server cannot be asked.
    """
    wanted = {entry.file_id: entry for entry in entries if entry.file_id is not None and entry.route == Via.EXISTING}
    if not wanted:
        return {}
    listed = {file.id: file for file in client.files(directory_id) if not file.removed}
    stored_boxes = StoredBoxes(client, directory_id, listed.values(), expected=len(wanted))
    stored_boxes.load_sizes([file_id for file_id, entry in wanted.items() if entry.width and entry.height])
    found: dict[int, str] = {}
    for file_id, entry in wanted.items():
        file = listed.get(file_id) or moved(client, directory_id, file_id)
        problem = "it is not on the server any more" if file is None else other_file(entry, file, stored_boxes)
        if problem:
            found[file_id] = f"file {file_id} is not what the boxes were made for: {problem}"
    return found


def moved(client: Client, directory_id: int, file_id: int) -> FileRecord | None:
    """A file that is not in the directory's list, because it was moved; None for one that is gone."""
    file = client.found(file_id, directory_id=directory_id)
    return None if file is None or file.removed else file


def other_file(entry: Entry, file: FileRecord, stored_boxes: StoredBoxes) -> str:
    """Why a file cannot be the one that a packet was made for; empty where it can."""
    if file.original_filename != entry.file_name:
        return f"it is called '{file.original_filename}' now, not '{entry.file_name}'"
    if not (entry.width and entry.height):
        return ""
    found = factor((entry.width, entry.height), stored_boxes.size(file.id))
    return found.message if isinstance(found, SkipReason) else ""
