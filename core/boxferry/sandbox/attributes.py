"""Attribute groups and their options."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from boxferry.sandbox.answers import bad, body, ok

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("attributes", __name__)
    store = sandboxed.store
    prefix = "/api/v1/project/<project>/attribute"

    @blueprint.post(f"{prefix}/template/list")
    def groups(project: str) -> Response:
        schema_id = (body() or {}).get("schema_id")
        query = "SELECT * FROM attribute_group WHERE project = ? AND (? IS NULL OR schema_id = ?) ORDER BY id"
        rows = store.rows(query, project, schema_id, schema_id)
        return ok(attribute_group_list=[_shown(store, row) for row in rows])

    @blueprint.post(f"{prefix}/group/new")
    def new_group(project: str) -> Response:
        values = {"project": project, "schema_id": (body() or {}).get("schema_id")}
        return ok(attribute_template_group={"id": store.insert("attribute_group", values)})

    @blueprint.post(f"{prefix}/group/update")
    def update_group(project: str) -> Response | tuple[Response, int]:
        sent = body() or {}
        group = _group(store, project, sent.get("group_id"))
        if group is None:
            return bad("No such group", key="group_id")
        values = {name: sent[name] for name in ("name", "prompt", "kind") if isinstance(sent.get(name), str)}
        store.update("attribute_group", group["id"], values | {"data": json.dumps(sent)})
        return ok(group={"id": group["id"]})

    @blueprint.post(prefix)
    def new_option(project: str) -> Response | tuple[Response, int]:
        attribute = (body() or {}).get("attribute")
        sent = attribute if isinstance(attribute, dict) else {}
        group = _group(store, project, sent.get("group_id"))
        if group is None:
            return bad("No such group", key="group_id")
        option = {"group_id": group["id"], "name": str(sent.get("name"))}
        return ok(attribute_template={"id": store.insert("attribute_template", option), **option})

    return blueprint


def _group(store: Store, project: str, group_id: object) -> Row | None:
    wanted = group_id if isinstance(group_id, int) and abs(group_id) < 2**62 else -1
    return store.row("SELECT * FROM attribute_group WHERE id = ? AND project = ?", wanted, project)


def _shown(store: Store, row: Row) -> Row:
    query = "SELECT id, name, group_id FROM attribute_template WHERE group_id = ? ORDER BY id"
    names = ("id", "name", "prompt", "kind")
    return {name: row[name] for name in names} | {"attribute_template_list": store.rows(query, row["id"])}
