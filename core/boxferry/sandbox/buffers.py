"""The boxes of a video, some frames at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify

from boxferry.sandbox import shown
from boxferry.sandbox.answers import bad

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

MOST_FRAMES = 1000


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("buffers", __name__)
    store = sandboxed.store

    # An end that is the start means no end. The frames before the end are there, empty too; the end if it has boxes.
    @blueprint.post("/api/project/<project>/video/<int:file_id>/instance/buffer/start/<int:start>/end/<int:end>/list")
    def frames(project: str, file_id: int, start: int, end: int) -> Response | tuple[Response, int]:
        file = store.row("SELECT id FROM file WHERE id = ? AND project = ? AND type = 'video'", file_id, project)
        if file is None:
            return bad("A video is needed")
        last = min(end, start + MOST_FRAMES)
        frames_of_all: dict[str, list[Row]] = {str(frame): [] for frame in range(start, last)}
        found = _found(store, project, file_id, start, start + MOST_FRAMES if start == end else last)
        return jsonify(success=True, instance_buffer_dict=frames_of_all | found)

    return blueprint


def _found(store: Store, project: str, file_id: int, first: int, last: int) -> dict[str, list[Row]]:
    """The boxes of the frames from `first` to `last`, both included, by frame; deleted ones are marked as such."""
    known = shown.labels(store, project)
    found: dict[str, list[Row]] = {}
    for box in store.all_instances(file_id):
        if box.get("frame_number") is not None and first <= box["frame_number"] <= last:
            found.setdefault(str(box["frame_number"]), []).append(shown.box(box, known, file_id))
    return found
