"""What the files of one directory hold on the server: their sizes, their boxes, and the runs that these came from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from boxferry.destination import BOXES_SHARE, FEW, SIZES_SHARE, Bulk, ImageRecord, ViewedFile, few
from boxferry.packets.reference import own_origin
from boxferry.stored.claims import reowned
from boxferry.stored.file_inputs import first_begun
from boxferry.stored.ownership import Rows, sorted_rows
from boxferry.stored.row_file import RowFile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from boxferry.destination import Client, FileRecord, ModelRun
    from boxferry.packets.rows import Row
    from boxferry.stored.claims import Claims

MORE = 2  #: so many times as many files as were asked for so far are expected in all


class StoredBoxes:
    """Reads from the server, in few calls where many files are wanted; changes nothing.

    Sizes stay as they were read. Boxes are read anew each time, but those that `load` has read stay as they were then,
    until `forget`. Safe to read from several threads; `load` from one.
    """

    def __init__(
        self,
        client: Client,
        directory_id: int,
        files: Iterable[FileRecord] = (),
        *,
        expected: int = 0,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            client: asks the server.
            directory_id: the directory.
            files: its files as the server lists them; without them, they are listed when many are to be loaded.
            expected: about how many of them are going to be asked for; 0 where unknown.
        """
        self._client = client
        self._directory_id = directory_id
        self._expected = expected
        self._bulk = Bulk(client, directory_id)
        self._files: dict[int, FileRecord] = {}
        self._read_now: dict[int, FileRecord] = {}  # what was read singly tells when, not whether there were boxes
        self._among = 0
        self._views: dict[int, ViewedFile] = {}
        self._sized: set[int] = set()  # what `load_sizes` was asked for
        self._loaded: set[int] = set()  # what `load` was asked for and had to ask the server for
        self._rows = RowFile()
        self._runs: dict[int, str] = {}
        self._listed_runs: list[ModelRun] | None = None
        self._take(files)
        self._given = bool(self._files)

    def load_sizes(self, file_ids: Collection[int]) -> None:
        """Read the sizes of images, so that `view` and `size` need not ask; those of all where many are wanted.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        wanted = {i for i in file_ids if i in self._files and i not in self._views}
        wanted -= {i for i in wanted if self._files[i].type == "video"}
        self._sized |= wanted
        if wanted and self._many(self._sized, SIZES_SHARE):
            self._views.update((file.id, _image(file.size)) for file in self._bulk.sized() if all(file.size))
        left = [file_id for file_id in wanted if file_id not in self._views]
        self._views.update(self._bulk.each(lambda file_id: (file_id, self._client.view(file_id)), left))

    def load(self, file_ids: Collection[int]) -> None:
        """Read the boxes of files, which `rows` and `references` then give.

        Files on which no box was ever put, when the directory was listed, are not asked for. Where the files were given
        and many are wanted, the boxes of all of them are read, for those that are asked for next.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        self._list_unknown(file_ids)
        wanted = [self._files[i] for i in file_ids if i in self._files and i not in self._rows]
        asked = {file.id for file in wanted if not file.never_had_boxes}
        self._loaded |= asked
        by_pages = bool(asked) and self._many(self._loaded, BOXES_SHARE)
        if by_pages and self._given:
            wanted = [file for file in self._files.values() if file.id not in self._rows]
        for file in wanted:
            if file.never_had_boxes:
                self._rows.put(file.id, [])
        for found in self._bulk.boxes([f for f in wanted if not f.never_had_boxes], by_pages=by_pages):
            self._rows.put(found.file_id, found.rows)
            if all(found.size) and not found.video:
                self._views.setdefault(found.file_id, _image(found.size))

    def _list_unknown(self, file_ids: Collection[int]) -> None:
        if sum(file_id not in self._files for file_id in file_ids) > FEW:
            self._take(self._client.files(self._directory_id))

    def _take(self, files: Iterable[FileRecord]) -> None:
        self._files.update((file.id, file) for file in files if not file.removed)
        self._among = len(self._files)

    def _many(self, asked: Collection[int], share: int) -> bool:
        return not few(max(self._expected, MORE * len(asked)), among=self._among, share=share)

    def forget(self, file_id: int) -> None:
        """Read this file anew when it is next asked for."""
        self._rows.drop(file_id)
        self._views.pop(file_id, None)
        self._files.pop(file_id, None)
        self._read_now.pop(file_id, None)

    def view(self, file_id: int) -> ViewedFile:
        """The size of a file's image or video, and a video's frames."""
        self.load_sizes([file_id])
        if file_id not in self._views:
            self._views[file_id] = self._client.view(file_id)
        return self._views[file_id]

    def size(self, file_id: int) -> tuple[int, int]:
        """Width and height in pixels; 0 where the server does not tell them."""
        return self.view(file_id).size

    def complete(self, file_id: int) -> bool:
        """Whether the annotation of a file is complete, as it was listed or last read."""
        return bool(self._record(file_id).ann_is_complete)

    def removed(self, file_id: int) -> bool:
        """Whether a person removed a file; False for one that the server does not know."""
        file = self._client.found(file_id, directory_id=self._directory_id)
        return file is not None and file.removed

    def had_boxes(self, file_id: int) -> bool:
        """Whether a box was ever put on a file, as far as the list tells: what is gone was deleted."""
        file = self._files.get(file_id)
        return file is None or not file.never_had_boxes

    def changed(self, file_id: int) -> str | None:
        """When a file was last changed, by the server's clock, as it was listed or last read; None where unknown."""
        return self._record(file_id).time_last_updated or None

    def changed_when_read(self, file_id: int) -> str | None:
        """As `changed`, of a file that was read or listed already; None of any other: nothing is asked."""
        file = self._read_now.get(file_id) or self._files.get(file_id)
        return (file.time_last_updated or None) if file else None

    def _record(self, file_id: int) -> FileRecord:
        return self._read_now.get(file_id) or self._files.get(file_id) or self._read(file_id)

    def _read(self, file_id: int) -> FileRecord:
        """An image, read now; what was listed of it is replaced."""
        file = self._client.annotated(file_id, directory_id=self._directory_id)
        self._read_now[file_id] = msgspec.structs.replace(file, image=None, instance_list=msgspec.UNSET)
        return file

    def rows(self, file_id: int, *, video: bool = False) -> list[Row]:
        """The boxes of a file, with every key that the server gives."""
        if (kept := self._rows.get(file_id)) is not None:
            return kept
        if not video:
            return self._read(file_id).rows
        frames = self.view(file_id).frames
        return self._client.video_rows(file_id, frames_count=frames, directory_id=self._directory_id)

    def references(self, file_id: int, *, video: bool = False) -> Counter[str]:
        """The references of the boxes that a file holds, each with how often."""
        rows = self.rows(file_id, video=video)
        return Counter(row.reference for row in rows if row.reference)

    def sorted(self, file_id: int, *, file_name: str, model: str) -> Rows:
        """The boxes of an image: a model's own, other models', and people's."""
        rows = self.rows(file_id)
        named = {row.run_id for row in rows if row.run_id is not None}
        if named - self._runs.keys():
            if self._listed_runs is None or named - {run.id for run in self._listed_runs}:
                self._listed_runs = self._client.model_runs()
            there = {run.id: run.reference_id or "" for run in self._listed_runs}
            self._runs = {**dict.fromkeys(named, ""), **self._runs, **there}
        return sorted_rows(rows, file_name=file_name, model=model, runs=self._runs)

    def owned(self, file_id: int, *, file_name: str, models: Sequence[str], run: str, claims: Claims) -> Rows:
        """The boxes of an image as `sorted` gives them, where the boxes of several models count as one's own.

        Args:
            file_id: the file.
            file_name: its name.
            models: the model, and those that it replaces.
            run: the model's run, which the server need not know yet.
            claims: whose the boxes are by what was sent to the file, see `claims`.
        """
        found = self.sorted(file_id, file_name=file_name, model=models[0])
        return reowned(found, claims, set().union(*(self.origins(file_name, model, run) for model in models)))

    def origins(self, file_name: str, model: str, run: str) -> set[str]:
        """What the references of a model's boxes begin with on a file: of the runs that boxes named, and of `run`."""
        return {own_origin(file_name, model, each) for each in {*self._runs.values(), run}}

    def first_run(self) -> float | None:
        """When the project's first run of a model began, seconds since the epoch; None where that is unknown."""
        if self._listed_runs is None:
            self._listed_runs = self._client.model_runs()
        return first_begun(self._listed_runs)


def _image(size: tuple[int, int]) -> ViewedFile:
    return ViewedFile(image=ImageRecord(width=size[0], height=size[1]))
