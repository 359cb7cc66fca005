"""Exports of a directory: without score and reference, as the real ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from boxferry.sandbox import shown
from boxferry.sandbox.checks import checked, maybe_int, reference, text
from boxferry.sandbox.directories import shown_directory
from boxferry.sandbox.store import moment

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

INSTANCE_KEYS = ("id", "type", "label_file_id", "x_min", "y_min", "x_max", "y_max", "attribute_groups")
KEPT = ("kind", "source", "file_comparison_mode", "masks")
NO_EXPORT = "'NoneType' object has no attribute 'project_id'"  #: what a server says that did not look twice
README = "Boxes by the ids of their files; corners are pixels from the upper left of the image."


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("exports", __name__)
    store = sandboxed.store
    prefix = "/api/walrus/project/<project>/export"

    @blueprint.post(f"{prefix}/to_file")
    def to_file(project: str) -> Response:
        sent = checked(kind=text, source=text, file_comparison_mode=text, masks=_needed, directory_id=maybe_int)
        directory_id = reference(store, "directory", sent.get("directory_id")) or _default(store, project)
        values = {"project": project, "directory_id": directory_id, "created_time": store.now()}
        export_id = store.insert("export", values | {name: sent[name] for name in KEPT})
        begun = {"status": "init", "percent_complete": 0.0, "file_list_length": None}
        return jsonify(success=True, export=_shown(store, _export(store, project, export_id)) | begun)

    @blueprint.get(f"{prefix}/<int:export_id>/status")
    def status(project: str, export_id: int) -> Response:
        return jsonify(success=True, export=_shown(store, _export(store, project, export_id)))

    @blueprint.post(f"{prefix}/link")
    def link(project: str) -> Response:
        wanted = request.get_json(force=True).get("id")
        return jsonify(_written(store, _export(store, project, wanted if isinstance(wanted, int) else -1)))

    return blueprint


def _needed(name: str, value: object) -> str | None:
    return f"Missing {name}" if value is None else None


def _default(store: Store, project: str) -> int:
    found = store.row("SELECT id FROM directory WHERE project = ? ORDER BY id", project)
    return int(found["id"]) if found else 0


def _export(store: Store, project: str, export_id: int) -> Row:
    found = store.row(
        "SELECT export.*, directory.nickname FROM export JOIN directory ON directory.id = export.directory_id "
        "WHERE export.id = ? AND export.project = ?",
        export_id,
        project,
    )
    if found is None:
        raise AttributeError(NO_EXPORT)
    return found


def _shown(store: Store, export: Row) -> Row:
    return {
        "id": export["id"],
        "status": "complete",
        "percent_complete": 100.0,
        "created_time": moment(export["created_time"]),
        "directory": shown_directory({"id": export["directory_id"], "nickname": export["nickname"]}),
        "file_list_length": len(_files(store, export)),
        "masks": bool(export["masks"]),
        **{name: export[name] for name in ("kind", "source", "file_comparison_mode")},
        **dict.fromkeys(("ann_is_complete", "job", "status_text", "task")),
    }


def _files(store: Store, export: Row) -> list[Row]:
    query = "SELECT * FROM file WHERE directory_id = ? AND state <> 'removed' ORDER BY id"
    return store.rows(query, export["directory_id"])


def _written(store: Store, export: Row) -> dict[str, Any]:
    """What the export's file holds: each file with its boxes, and what the ids in them mean."""
    labels = store.rows("SELECT id, name FROM label_file WHERE project = ? ORDER BY id", export["project"])
    boxes = _boxes(store, export["directory_id"])
    return {
        "readme": README,
        "export_info": {"kind": export["kind"], "file_comparison_mode": export["file_comparison_mode"]},
        "label_map": {str(label["id"]): label["name"] for label in labels},
        "label_colour_map": {},
        "attribute_groups_reference": [],
        **{str(file["id"]): _exported(file, boxes.get(file["id"], [])) for file in _files(store, export)},
    }


def _boxes(store: Store, directory_id: int) -> dict[int, list[Row]]:
    """The boxes of a directory's files by their ids, the newest box first."""
    query = """
        SELECT i.id, i.file_id, i.data FROM instance AS i JOIN file AS f ON f.id = i.file_id
        WHERE f.directory_id = ? AND i.soft_delete = 0 ORDER BY i.id DESC
    """
    found: dict[int, list[Row]] = {}
    for row in store.rows(query, directory_id):
        found.setdefault(row["file_id"], []).append(json.loads(row["data"]) | {"id": row["id"]})
    return found


def _exported(file: Row, boxes: list[Row]) -> Row:
    url = f"{request.host_url}images/{file['id']}"
    own = {"id": file["id"], "type": file["type"], "original_filename": file["original_filename"], "blob_url": url}
    own |= {"ann_is_complete": shown.completed(file), "created_time": moment(file["created_time"])}
    image = {name: file[name] for name in ("width", "height", "original_filename")}
    image |= {"image_signed_url": url, "rotation_degrees": 0}
    return {"file": own, "image": image, "instance_list": [_exported_box(box) for box in boxes]}


def _exported_box(box: Row) -> Row:
    points = {"points": box["points"]} if box.get("points") and box["type"] != "box" else {}
    return {name: box.get(name) for name in INSTANCE_KEYS} | points
