"""Label schemas, labels, models and runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from boxferry.sandbox.answers import DatabaseRefusal, ok
from boxferry.sandbox.checks import checked, database_int, text

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

LONGEST_NAME = 200  #: characters of a label's name
#: A label is a file, too: what it has of one, and empty.
FILE_KEYS: dict[str, Any] = {
    **dict.fromkeys(
        ("ann_is_complete", "bucket_name", "connection_id", "count_instances_changed", "original_filename")
    ),
    **dict.fromkeys(("video_id", "video_parent_file_id")),
    "ordinal": 0,
}
COLOUR = {  # of a label that is made without one
    "a": 1,
    "hex": "#00FF80",
    "hsl": {"a": 1, "h": 150, "l": 0.5, "s": 1},
    "hsv": {"a": 1, "h": 150, "s": 1, "v": 1},
    "oldHue": 150,
    "rgba": {"a": 1, "b": 128, "g": 255, "r": 0},
    "source": "hsva",
}


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("labels", __name__)
    store = sandboxed.store
    prefix = "/api/v1/project/<project>"

    @blueprint.get(f"{prefix}/labels-schema")
    def schemas(project: str) -> Response:
        rows = store.rows("SELECT * FROM label_schema WHERE project = ? ORDER BY id", project)
        flags = ("is_default", "archived")
        return jsonify([{"id": r["id"], "name": r["name"], **{f: bool(r[f]) for f in flags}} for r in rows])

    @blueprint.get(f"{prefix}/labels/view/name_to_file_id")
    def names(project: str) -> Response | tuple[Response, int]:
        schema = schema_of(store, project, request.args.get("schema_id"))
        if schema is None:
            return jsonify({"error": {"schema": "Label Schema not found"}, "info": {}, "success": False}), 400
        query = "SELECT name, id FROM label_file WHERE project = ? AND schema_id = ? ORDER BY id"
        rows = store.rows(query, project, schema["id"])
        return ok(name_to_file_id={row["name"]: row["id"] for row in rows})

    @blueprint.post(f"{prefix}/label/new")
    def new_label(project: str) -> Response:
        sent = checked(name=text)
        return ok(label=_made(store, project, sent))

    @blueprint.post(f"{prefix}/model-runs/list")
    def model_runs(project: str) -> Response:
        query = "SELECT id, reference_id, model_id FROM model_run WHERE project = ? ORDER BY id"
        return jsonify(model_run_list=store.rows(query, project))

    return blueprint


def schema_of(store: Store, project: str, wanted: Any) -> Row | None:  # noqa: ANN401 # whatever was sent
    """The schema of this id, None for an unknown one; the project's first where none is named."""
    if wanted is None:
        return store.row("SELECT * FROM label_schema WHERE project = ? ORDER BY id", project)
    return store.row("SELECT * FROM label_schema WHERE project = ? AND id = ?", project, database_int(wanted))


def _made(store: Store, project: str, sent: Row) -> Row:
    schema, colour = schema_of(store, project, sent.get("schema_id")), sent.get("colour")
    if schema is None:
        raise LookupError("schema Required")
    if len(sent["name"]) > LONGEST_NAME:
        raise DatabaseRefusal("value too long for type character varying")
    if colour is not None and not isinstance(colour, dict):
        raise TypeError(f"Attribute 'colour' does not accept objects of type {type(colour)}")
    values = {"project": project, "schema_id": schema["id"], "name": sent["name"]}
    label_id = store.insert("label_file", values | {"colour": json.dumps(colour or COLOUR)})
    label = {"id": label_id + 10_000, "name": sent["name"]}
    return FILE_KEYS | {"id": label_id, "label": label, "colour": colour or COLOUR, "type": "label", "state": "added"}
