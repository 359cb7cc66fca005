"""When people saved boxes that are not there as they were any more, by what later packets sent back; pure.

A box that people change twice, or change and delete, leaves only its last row. A replacing packet that went out in
between has the earlier one in its list, with the time of its save.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.destination import moment
from boxferry.packets.reference import is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.destination import InputRecord
    from boxferry.packets.rows import Row


def saves_found(inputs: Iterable[InputRecord]) -> Iterator[float]:
    """When people made or changed the rows that packets found on a file, seconds since the epoch.

    Args:
        inputs: what was applied to the file.
    """
    for record in inputs:
        for row in record.boxes:
            if _saved(row) and (made := moment(row.created_time)) is not None:
                yield made


def _saved(row: Row) -> bool:
    """Whether a box of a packet's list is a row that the file had, and that a person saved."""
    if row.id is None or row.untouched or row.by_packet:
        return False
    return row.is_changed or not is_ours(row.reference)
