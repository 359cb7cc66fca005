"""Files: their list, one file with its size, its boxes, those of a video's frames, and a reviewer's save."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound

from boxferry.sandbox import shown
from boxferry.sandbox.annotating import Saved, save
from boxferry.sandbox.answers import LOG, bad, ok, refused
from boxferry.sandbox.bounds import BoxError
from boxferry.sandbox.checks import an_int, checked, small, text
from boxferry.sandbox.listing import COLUMNS, FileLists, Unlisted

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

MOST_FRAMES = 1000  #: of a video that are shown in one answer
NO_FILE_TO_SAVE = "'int' object has no attribute 'log'"
OUTDATED = (
    "Error: outdated instance list sent. This can happen when 2 users are working on the same file at the same time."
    "Please try reloading page, clicking the refresh file data button or check your network connection. "
    "Please contact use if this persists."
)
NO_FILE = "'NoneType' object has no attribute 'id'"  #: what a server says that looked for a file and did not look twice


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("files", __name__)
    store = sandboxed.store
    lists = FileLists(store, sandboxed.seed)

    @blueprint.post("/api/project/<project>/user/sdk/file/list")
    def file_list(project: str) -> Response | tuple[Response, int]:
        try:
            return jsonify(lists.answer(project, request.get_json(force=True).get("metadata"), request.host_url))
        except Unlisted as error:
            return bad(error.said, key=error.key) if error.key else (jsonify(error.said), 400)

    _boxes(blueprint, store)
    _frames(blueprint, store)
    _media(blueprint, store)
    return blueprint


def _boxes(blueprint: Blueprint, store: Store) -> None:
    @blueprint.post("/api/v1/file/view")
    def file_view() -> Response:
        sent = checked(file_id=an_int, project_string_id=text)
        file = _file(store, sent["project_string_id"], sent["file_id"])
        if file is None:
            raise RuntimeError(NO_FILE)
        return ok(file=shown.file(file) | shown.media(file, request.host_url), label_dict={})

    @blueprint.post("/api/project/<project>/file/<int:file_id>/annotation/list")
    def annotations(project: str, file_id: int) -> Response | tuple[Response, int]:
        file = _file(store, project, file_id)
        if file is None:
            return jsonify(success=False, message=" File not in valid project directory."), 400
        boxes = shown.boxes_of(store, project, [file_id])[file_id]
        serialized = shown.file(file) | shown.media(file, request.host_url) | {"instance_list": boxes}
        return jsonify(success=True, file_serialized=serialized)

    @blueprint.post("/api/project/<project>/file/<int:file_id>/annotation/update")
    def update(project: str, file_id: int) -> Response | tuple[Response, int]:
        return _save(store, project, file_id)


def _frames(blueprint: Blueprint, store: Store) -> None:
    # An end that is the start means no end. The frames before the end are there, empty too; the end if it has boxes.
    @blueprint.post("/api/project/<project>/video/<int:file_id>/instance/buffer/start/<int:start>/end/<int:end>/list")
    def frames(project: str, file_id: int, start: int, end: int) -> Response | tuple[Response, int]:
        file = store.row("SELECT id FROM file WHERE id = ? AND project = ? AND type = 'video'", file_id, project)
        if file is None:
            return bad("A video is needed")
        last = min(end, start + MOST_FRAMES)
        frames_of_all: dict[str, list[Row]] = {str(frame): [] for frame in range(start, last)}
        found = _buffered(store, project, file_id, start, start + MOST_FRAMES if start == end else last)
        return jsonify(success=True, instance_buffer_dict=frames_of_all | found)


def _buffered(store: Store, project: str, file_id: int, first: int, last: int) -> dict[str, list[Row]]:
    """The boxes of the frames from `first` to `last`, both included, by frame; deleted ones are marked as such."""
    known = shown.labels(store, project)
    found: dict[str, list[Row]] = {}
    for box in store.all_instances(file_id):
        if box.get("frame_number") is not None and first <= box["frame_number"] <= last:
            found.setdefault(str(box["frame_number"]), []).append(shown.box(box, known, file_id))
    return found


def _media(blueprint: Blueprint, store: Store) -> None:
    @blueprint.get("/images/<int:file_id>")
    def image(file_id: int) -> Response:
        path = store.images / str(file_id)
        if not path.is_file():
            raise NotFound
        data = path.read_bytes()
        return Response(data, mimetype="image/png" if data.startswith(b"\x89PNG") else "image/jpeg")


def _save(store: Store, project: str, file_id: int) -> Response | tuple[Response, int]:
    """A person's save; an empty list changes no box, and `and_complete: true` says "done", or takes it back."""
    sent, file = request.get_json(force=True), _file(store, project, file_id)
    if file is None:
        raise AttributeError(NO_FILE_TO_SAVE)
    boxes = sent.get("instance_list")
    try:
        saved = save(store, file, boxes) if boxes else None
    except BoxError as error:
        if isinstance(error.found, dict):
            return refused(error.found)
        raise RuntimeError(error.found.splitlines()[-1]) from error  # the server's own code stumbles over it
    if sent.get("and_complete") is True:
        now = store.now()
        done = {"ann_is_complete": int(not file["ann_is_complete"]), "time_last_updated": now, "people_last": now}
        store.update("file", file_id, done)
    return jsonify(_saved(store, project, file_id, saved))


def _saved(store: Store, project: str, file_id: int, saved: Saved | None) -> Row:
    """The answer to a save; None for one that had no boxes."""
    log = LOG | {"success": saved is not None}
    if saved is not None and saved.missing:
        log["warning"] = _warning(saved.missing)
    known = shown.labels(store, project)
    return {
        "added_instances": [shown.box(row, known, file_id) for row in saved.added] if saved else [],
        "deleted_instances": saved.deleted if saved else [],
        "log": log,
        "new_file": shown.file(_file(store, project, file_id) or {}),
        "new_sequence_list": [],
        "sequence": None,
        "success": True,
    }


def _warning(missing: list[int]) -> Row:
    """What the log of a save says that leaves out rows that are there."""
    words = f"Invalid payload sent to server, missing the following instances IDs {missing}"
    told = {"information": OUTDATED, "new_instance_list_missing_ids": words, "missing_ids": missing}
    return told | {"frame_number": None}


def _file(store: Store, project: str, file_id: Any) -> Row | None:  # noqa: ANN401 # whatever was sent
    return store.row(f"SELECT {COLUMNS}, project FROM file WHERE id = ? AND project = ?", small(file_id), project)  # noqa: S608
