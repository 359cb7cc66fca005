"""Opens directories of the server: their pictures, with the cache that makes the next time short."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from boxferry.errors import UsageError
from boxferry.review.attribute_names import AttributeNames
from boxferry.review.cache import VERSION, Cache
from boxferry.review.directory import DirectoryReader
from boxferry.review.pictures import Names, picture_of
from boxferry.upkeep.retire_names import known_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from boxferry.destination import Client, Directory, InputRecord, Server
    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.review.pictures import Picture


class OpenDirectory(NamedTuple):
    """A directory as it is now.

    Attributes:
        place: the directory.
        pictures: its files, by their ids.
        unfinished: what the server has not ended, of the whole project.
    """

    place: Directory
    pictures: list[Picture]
    unfinished: list[InputRecord]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.place.nickname or str(self.place.id)


def pictures_of(opened: Iterable[OpenDirectory]) -> list[Picture]:
    """The pictures of directories, each once: a server can show one file in several."""
    found: dict[int, Picture] = {}
    for each in opened:
        for picture in each.pictures:
            found.setdefault(picture.file.file_id, picture)
    return list(found.values())


class Shelf:
    """The directories of one project; nothing is asked before one is opened."""

    def __init__(self, client: Client, server: Server, outbox_path: Path, outbox: Outbox | None) -> None:
        """Prepare.

        Args:
            client: asks the server.
            server: where it is.
            outbox_path: where the outbox is, or would be; the cache is beside it.
            outbox: knows what was sent from here; None where there is none, which makes little difference.
        """
        self._client, self._server = client, server
        self._path, self._outbox = outbox_path, outbox

    @property
    def runs(self) -> list[Run]:
        """The runs of this project that the outbox knows."""
        here = (self._server.host, self._server.project)
        return [run for run in (self._outbox.runs() if self._outbox else ()) if (run.host, run.project) == here]

    def places(self, directories: Sequence[str | int], runs: Sequence[str]) -> list[Directory]:
        """The directories that are named, or those to which this outbox has sent the runs.

        Raises:
            NotFound: there is no such directory.
            UsageError: none is named, and the outbox does not know the runs.
        """
        if directories:
            found = [self._client.find_directory(each) for each in directories]
            return list({place.id: place for place in found}.values())
        known = {name: known_runs(name, self.runs) for name in runs}
        strange = next((name for name, meant in known.items() if not meant), None)
        if strange is not None:
            raise UsageError(f"run '{strange}': it is not in the outbox: name its directory too")
        ids = dict.fromkeys(run.directory_id for meant in known.values() for run in meant)
        return [self._client.find_directory(number) for number in ids]

    def labels(self) -> dict[int, str]:
        """label_file_id → label, by their ids: the order in which they were made."""
        found = [self._client.label_names(schema.id) for schema in self._client.schemas()]
        return dict(sorted((number, name) for names in found for number, name in names.items()))

    def open(
        self, places: Iterable[Directory], labels: dict[int, str], on_file: Callable[[int, int], None]
    ) -> list[OpenDirectory]:
        """Read directories, only what changed since the last time.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        attributes = AttributeNames(
            lambda: [group for schema in self._client.schemas() for group in self._client.attribute_groups(schema.id)]
        )
        return [self._opened(place, Names(labels=labels, attributes=attributes), on_file) for place in places]

    def _opened(self, place: Directory, names: Names, on_file: Callable[[int, int], None]) -> OpenDirectory:
        key = (VERSION, self._server.host, self._server.project, place.id)
        name = f"directory-{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.ndjson"
        with Cache(Path(f"{self._path}.pull") / name) as cache:
            reader = DirectoryReader.of_directory(self._client, place.id, cache)
            reader.read(on_file)
            pictures = [
                picture_of(listed, known, inputs, names, self._entries(listed.id))
                for listed, known, inputs in reader.files()
            ]
        return OpenDirectory(place, pictures, reader.unfinished)

    def _entries(self, file_id: int) -> list[tuple[int, Entry]]:
        return self._outbox.onto(self._server.host, self._server.project, file_id) if self._outbox else []
