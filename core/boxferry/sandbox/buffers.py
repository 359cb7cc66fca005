"""The boxes of a video, some frames at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from boxferry.sandbox.answers import bad, ok

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

MOST_FRAMES = 1000


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("buffers", __name__)
    store = sandboxed.store

    @blueprint.post("/api/project/<project>/video/<int:file_id>/instance/buffer/start/<int:start>/end/<int:end>/list")
    def frames(project: str, file_id: int, start: int, end: int) -> Response | tuple[Response, int]:
        file = store.row("SELECT id FROM file WHERE id = ? AND project = ? AND type = 'video'", file_id, project)
        if file is None or not 0 <= end - start <= MOST_FRAMES:
            return bad(f"A video and at most {MOST_FRAMES} frames are needed")
        return ok(instance_buffer_dict=_found(store, file_id, start, end))

    return blueprint


def _found(store: Store, file_id: int, start: int, end: int) -> dict[str, list[Row]]:
    """The boxes of the frames from `start` to before `end`, by frame; frames without boxes are left out."""
    found: dict[str, list[Row]] = {}
    for box in store.instances(file_id):
        if box.get("frame_number") is not None and start <= box["frame_number"] < end:
            found.setdefault(str(box["frame_number"]), []).append(box)
    return found
