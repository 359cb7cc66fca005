"""What the server has accepted and not ended yet, whoever sent it: its boxes are as good as sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.diffgram.answers import InputRecord


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
        self._on: dict[int, set[str]] = {}
        self._named: dict[str, set[str]] = {}
        for record in records:
            if record.file_id is not None:
                self._on.setdefault(record.file_id, set()).update(record.references)
            elif record.original_filename and _made_in(record, directory_id):
                self._named.setdefault(record.original_filename, set()).update(record.references)

    def on(self, file_id: int) -> set[str]:
        """The references of the boxes that are about to come onto a file."""
        return self._on.get(file_id, set())

    def named(self, file_name: str) -> set[str]:
        """The references of the boxes of a file that is about to be made under this name."""
        return self._named.get(file_name, set())

    def ever_on(self, file_id: int) -> set[str]:
        """The references that any input of a file has carried."""
        return set().union(*(record.references for record in self._of_file(file_id)))


def _made_in(record: InputRecord, directory_id: int | None) -> bool:
    told = record.directory.id if record.directory else None
    return None in {told, directory_id} or told == directory_id
