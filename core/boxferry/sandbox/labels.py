"""Label schemas, labels, models and runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request

from boxferry.sandbox.answers import bad, body, ok

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("labels", __name__)
    store = sandboxed.store
    prefix = "/api/v1/project/<project>"

    @blueprint.get(f"{prefix}/labels-schema")
    def schemas(project: str) -> Response:
        rows = store.rows("SELECT * FROM label_schema WHERE project = ? ORDER BY id", project)
        return jsonify(
            [
                {"id": r["id"], "name": r["name"], "is_default": bool(r["is_default"]), "archived": bool(r["archived"])}
                for r in rows
            ]
        )

    @blueprint.get(f"{prefix}/labels/view/name_to_file_id")
    def names(project: str) -> Response:
        query = "SELECT name, id FROM label_file WHERE project = ? AND schema_id = ? ORDER BY id"
        rows = store.rows(query, project, request.args.get("schema_id", -1, type=int))
        return ok(name_to_file_id={row["name"]: row["id"] for row in rows})

    @blueprint.post(f"{prefix}/label/new")
    def new_label(project: str) -> Response | tuple[Response, int]:
        sent = body() or {}
        schema = store.row(
            "SELECT id FROM label_schema WHERE project = ? AND id = ?", project, _id(sent.get("schema_id"))
        )
        if not sent.get("name") or schema is None:
            return bad("A name and a schema_id of this project are needed")
        values = {"project": project, "schema_id": schema["id"], "name": str(sent["name"])}
        label_id = store.insert("label_file", values | {"colour": json.dumps(sent.get("colour"))})
        return ok(label={"id": label_id, "label": {"id": label_id + 10_000, "name": values["name"]}})

    @blueprint.post(f"{prefix}/model-runs/list")
    def model_runs(project: str) -> Response:
        query = "SELECT id, reference_id, model_id FROM model_run WHERE project = ? ORDER BY id"
        return jsonify(model_run_list=store.rows(query, project))

    return blueprint


def _id(value: object) -> int:
    return value if isinstance(value, int) and abs(value) < 2**62 else -1
