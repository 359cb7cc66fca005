"""What became of packets: the list of inputs, one input, and input batches."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify

from boxferry.sandbox.answers import LOG, DatabaseRefusal, Refusal
from boxferry.sandbox.checks import checked, maybe_int, maybe_text
from boxferry.sandbox.store import moment

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

CAP = 1000
DEFAULT_LIMIT = 10
ALL = -1  #: a limit that is none
UNENDED = "input.status NOT IN ('success', 'failed')"
STATUS_FILTERS = {
    "All": "true",
    "Success": "input.status = 'success'",
    "Failed": "input.status = 'failed'",
    "Processing": UNENDED,
    "Base_Object_Created": "input.status = 'base_object_created'",
    "Init": "input.status = 'init'",
}
SELECT = "SELECT input.*, directory.nickname FROM input LEFT JOIN directory ON directory.id = input.directory_id"
NO_INPUT = "'NoneType' object has no attribute 'project_id'"  #: what a server says that did not look twice
DEFAULT_SPLIT_S = 30

#: Of an input; a real one has four times more.
KEYS = (
    "id", "status", "status_text", "file_id", "batch_id", "mode", "media_type", "original_filename", "parent_input_id",
    "percent_complete", "created_time", "time_updated", "update_log", "instance_list", "directory", "source",
    "raw_data_blob_path", "video_split_duration", "description", "newly_copied_file_id", "parent_file_id", "retry_log",
    "task_id", "video_was_split", "archived", "processing_deferred", "retry_count",
)  # fmt: skip
BATCH_KEYS = (
    "directory_id", "download_log_pre_labeled_data", "download_status_pre_labeled_data", "source_directory_id",
    "time_updated",
)  # fmt: skip


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("inputs", __name__)
    store = sandboxed.store
    prefix = "/api/walrus/v1/project/<project>/input/view"

    @blueprint.post(f"{prefix}/list")
    def input_list(project: str) -> Response:
        sent = checked(
            limit=maybe_int,
            batch_id=maybe_int,
            file_id=maybe_int,
            media_type=maybe_text,
            status_filter=_status_filter,
        )
        return jsonify({"success": True, "input_list": [shown(row) for row in _found(store, project, sent)]})

    @blueprint.post(f"{prefix}/<int:input_id>")
    def one_input(project: str, input_id: int) -> Response:
        row = store.row(f"{SELECT} WHERE input.id = ? AND input.project = ?", input_id, project)
        if row is None:
            raise RuntimeError(NO_INPUT)
        packets = json.loads(row["frame_packet_map"]) if row["frame_packet_map"] else None
        return jsonify(success=True, input=shown(row) | {"frame_packet_map": packets})

    @blueprint.post("/api/v1/project/<project>/input-batch/new")
    def new_batch(project: str) -> Response:
        checked()
        empty = dict.fromkeys(BATCH_KEYS)
        return jsonify(input_batch=empty | {"id": store.insert("batch", {"project": project}), "status": "pending"})

    return blueprint


def _status_filter(name: str, value: object) -> str | None:
    """One of the words that inputs can be listed by, or nothing."""
    problem = maybe_text(name, value)
    if value in STATUS_FILTERS or value is None or value == "":
        return problem
    known = {"valid_values_list": f"{value} not in {list(STATUS_FILTERS)}"}
    raise Refusal(known | ({name: problem} if problem else {}))


def _found(store: Store, project: str, sent: Row) -> list[Row]:
    """The inputs that are wanted, the newest first; there are no further pages."""
    conditions, arguments = ["input.project = ?", STATUS_FILTERS[sent.get("status_filter") or "All"]], [project]
    for applies, condition, value in _conditions(sent):
        conditions += [condition] if applies else []
        arguments += [value] if applies and value is not None else []
    limit = DEFAULT_LIMIT if sent.get("limit") is None else sent["limit"]
    if limit < ALL:
        raise DatabaseRefusal("LIMIT must not be negative")
    where = " AND ".join(conditions)
    return store.rows(f"{SELECT} WHERE {where} ORDER BY input.id DESC LIMIT ?", *arguments, min(limit, CAP))


def _conditions(sent: Row) -> list[tuple[bool, str, Any]]:
    """What the list may be narrowed by: whether it is, the condition, and its value if it has one."""
    batch_id, file_id, media_type = sent.get("batch_id"), sent.get("file_id"), sent.get("media_type")
    since, until = _day("date_from", sent), _day("date_to", sent)
    return [
        (bool(batch_id), "input.batch_id = ?", batch_id),
        (bool(file_id), "input.file_id = ?", file_id),
        (media_type is not None, "input.media_type = ?", media_type),
        (bool(sent.get("has_attached_instances")), "input.instance_list IS NOT NULL", None),
        (since is not None, "input.created_time >= ?", since),
        (until is not None, "input.created_time <= ?", until),
    ]


def _day(name: str, sent: Row) -> float | None:
    """The midnight that begins a day, for `date_to` too.

    Raises:
        Refusal: that is no day.
    """
    if sent.get(name) is None:
        return None
    try:
        return datetime.strptime(sent[name], "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Refusal({name: "Incorrect data format, should be YYYY-MM-DD"}) from None


def shown_input(store: Store, input_id: int) -> Row:
    """An input as answers show it."""
    row = store.row(f"{SELECT} WHERE input.id = ?", input_id)
    return shown(row) if row else {}


def shown(row: Row) -> Row:
    """An input's row as answers show it; the boxes are exactly those that were sent."""
    names = ("id", "status", "file_id", "batch_id", "mode", "media_type", "original_filename", "parent_input_id")
    uploaded, ended_well = row["type"] == "from_local", row["status"] == "success"
    return {name: row[name] for name in names} | {
        "percent_complete": _percent(row),
        "status_text": row["status_text"] or ("Version: 1" if ended_well and not uploaded else None),
        "created_time": moment(row["created_time"]),
        "time_updated": moment(row["time_updated"]),
        "update_log": LOG if row["update_log"] is None else json.loads(row["update_log"]),
        "instance_list": None if row["instance_list"] is None else json.loads(row["instance_list"]),
        "directory": {"id": row["directory_id"], "nickname": row["nickname"]},
        "source": None if uploaded else row["type"] or "from_url",
        "raw_data_blob_path": row["blob_path"],
        "video_split_duration": None if uploaded else _split(row["video_split_duration"]),
        "video_was_split": _was_split(row) if uploaded and row["media_type"] == "video" else None,
        **dict.fromkeys(("description", "newly_copied_file_id", "parent_file_id", "retry_log", "task_id")),
        **dict.fromkeys(("archived", "processing_deferred"), False),
        "retry_count": 0,
    }


def _percent(row: Row) -> float | None:
    """How far an input is; one whose file was made and whose boxes were refused is at its end."""
    if row["status"] != "failed":
        return None if row["percent_complete"] is None else float(row["percent_complete"])
    given = row["mode"] in {"update", "update_with_existing"} or row["media_type"] is None
    return 100.0 if row["file_id"] is not None and not given and row["status_text"] else 0.0


def _was_split(row: Row) -> bool:
    """Whether a video became several files: its input has ended well then, and names none."""
    return row["status"] == "success" and row["file_id"] is None


def _split(seconds: int | None) -> int:
    return seconds if seconds is not None and seconds > 0 else DEFAULT_SPLIT_S
