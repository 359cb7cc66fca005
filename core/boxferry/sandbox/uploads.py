"""The upload: a file and its boxes in one call, worked on before the answer."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from werkzeug.utils import secure_filename

from boxferry.sandbox.answers import LOG, DatabaseRefusal, Refusal, ok, refused
from boxferry.sandbox.checks import checked_object, maybe_int, maybe_list, small
from boxferry.sandbox.inputs import KEYS, shown_input
from boxferry.sandbox.media import MediaError
from boxferry.sandbox.pool import Abandoned
from boxferry.sandbox.store import now
from boxferry.sandbox.video import is_video
from boxferry.sandbox.worker import IN_QUEUE, carry_out_new, end, finish_video

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

Answer = Response | tuple[Response, int]
IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
TEXTS = {".txt"}
QUEUEING = "pushing_frames_into_processing_queue"
UNREADABLE = "Traceback (most recent call last):\n  LookupError:\n" + "*" * 70  #: no tokenizer is there


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("uploads", __name__)

    @blueprint.post("/api/walrus/v1/project/<project>/input/from_local")
    def from_local(project: str) -> Answer:
        with sandboxed.worker.holding():
            return _upload(sandboxed, project)

    return blueprint


def _upload(sandboxed: Sandboxed, project: str) -> Answer:
    fields, file, store = _fields(), request.files.get("file"), sandboxed.store
    if file is None or not file.filename:
        raise Refusal("No files")
    directory_id = _directory(store, project, fields.get("directory_id"))
    name = secure_filename(file.filename)
    kind = _kind(name)
    if kind is None:
        return _not_taken(name)
    place = {"project": project, "directory_id": directory_id, "created_time": store.now()}
    row = store.row("SELECT * FROM input WHERE id = ?", store.insert("input", place | _row(fields, name, kind))) or {}
    return _carried_out(sandboxed, row, file.read())


def _row(fields: Row, name: str, kind: str) -> Row:
    boxes, frames = fields.get("instance_list"), fields.get("frame_packet_map")
    return {
        "status": "processing",
        "original_filename": name,
        "media_type": kind,
        "type": "from_local",
        "due": now(),
        "instance_list": json.dumps({"list": boxes}) if boxes else None,
        "frame_packet_map": json.dumps(frames) if isinstance(frames, dict) else None,
    }


def _carried_out(sandboxed: Sandboxed, row: Row, data: bytes) -> Answer:
    """Do the work; what cannot be opened leaves a failed input behind, and the call breaks.

    Raises:
        AttributeError: the media cannot be opened.
        DatabaseRefusal: the database broke down on it: the input stays as it is, and there is no file.
        Abandoned: the same, of a video that cannot be read.
    """
    store, name, input_id = sandboxed.store, row["original_filename"], row["id"]
    if there := store.file_in(row["directory_id"], name):
        problem = f"Filename {name} Already Exists in Dir. Existing ID is:{there['id']}"
        end(store, input_id, problem, log={"error": {"existing_file_id": there["id"]}})
        return refused({}, input=shown_input(store, input_id))
    if row["media_type"] == "text":
        return _text_file(store, row, data)
    try:
        file_id = carry_out_new(store, row, name, data, frames_later=sandboxed.video_s > 0)
    except Abandoned as error:
        if error.code is None:
            raise
        raise DatabaseRefusal(str(error), error.code) from error
    except MediaError as error:
        end(store, input_id, str(error))
        raise AttributeError("'NoneType' object has no attribute 'parent_id'") from error
    if sandboxed.video_s and row["media_type"] == "video":
        sandboxed.worker.later(sandboxed.video_s, lambda: finish_video(store, input_id))
    return ok(file=None if file_id is None else {"id": file_id}, input=_answered(shown_input(store, input_id)))


def _answered(shown: Row) -> Row:
    """An input as the answer to its upload shows it: of a video the frames are on their way into the queue still."""
    return shown | ({"status": QUEUEING} if shown["status"] == IN_QUEUE["status"] else {})


def _text_file(store: Store, row: Row, data: bytes) -> Answer:
    """A text becomes a file, and its input fails: the server has no tokenizer."""
    facts = {name: row[name] for name in ("project", "directory_id", "original_filename")}
    file_id = store.insert("file", facts | {"type": "text", "state": "added", "created_time": store.now()})
    (store.images / str(file_id)).write_bytes(data)
    end(store, row["id"], "failed", file_id, log=LOG | {"error": {"text_file_upload": UNREADABLE}})
    store.update("input", row["id"], {"status_text": None})
    return refused({}, input=shown_input(store, row["id"]) | {"description": UNREADABLE})


def _not_taken(name: str) -> Answer:
    """A file of a kind that is not taken leaves nothing behind: its input was never stored."""
    words = f"Invalid file type: {PurePosixPath(name).suffix}"
    shown = {"original_filename": name, "status": "failed", "status_text": words}
    return refused({}, input=dict.fromkeys(KEYS) | shown)


def _kind(name: str) -> str | None:
    suffix = PurePosixPath(name).suffix.lower()
    if is_video(name):
        return "video"
    return "image" if suffix in IMAGES else "text" if suffix in TEXTS else None


def _directory(store: Store, project: str, wanted: int | None) -> int:
    """The directory that is named, or the project's first.

    Raises:
        Refusal: there is no such directory.
    """
    query = "SELECT id FROM directory WHERE project = ? AND (? IS NULL OR id = ?) ORDER BY id"
    known = wanted if wanted is None else small(wanted)
    found = store.row(query, project, known, known)
    if found is None:
        raise Refusal(f"Bad directory_id: {wanted}")
    return int(found["id"])


def _fields() -> Row:
    """The field `json` of the form.

    Raises:
        Refusal: it is not there, is no JSON object, or a key of it is wrong.
    """
    try:
        found = json.loads(request.form.get("json") or "")
    except (ValueError, RecursionError):
        raise Refusal({"input": "Expecting a key 'json' in form request."}) from None
    return checked_object(found, directory_id=maybe_int, instance_list=maybe_list)
