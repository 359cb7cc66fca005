"""Directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from boxferry.sandbox.answers import bad, body, ok

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed

DEFAULT_LIMIT = 10


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("directories", __name__)
    store = sandboxed.store
    prefix = "/api/v1/project/<project>/directory"

    @blueprint.post(f"{prefix}/list")
    def directories(project: str) -> Response:
        limit = (body() or {}).get("limit")
        count = limit if isinstance(limit, int) and 0 < limit < 2**31 else DEFAULT_LIMIT
        query = "SELECT id, nickname FROM directory WHERE project = ? ORDER BY id LIMIT ?"
        return ok(directory_list=store.rows(query, project, count))

    @blueprint.post(f"{prefix}/new")
    def new_directory(project: str) -> Response | tuple[Response, int]:
        nickname = (body() or {}).get("nickname")
        if nickname is not None and not isinstance(nickname, str):
            return bad("nickname must be a text", key="nickname")
        directory_id = store.insert("directory", {"project": project, "nickname": nickname})
        return ok(new_directory={"id": directory_id, "nickname": nickname})

    return blueprint
