"""Files that people have completed: what was planned some time ago replaces their boxes only where that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.outbox.kinds import REPLACING
from boxferry.stored.before import Before, encoded
from boxferry.stored.stored_boxes import StoredBoxes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from boxferry.boxes.tally import Tally
    from boxferry.destination import Client
    from boxferry.outbox.entry import Entry


def unless_completed(
    client: Client, directory_id: int, entries: Sequence[Entry], tally: Tally, *, replace_completed: bool
) -> Iterator[Entry]:
    """The packets of a plan without those that replace boxes of files that people have completed by now.

    Args:
        client: asks the server, where a packet replaces boxes.
        directory_id: the directory of the files.
        entries: the packets.
        tally: counts the boxes of those that are left out.
        replace_completed: let all of them through.

    Raises:
        DiffgramError: the server cannot be asked.
    """
    replacing = {entry.file_id for entry in entries if entry.mode in REPLACING}
    stored_boxes = StoredBoxes(client, directory_id, client.files(directory_id) if replacing else ())
    for entry in entries:
        complete = entry.mode in REPLACING and stored_boxes.complete(entry.file_id or 0)
        if complete and not replace_completed:
            message = f"file {entry.file_id} is completed: its boxes were kept; use replace-completed to change them"
            tally.discard(Code.COMPLETED, message, Place(entry.file_name), boxes=entry.boxes)
        elif complete:
            yield msgspec.structs.replace(entry, before=encoded(Before(complete=True)))
        else:
            yield entry
