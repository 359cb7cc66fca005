"""The packet call and the upload: what is checked at once; the rest is checked in the background."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import InternalServerError
from werkzeug.utils import secure_filename

from boxferry.sandbox.answers import bad, body, ok
from boxferry.sandbox.inputs import shown_input
from boxferry.sandbox.media import MediaError
from boxferry.sandbox.store import NEVER, now
from boxferry.sandbox.video import is_video
from boxferry.sandbox.worker import carry_out_new, check_name, end

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

Answer = Response | tuple[Response, int]
UPDATES = ("update", "update_with_existing")


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("packets", __name__)
    prefix = "/api/walrus/v1/project/<project>/input"

    @blueprint.post(f"{prefix}/packet")
    def packet(project: str) -> Answer:
        return _take(sandboxed, project)

    @blueprint.post(f"{prefix}/from_local")
    def from_local(project: str) -> Answer:
        return _upload(sandboxed, project)

    @blueprint.route("/api/v1/walrus/project/<project>/input/packet", methods=["GET"])
    def api_page_spelling(project: str) -> Answer:  # noqa: ARG001 # answers 405 to a POST, as the real server does
        return jsonify({"error": "405: Not found."}), 405

    return blueprint


def _take(sandboxed: Sandboxed, project: str) -> Answer:
    sent, store = body(), sandboxed.store
    if sent is None:
        return bad("Expecting json in request")
    boxes = sent.get("instance_list")
    if boxes == []:
        return bad("List must not be empty", key="instance_list")
    if boxes is not None and not isinstance(boxes, list):
        return bad("instance_list must be a list", key="instance_list")
    if not isinstance(sent.get("directory_id"), int) and sent.get("mode") != "update":
        return bad("'directory_id' not supplied", key="directory_id")
    try:
        file_id = _file_of(store, project, sent)
    except LookupError as error:
        return bad(str(error), key="file_name")
    _queue(sandboxed, project, sent, file_id)
    return ok(input_id=None)


def _file_of(store: Store, project: str, sent: Row) -> int | None:
    """The file that a packet names, by id or by name; a look-up by name can hit a removed file.

    Raises:
        LookupError: the name is not there.
        InternalServerError: the id is not there.
    """
    if sent.get("file_id") is not None:
        found = store.row("SELECT id FROM file WHERE id = ? AND project = ?", _small(sent["file_id"]), project)
        if found is None:
            raise InternalServerError
        return int(found["id"])
    if sent.get("file_name") is None:
        return None
    query = "SELECT id FROM file WHERE directory_id = ? AND original_filename = ? ORDER BY id"
    found = store.row(query, _small(sent.get("directory_id")), str(sent["file_name"]))
    if found is None:
        raise LookupError("Please check that filename exists in given project and directory.")
    return int(found["id"])


def _small(value: object) -> int:
    """An id as the database can look it up; anything else is nobody's id."""
    return value if isinstance(value, int) and abs(value) < 2**62 else -1


def _queue(sandboxed: Sandboxed, project: str, sent: Row, file_id: int | None) -> None:
    media = sent.get("media") if isinstance(sent.get("media"), dict) else {}
    boxes = sent.get("instance_list")
    sandboxed.store.insert(
        "input",
        {
            "project": project,
            "directory_id": _small(sent.get("directory_id")),
            "status": "init",
            "file_id": file_id,
            "batch_id": _small(sent["batch_id"]) if sent.get("batch_id") is not None else None,
            "mode": _text(sent.get("mode")),
            "type": _text(sent.get("type")),
            "url": _text((media or {}).get("url")),
            "media_type": _text((media or {}).get("type")) or _kind(sandboxed.store, file_id),
            "original_filename": _text(sent.get("original_filename")),
            "percent_complete": 0.0,
            "created_time": now(),
            "instance_list": None if boxes is None else json.dumps({"list": boxes}),
            "frame_packet_map": json.dumps(sent["frame_packet_map"]) if sent.get("frame_packet_map") else None,
            "due": NEVER if sandboxed.loses() else now() + sandboxed.delay_s,
            "job_id": _small(sent["job_id"]) if sent.get("job_id") is not None else None,
            "connection_id": _small(sent["connection_id"]) if sent.get("connection_id") is not None else None,
            "bucket_name": _text(sent.get("bucket_name")),
            "blob_path": _text(sent.get("raw_data_blob_path")),
            "video_split_duration": _small(sent.get("video_split_duration")),
        },
    )
    sandboxed.worker.notify()


def _kind(store: Store, file_id: int | None) -> str | None:
    """An update is of the same kind as its file."""
    found = store.row("SELECT type FROM file WHERE id = ?", file_id)
    return found["type"] if found else None


def _text(value: Any) -> str | None:  # noqa: ANN401 # whatever was sent
    return None if value is None else str(value)


def _upload(sandboxed: Sandboxed, project: str) -> Answer:
    store, file = sandboxed.store, request.files.get("file")
    fields = _fields()
    if file is None or not file.filename:
        return bad("No file", key="file")
    if fields is None or not isinstance(fields.get("directory_id"), int):
        return bad("'directory_id' not supplied", key="directory_id")
    boxes, frames = fields.get("instance_list"), fields.get("frame_packet_map")
    name, directory_id = secure_filename(file.filename), fields["directory_id"]
    input_id = store.insert(
        "input",
        {
            "project": project,
            "directory_id": directory_id,
            "status": "uploading",
            "original_filename": name,
            "media_type": "video" if is_video(name) else "image",
            "type": "from_local",
            "created_time": now(),
            "due": now(),
            "instance_list": json.dumps({"list": boxes}) if isinstance(boxes, list) else None,
            "frame_packet_map": json.dumps(frames) if isinstance(frames, dict) else None,
        },
    )
    row = store.row("SELECT * FROM input WHERE id = ?", input_id) or {}
    try:
        check_name(store, directory_id, name)
        file_id = carry_out_new(store, row, name, file.read())
    except MediaError as error:
        end(store, input_id, str(error))
        clash = "Already Exists" in str(error)
        record = shown_input(store, input_id)
        return bad(str(error), input=record, file=None) if clash else ok(input=record, file=None)
    made = None if file_id is None else {"id": file_id, "original_filename": name}
    return ok(file=made, input=shown_input(store, input_id))


def _fields() -> Row | None:
    """The `json` part, whether it comes as a field or as a file."""
    text = request.form.get("json")
    if text is None and (part := request.files.get("json")):
        text = part.read().decode("utf-8", "replace")
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
