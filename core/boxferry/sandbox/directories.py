"""Directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from boxferry.sandbox.answers import DatabaseRefusal, Refusal, ok
from boxferry.sandbox.checks import checked, maybe_int, text

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

ACCESS_TYPES = ["project", "restricted"]
ALL = -1  #: as a LIMIT of SQLite


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("directories", __name__)
    store = sandboxed.store
    prefix = "/api/v1/project/<project>/directory"

    @blueprint.post(f"{prefix}/list")
    def directories(project: str) -> Response:
        limit = checked(limit=maybe_int).get("limit")
        if limit is not None and limit < 0:
            raise DatabaseRefusal("LIMIT must not be negative")
        query = "SELECT id, nickname FROM directory WHERE project = ? ORDER BY id DESC LIMIT ?"
        rows = store.rows(query, project, ALL if limit is None else min(limit, 2**62))
        return ok(directory_list=[shown_directory(row) for row in rows])

    @blueprint.post(f"{prefix}/new")
    def new_directory(project: str) -> Response:
        sent = checked(nickname=text, access_type=text)
        _see(store, project, sent)
        values = {"project": project, "nickname": sent["nickname"]}
        return ok(
            new_directory=shown_directory({"id": store.insert("directory", values), "nickname": sent["nickname"]})
        )

    return blueprint


def _see(store: Store, project: str, sent: Row) -> None:
    if sent["access_type"] not in ACCESS_TYPES:
        raise Refusal({"access_type": f"Invalid access type. Must be one of {ACCESS_TYPES}"})
    query = "SELECT id FROM directory WHERE project = ? AND nickname = ?"
    if store.row(query, project, sent["nickname"]) is not None:
        raise Refusal({"name": "Existing with same name in project."})


def shown_directory(row: Row) -> Row:
    """A directory as answers show it."""
    own = {"id": row["id"], "directory_id": row["id"], "nickname": row["nickname"]}
    return own | {"has_changes": None, "jobs_to_sync": {"job_ids": []}}
