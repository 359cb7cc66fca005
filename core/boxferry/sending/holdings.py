"""What the files of one directory hold on the server: their sizes, their boxes, and the runs that these came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxferry.sending.ownership import Rows, sorted_rows

if TYPE_CHECKING:
    from boxferry.diffgram.answers import ViewedFile
    from boxferry.diffgram.client import Client


class Holdings:
    """Asks the server; changes nothing. Sizes and runs are asked for once, boxes each time."""

    def __init__(self, client: Client, directory_id: int) -> None:
        """Prepare; nothing is asked yet."""
        self._client = client
        self._directory_id = directory_id
        self._views: dict[int, ViewedFile] = {}
        self._runs: dict[int, str] = {}

    def view(self, file_id: int) -> ViewedFile:
        """The size of a file's image or video."""
        if file_id not in self._views:
            self._views[file_id] = self._client.view(file_id)
        return self._views[file_id]

    def rows(self, file_id: int, *, video: bool = False) -> list[dict[str, Any]]:
        """The boxes of a file, with every key that the server gives."""
        if not video:
            return self._client.rows(file_id, directory_id=self._directory_id)
        frames = self.view(file_id).frames
        return self._client.video_rows(file_id, frames_count=frames, directory_id=self._directory_id)

    def references(self, file_id: int, *, video: bool = False) -> set[str]:
        """The references of the boxes that a file holds."""
        rows = self.rows(file_id, video=video)
        return {row["creation_ref_id"] for row in rows if row.get("creation_ref_id")}

    def sorted(self, file_id: int, *, file_name: str, model: str) -> Rows:
        """The boxes of an image: a model's own, other models', and people's."""
        rows = self.rows(file_id)
        if {row.get("model_run_id") for row in rows} - {None, *self._runs}:
            self._runs = {run.id: run.reference_id or "" for run in self._client.model_runs()}
        return sorted_rows(rows, file_name=file_name, model=model, runs=self._runs)
