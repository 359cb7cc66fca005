"""Exports of a directory: without score and reference, as the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import InternalServerError

from boxferry.sandbox.answers import bad, body, ok

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

INSTANCE_KEYS = ("id", "type", "label_file_id", "x_min", "y_min", "x_max", "y_max", "attribute_groups", "points")


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("exports", __name__)
    store = sandboxed.store
    prefix = "/api/walrus/project/<project>/export"

    @blueprint.post(f"{prefix}/to_file")
    def to_file(project: str) -> Response | tuple[Response, int]:
        directory_id = (body() or {}).get("directory_id")
        if not isinstance(directory_id, int):
            return bad("'directory_id' not supplied", key="directory_id")
        return ok(export={"id": store.insert("export", {"project": project, "directory_id": directory_id})})

    @blueprint.get(f"{prefix}/<int:export_id>/status")
    def status(project: str, export_id: int) -> Response:
        export = _export(store, project, export_id)
        return ok(export={"id": export["id"], "status": "complete", "percent_complete": 100.0})

    @blueprint.post(f"{prefix}/link")
    def link(project: str) -> Response:
        wanted = (body() or {}).get("id")
        export = _export(store, project, wanted if isinstance(wanted, int) else -1)
        query = "SELECT * FROM file WHERE directory_id = ? AND state <> 'removed' ORDER BY id"
        return jsonify({str(file["id"]): _shown(store, file) for file in store.rows(query, export["directory_id"])})

    return blueprint


def _export(store: Store, project: str, export_id: int) -> Row:
    found = store.row("SELECT * FROM export WHERE id = ? AND project = ?", export_id, project)
    if found is None:
        raise InternalServerError
    return found


def _shown(store: Store, file: Row) -> Row:
    boxes = [{name: box.get(name) for name in INSTANCE_KEYS} for box in store.instances(file["id"])]
    image = {name: file[name] for name in ("width", "height", "original_filename")}
    return {"file": {"id": file["id"], "type": file["type"]}, "image": image, "instance_list": boxes}
