"""What the server has accepted and not ended yet, whoever sent it: its boxes are as good as sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.destination import InputRecord


class Coming(NamedTuple):
    """An input that has not ended: its number, and the references of its boxes."""

    input_id: int
    references: set[str]


class UnderWay:
    """The boxes of a project's unfinished inputs, by the file that they are for."""

    def __init__(
        self,
        records: Iterable[InputRecord] = (),
        directory_id: int | None = None,
        *,
        of_file: Callable[[int], Iterable[InputRecord]] = lambda _: (),
    ) -> None:
        """Sort the records.

        Args:
            records: the unfinished inputs.
            directory_id: the directory in which new files count; None for any.
            of_file: gives all inputs of a file, ended ones too; it is asked only when it counts.
        """
        self._of_file = of_file
        self._on: dict[int, list[Coming]] = {}
        self._named: dict[str, list[Coming]] = {}
        for record in records:
            if record.id is None:
                continue
            coming = Coming(record.id, record.references)
            if record.file_id is not None:
                self._on.setdefault(record.file_id, []).append(coming)
            elif record.original_filename and _made_in(record, directory_id):
                self._named.setdefault(record.original_filename, []).append(coming)

    def on(self, file_id: int) -> list[Coming]:
        """The inputs whose boxes are about to come onto a file."""
        return self._on.get(file_id, [])

    def named(self, file_name: str) -> list[Coming]:
        """The inputs that are about to make a file of this name."""
        return self._named.get(file_name, [])

    def ever_on(self, file_id: int) -> set[str]:
        """The references that any input of a file has carried."""
        return set().union(*(record.references for record in self._of_file(file_id)))


def carried(coming: Iterable[Coming]) -> set[str]:
    """The references of the boxes of some inputs."""
    return set().union(*(each.references for each in coming))


def _made_in(record: InputRecord, directory_id: int | None) -> bool:
    told = record.directory.id if record.directory else None
    return None in {told, directory_id} or told == directory_id
