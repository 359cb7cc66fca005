"""Attribute groups and their options."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify

from boxferry.sandbox.answers import LOG, Refusal, ok
from boxferry.sandbox.checks import checked, checked_object, small, text

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

LAST = 99_999  #: where a group stands that was never updated


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("attributes", __name__)
    store = sandboxed.store
    prefix = "/api/v1/project/<project>/attribute"

    @blueprint.post(f"{prefix}/template/list")
    def groups(project: str) -> Response:
        return _listed(store, project, checked())

    @blueprint.post(f"{prefix}/group/new")
    def new_group(project: str) -> Response:
        schema_id = checked().get("schema_id")
        if schema_id is not None and not _has_schema(store, project, schema_id):
            raise Refusal({"schema_id": "Schema error. Does Schema belong to project?"})
        group_id = store.insert("attribute_group", {"project": project, "schema_id": schema_id})
        return ok(attribute_template_group=_shown(_row(store, project, group_id) or {}))

    @blueprint.post(f"{prefix}/group/update")
    def update_group(project: str) -> Response:
        group = _updated(store, project, checked(mode=text))
        return jsonify({"group": _shown(group), "log": LOG | {"info": {"update": "Success"}, "success": True}})

    @blueprint.post(prefix)
    def new_option(project: str) -> Response:
        sent = checked_object(checked(mode=text).get("attribute"), name=text)
        group = _row(store, project, sent.get("group_id"))
        if group is None:
            raise Refusal({"group": "Invalid group (Does not match project or bad id)."})
        option_id = store.insert("attribute_template", {"group_id": group["id"], "name": sent["name"]})
        return ok(attribute_template=_option({"id": option_id, "group_id": group["id"], "name": sent["name"]}))

    return blueprint


def _listed(store: Store, project: str, sent: Row) -> Response:
    schema_id = sent.get("schema_id")
    if sent.get("mode") != "from_project":
        raise Refusal({"mode": "Invalid mode"})
    if schema_id is not None and not _has_schema(store, project, schema_id):
        raise AttributeError("'NoneType' object has no attribute 'get_attribute_groups'")
    query = "SELECT * FROM attribute_group WHERE project = ? AND (? IS NULL OR schema_id = ?) ORDER BY id"
    options = "SELECT id, name, group_id FROM attribute_template WHERE group_id = ? ORDER BY id"
    found = [
        _shown(row) | {"attribute_template_list": [_option(option) for option in store.rows(options, row["id"])]}
        for row in store.rows(query, project, schema_id, schema_id)
    ]
    return ok(attribute_group_list=found)


def _updated(store: Store, project: str, sent: Row) -> Row:
    group = _row(store, project, sent.get("group_id"))
    if group is None:
        raise Refusal({"group": "No group found"})
    for label in sent.get("label_file_list") or []:
        label_id = label.get("id") if isinstance(label, dict) else None
        if store.row("SELECT id FROM label_file WHERE project = ? AND id = ?", project, small(label_id)) is None:
            raise Refusal({"label_file_id": f"Invalid{label_id}"})
    values = {name: sent[name] for name in ("name", "prompt", "kind") if isinstance(sent.get(name), str)}
    store.update("attribute_group", group["id"], values | {"data": json.dumps(sent)})
    return group | values | {"data": json.dumps(sent)}


def _has_schema(store: Store, project: str, schema_id: object) -> bool:
    query = "SELECT id FROM label_schema WHERE project = ? AND id = ?"
    return store.row(query, project, small(schema_id)) is not None


def _row(store: Store, project: str, group_id: object) -> Row | None:
    return store.row("SELECT * FROM attribute_group WHERE id = ? AND project = ?", small(group_id), project)


def _shown(row: Row) -> Row:
    names = ("id", "name", "prompt", "kind")
    sent: dict[str, Any] = json.loads(row["data"]) if row["data"] else {}
    return {name: row[name] for name in names} | {
        "default_id": None,
        "default_value": None,
        "global_type": sent.get("global_type") or "file",
        "is_global": bool(sent.get("is_global")),
        "is_read_only": bool(sent.get("is_read_only")),
        "is_root": True,
        "max_value": None,
        "min_value": None,
        "ordinal": 0 if row["data"] else LAST,
        "show_prompt": True,
    }


def _option(row: Row) -> Row:
    return row | {"archived": False, "display_order": None, "parent_id": None, "value_type": None}
