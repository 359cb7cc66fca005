"""What Diffgram's own SDK asks for besides the other routes: a directory by name, files that exist, labels, exports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request

from boxferry.sandbox.annotating import MEMBER
from boxferry.sandbox.answers import Refusal, ok
from boxferry.sandbox.checks import checked, maybe_list, small, text
from boxferry.sandbox.directories import shown_directory
from boxferry.sandbox.labels import schema_of

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store


_MEMBER = {
    "id": 1,
    "member_id": MEMBER,
    "member_kind": "human",
    "email": "reviewer@localhost",
    "first_name": "Sandbox",
    "last_name": "Reviewer",
    "username": "reviewer",
    "permission_level": ["Editor"],
    "profile_image_thumb_url": None,
}


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("sdk", __name__)
    store = sandboxed.store

    @blueprint.get("/api/project/<project>/user/<user>/working_dir/view")
    def directory(project: str, user: str) -> Response | tuple[str, int]:  # noqa: ARG001 # any name is taken
        found = _directory(store, project, request.args)
        return (
            ("Dataset not found", 400) if found is None else jsonify(success=True, working_dir=shown_directory(found))
        )

    @blueprint.get("/api/project/<project>/view")
    def project_view(project: str) -> Response:
        directories = store.rows("SELECT * FROM directory WHERE project = ? ORDER BY id", project)
        listed = {"directory_list": [shown_directory(row) for row in directories], "member_list": [_MEMBER]}
        return jsonify(project={"name": project, "project_string_id": project, **listed})

    @blueprint.post("/api/v1/project/<project>/file/exists")
    def exists(project: str) -> Response:
        wanted = checked(file_id_list=maybe_list).get("file_id_list") or []
        missing = [value for value in wanted if not _is_file(store, project, value)]
        return jsonify(result={"exists": not missing, "missing_files": missing})

    @blueprint.get("/api/project/<project>/labels")
    def labels(project: str) -> Response:
        return ok(labels_out=_labels(store, project, request.args.get("schema_id")))

    @blueprint.post("/api/v1/project/<project>/labels-schema/new")
    def new_schema(project: str) -> Response:
        return _new_schema(store, project, checked(name=text)["name"])

    @blueprint.get("/api/walrus/project/<project>/export/working_dir/list")
    def exports(project: str) -> Response:
        rows = store.rows("SELECT * FROM export WHERE project = ? ORDER BY id DESC", project)
        return jsonify(success=True, export_list=[_shown_export(store, row) for row in rows])

    return blueprint


def _directory(store: Store, project: str, wanted: Row) -> Row | None:
    """The directory of a name or an id; with neither the project's default one."""
    query, arguments = "SELECT * FROM directory WHERE project = ?", [project]
    for column, value in (("nickname", wanted.get("name")), ("id", wanted.get("working_dir_id"))):
        if value:
            query += f" AND {column} = ?"
            arguments.append(value)
    return store.row(f"{query} ORDER BY id", *arguments)


def _is_file(store: Store, project: str, wanted: object) -> bool:
    """Whether a file of the project has this id (a number) or name (a text)."""
    if isinstance(wanted, str):
        query = "SELECT id FROM file WHERE project = ? AND original_filename = ?"
        return store.row(query, project, wanted) is not None
    return store.row("SELECT id FROM file WHERE project = ? AND id = ?", project, small(wanted)) is not None


def _labels(store: Store, project: str, schema_id: str | None) -> list[Row]:
    """The labels of a schema, or of the project's default one.

    Raises:
        Refusal: there is no such schema.
    """
    schema = schema_of(store, project, schema_id)
    if schema is None:
        raise Refusal({"project": "Schema does not exist or does not belong to this project"})
    rows = store.rows("SELECT * FROM label_file WHERE project = ? AND schema_id = ? ORDER BY id", project, schema["id"])
    return [
        {
            "id": row["id"],
            "type": "label",
            "label": {"id": row["id"] + 10_000, "name": row["name"]},
            "colour": json.loads(row["colour"] or "null"),
        }
        for row in rows
    ]


def _new_schema(store: Store, project: str, name: str) -> Response:
    if store.row("SELECT id FROM label_schema WHERE project = ? AND name = ?", project, name):
        raise Refusal({"schema_exists": f'Label Schema "{name}" already exists.'})
    values = {"project": project, "name": name, "is_default": 0, "archived": 0}
    schema_id = store.insert("label_schema", values)
    return jsonify({"id": schema_id, "name": name, "is_default": False, "archived": False})


def _shown_export(store: Store, row: Row) -> Row:
    directory = store.row("SELECT * FROM directory WHERE id = ?", row["directory_id"])
    ended = {"status": "complete", "percent_complete": 100.0, "kind": "Annotations", "source": "directory"}
    return {"id": row["id"], **ended, "directory": shown_directory(directory) if directory else None}
