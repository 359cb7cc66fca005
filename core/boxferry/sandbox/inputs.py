"""What became of packets: the list of inputs, one input, and input batches."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import InternalServerError

from boxferry.sandbox.answers import bad, body, ok

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

CAP = 1000
DEFAULT_LIMIT = 10
IN_WORK = "status IN ('init', 'processing', 'uploading')"
STATUS_FILTERS = {"Success": "status = 'success'", "Failed": "status = 'failed'", "Processing": IN_WORK}


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("inputs", __name__)
    store = sandboxed.store
    prefix = "/api/walrus/v1/project/<project>/input/view"

    @blueprint.post(f"{prefix}/list")
    def input_list(project: str) -> Response | tuple[Response, int]:
        sent = body()
        if sent is None:
            return bad("Expecting json in request")
        return jsonify({"success": True, "input_list": [shown(row) for row in _found(store, project, sent)]})

    @blueprint.post(f"{prefix}/<int:input_id>")
    def one_input(project: str, input_id: int) -> Response:
        row = store.row("SELECT * FROM input WHERE id = ? AND project = ?", input_id, project)
        if row is None:
            raise InternalServerError
        packets = json.loads(row["frame_packet_map"]) if row["frame_packet_map"] else None
        return ok(input=shown(row) | {"frame_packet_map": packets})

    @blueprint.post("/api/v1/project/<project>/input-batch/new")
    def new_batch(project: str) -> Response:
        batch_id = store.insert("batch", {"project": project})
        return ok(input_batch={"id": batch_id, "status": "pending"})

    return blueprint


def _found(store: Store, project: str, sent: Row) -> list[Row]:
    conditions, arguments = ["project = ?"], [project]
    for name in ("batch_id", "file_id"):
        if isinstance(sent.get(name), int):
            conditions.append(f"{name} = ?")
            arguments.append(sent[name])
    if sent.get("media_type") not in {None, "All"}:
        conditions.append("media_type = ?")
        arguments.append(str(sent["media_type"]))
    conditions += [STATUS_FILTERS[sent["status_filter"]]] if sent.get("status_filter") in STATUS_FILTERS else []
    if sent.get("has_attached_instances"):
        conditions.append("instance_list IS NOT NULL")
    for name, sign in (("date_from", ">="), ("date_to", "<")):
        if (moment := _day(sent.get(name))) is not None:
            conditions.append(f"created_time {sign} ?")
            arguments.append(str(moment + (86_400 if name == "date_to" else 0)))
    limit = sent.get("limit") if isinstance(sent.get("limit"), int) else DEFAULT_LIMIT
    where = " AND ".join(conditions)
    query = f"SELECT * FROM input WHERE {where} ORDER BY id DESC LIMIT {max(0, min(int(limit or 0), CAP))}"  # noqa: S608
    return store.rows(query, *arguments)


def _day(text: object) -> float | None:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d").replace(tzinfo=UTC).timestamp() if text else None
    except ValueError:
        return None


def shown_input(store: Store, input_id: int) -> Row:
    """An input as answers show it."""
    row = store.row("SELECT * FROM input WHERE id = ?", input_id)
    return shown(row) if row else {}


def shown(row: Row) -> Row:
    """An input's row as answers show it; the boxes are exactly those that were sent."""
    names = (
        "id",
        "status",
        "file_id",
        "batch_id",
        "mode",
        "type",
        "media_type",
        "original_filename",
        "percent_complete",
    )
    boxes: Any = json.loads(row["instance_list"]) if row["instance_list"] else None
    update_log = json.loads(row["update_log"]) if row["update_log"] else None
    created = datetime.fromtimestamp(row["created_time"], UTC).isoformat()
    return {name: row[name] for name in names} | {
        "status_text": row["status_text"],
        "created_time": created,
        "update_log": update_log,
        "instance_list": boxes,
        "parent_input_id": row["parent_input_id"],
    }
