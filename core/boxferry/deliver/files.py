"""The files of a push, one by one, as a script or a notebook looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.notebook import plain_table
from boxferry.reading.tables import data_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas import DataFrame

    from boxferry.outbox.entry import Entry

SHOWN = 20  #: files that a notebook lists


class FileResult(NamedTuple):
    """One packet, which is about one file.

    Attributes:
        name: the file's name on the server.
        file_id: its id, where it is known.
        state: 'queued', 'sending', 'unsure', 'accepted', 'stuck', 'applied' or 'refused'; 'planned' in a dry run.
        boxes: how many boxes the packet has.
        reason: why it is not applied, or what is not as it should be after it was; empty where nothing is wrong.
    """

    name: str
    file_id: int | None
    state: str
    boxes: int
    reason: str


class FileResults(tuple[FileResult, ...]):
    """The packets of a run, in the order of their planning; several pushes of a run have several for a file."""

    __slots__ = ()

    def __repr__(self) -> str:
        states = dict[str, int]()
        for each in self:
            states[each.state] = states.get(each.state, 0) + 1
        return f"<FileResults: {', '.join(f'{n} {state}' for state, n in states.items()) or 'none'}>"

    def _repr_html_(self) -> str:
        """The first of them as a table, for a notebook."""
        more = f"<p>and {len(self) - SHOWN} more</p>" if len(self) > SHOWN else ""
        return plain_table(FileResult._fields, self[:SHOWN]) + more

    def to_pandas(self) -> DataFrame:
        """A table, a packet a row.

        Raises:
            UsageError: pandas is not installed.
        """
        return data_frame([each._asdict() for each in self] or {name: [] for name in FileResult._fields})


def file_results(entries: Iterable[Entry]) -> FileResults:
    """The packets of an outbox as results."""
    return FileResults(
        FileResult(entry.file_name, entry.file_id, str(entry.state), entry.boxes, entry.reason) for entry in entries
    )
