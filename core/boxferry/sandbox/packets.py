"""The packet call: what is checked at once; the rest is checked in the background."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from boxferry.sandbox.answers import DatabaseRefusal, Refusal, ok
from boxferry.sandbox.checks import checked, database_int, maybe_filled_list, maybe_int, reference
from boxferry.sandbox.store import NEVER, now

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

SPLITS = range(2, 181)  #: seconds that a video may be split at
CONNECTIONS = (1,)  #: to buckets
JOBS = range(1, 1001)  #: the project is taken to have these


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("packets", __name__)

    @blueprint.post("/api/walrus/v1/project/<project>/input/packet")
    def packet(project: str) -> Response:
        return _take(sandboxed, project)

    return blueprint


def _take(sandboxed: Sandboxed, project: str) -> Response:
    sent = checked(
        instance_list=maybe_filled_list,
        video_split_duration=maybe_int,
        parent_file_id=maybe_int,
        ordinal=maybe_int,
        connection_id=maybe_int,
    )
    if sent.get("directory_id") is None:
        sent["directory_id"] = request.headers.get("directory-id")
    if sent["directory_id"] is None and sent.get("mode") != "update":
        raise Refusal({"directory": "'directory_id' not supplied"})
    try:
        file_id = _file_of(sandboxed.store, project, sent)
    except Refusal as refusal:
        refusal.info = "Started processing"
        raise
    _queue(sandboxed, project, sent, file_id)
    return ok(input_id=None)


def _file_of(store: Store, project: str, sent: Row) -> int | None:
    """The file that a packet names, by id or by name; None for new media.

    Raises:
        Refusal: it has neither media that can be fetched nor a file that is there.
        DatabaseRefusal: the file's id is not there.
    """
    if sent.get("type") == "from_text_data" and not isinstance(sent.get("text_data"), str):
        raise Refusal({"text_data": 'Provide "text_data" as a string.'})
    if sent.get("type") == "from_blob_path" and sent.get("connection_id") not in CONNECTIONS:
        raise Refusal({"connection_id": "Connection ID does not exist"})
    whole = _has_media(sent)
    if sent.get("file_id") is not None:
        return reference(store, "file", sent["file_id"])
    return None if whole else _named_file(store, project, sent)


def _has_media(sent: Row) -> bool:
    """Whether there is something to make a new file of.

    Raises:
        AttributeError: the media is no object.
    """
    media = sent.get("media")
    if media is not None and not isinstance(media, dict):
        raise AttributeError(f"'{type(media).__name__}' object has no attribute 'get'")
    if sent.get("type") in {"from_blob_path", "from_text_data"}:
        return True
    split = sent.get("video_split_duration")
    return bool(media and media.get("url") and media.get("type")) and (split is None or split in SPLITS)


def _named_file(store: Store, project: str, sent: Row) -> int:
    """The file of a name in a directory; the look-up can hit a removed file.

    Raises:
        Refusal: the name or its directory is missing, or no such file is there.
    """
    if not sent.get("file_name"):
        raise Refusal({"file_name": "Provide file_name along with directory_id"})
    if sent["directory_id"] is None:
        raise Refusal({"directory_id": "Provide directory_id along with file_name"})
    query = "SELECT id FROM file WHERE project = ? AND directory_id = ? AND original_filename = ? ORDER BY id"
    found = store.row(query, project, database_int(sent["directory_id"]), str(sent["file_name"]))
    if found is None:
        raise Refusal({"file_name": "Please check that filename exists in given project and directory."})
    return int(found["id"])


def _queue(sandboxed: Sandboxed, project: str, sent: Row, file_id: int | None) -> None:
    media, boxes, store = sent.get("media") or {}, sent.get("instance_list"), sandboxed.store
    store.insert(
        "input",
        {
            "project": project,
            "directory_id": reference(store, "directory", sent["directory_id"]),
            "status": "init",
            "file_id": file_id,
            "batch_id": reference(store, "batch", sent.get("batch_id")),
            "mode": _text(sent.get("mode")),
            "type": _text(sent.get("type")),
            "url": _text(media.get("url")),
            "media_type": _text(media.get("type")) or _kind(store, sent.get("mode"), file_id),
            "original_filename": _text(sent.get("original_filename")),
            "percent_complete": 0.0,
            "created_time": store.now(),
            "instance_list": None if boxes is None else json.dumps({"list": boxes}),
            "frame_packet_map": json.dumps(sent["frame_packet_map"]) if sent.get("frame_packet_map") else None,
            "due": NEVER if sandboxed.loses() else now() + sandboxed.delay_s,
            "job_id": _job(sent.get("job_id")),
            "connection_id": sent.get("connection_id"),
            "bucket_name": _text(sent.get("bucket_name")),
            "blob_path": _text(sent.get("raw_data_blob_path")),
            "video_split_duration": sent.get("video_split_duration"),
        },
    )
    sandboxed.worker.notify()


def _kind(store: Store, mode: object, file_id: int | None) -> str | None:
    """An update is of the same kind as its file."""
    if mode not in ("update", "update_with_existing"):
        return None
    found = store.row("SELECT type FROM file WHERE id = ?", file_id)
    return found["type"] if found else None


def _job(wanted: Any) -> int | None:  # noqa: ANN401 # whatever was sent
    if wanted is not None and database_int(wanted) not in JOBS:
        raise DatabaseRefusal(f"Key is not present in table job: {wanted}", code="gkpj")
    return None if wanted is None else database_int(wanted)


def _text(value: Any) -> str | None:  # noqa: ANN401 # whatever was sent
    return None if value is None else str(value)
