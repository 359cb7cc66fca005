"""Files: their list, one file with its size, its boxes, and a reviewer's save."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import InternalServerError, NotFound

from boxferry.sandbox.answers import bad, body, ok
from boxferry.sandbox.boxes import BoxError, review

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

DEFAULT_LIMIT = 25
COLUMNS = (
    "id, original_filename, type, state, directory_id, width, height, ann_is_complete, created_time, frame_rate, "
    "frame_count, offset_s"
)


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("files", __name__)
    store = sandboxed.store

    @blueprint.post("/api/project/<project>/user/sdk/file/list")
    def file_list(project: str) -> Response:
        wanted = (body() or {}).get("metadata")
        return ok(**_listed(store, project, wanted if isinstance(wanted, dict) else {}))

    @blueprint.post("/api/v1/file/view")
    def file_view() -> Response:
        sent = body() or {}
        file = _file(store, str(sent.get("project_string_id")), sent.get("file_id"))
        if file is None:
            raise InternalServerError
        return ok(file=_shown(file) | _media(file))

    @blueprint.post("/api/project/<project>/file/<int:file_id>/annotation/list")
    def annotations(project: str, file_id: int) -> Response | tuple[Response, int]:
        file = _file(store, project, file_id)
        if file is None:
            return bad("File does not exist", key="file_id")
        return ok(file_serialized=_shown(file) | {"instance_list": store.instances(file_id)})

    @blueprint.post("/api/project/<project>/file/<int:file_id>/annotation/update")
    def save(project: str, file_id: int) -> Response | tuple[Response, int]:
        return _save(store, project, file_id)

    @blueprint.get("/images/<int:file_id>")
    def image(file_id: int) -> Response:
        path = store.images / str(file_id)
        if not path.is_file():
            raise NotFound
        data = path.read_bytes()
        return Response(data, mimetype="image/png" if data.startswith(b"\x89PNG") else "image/jpeg")

    return blueprint


def _media(file: Row) -> Row:
    """The part of an answer that shows what a file is: its image, or its video."""
    url = f"{request.host_url}images/{file['id']}"
    size = {"width": file["width"], "height": file["height"], "original_filename": file["original_filename"]}
    if file["type"] != "video":
        return {"image": size | {"url_signed": url}, "video": None}
    video = {"frame_rate": file["frame_rate"], "frame_count": file["frame_count"], "fps_conversion_ratio": 1.0}
    return {"image": None, "video": size | video | {"offset_in_seconds": file["offset_s"], "file_signed_url": url}}


def _save(store: Store, project: str, file_id: int) -> Response | tuple[Response, int]:
    file, sent = _file(store, project, file_id), body() or {}
    if file is None or not isinstance(sent.get("instance_list"), list):
        return bad("An instance_list and a file are needed")
    try:
        added = review(store, file, sent["instance_list"])
    except BoxError as error:
        return bad(str(error))
    if sent.get("and_complete"):
        store.update("file", file_id, {"ann_is_complete": 1})
    return ok(added_instances=added)


def _file(store: Store, project: str, file_id: Any) -> Row | None:  # noqa: ANN401 # whatever was sent
    wanted = file_id if isinstance(file_id, int) and abs(file_id) < 2**62 else -1
    return store.row(f"SELECT {COLUMNS}, project FROM file WHERE id = ? AND project = ?", wanted, project)  # noqa: S608


def _shown(file: Row) -> Row:
    names = ("id", "original_filename", "type", "state", "created_time")
    return {name: file[name] for name in names} | {"ann_is_complete": bool(file["ann_is_complete"])}


def _listed(store: Store, project: str, wanted: Row) -> Row:
    conditions, arguments = "project = ? AND state <> 'removed'", [project]
    if isinstance(wanted.get("directory_id"), int):
        conditions += " AND directory_id = ?"
        arguments.append(wanted["directory_id"])
    if wanted.get("search_term"):
        conditions += " AND instr(lower(original_filename), lower(?)) > 0"
        arguments.append(str(wanted["search_term"]))
    limit, page = _positive(wanted.get("limit"), DEFAULT_LIMIT), _positive(wanted.get("page"), 1)
    found = store.row(f"SELECT count(*) AS n FROM file WHERE {conditions}", *arguments)  # noqa: S608 # fixed text
    count = int(found["n"]) if found else 0
    query = f"SELECT {COLUMNS} FROM file WHERE {conditions} ORDER BY id LIMIT ? OFFSET ?"  # noqa: S608 # fixed text
    rows = store.rows(query, *arguments, limit, (page - 1) * limit)
    only_ids = wanted.get("file_view_mode") == "ids_only"
    pages = ceil(count / limit)
    return {
        "file_list": [row["id"] if only_ids else _shown(row) for row in rows],
        "metadata": {"next_page": page + 1 if page < pages else None, "total_pages": pages, "file_count": count},
    }


def _positive(value: Any, default: int) -> int:  # noqa: ANN401 # whatever was sent
    return value if isinstance(value, int) and 0 < value < 2**31 else default
