"""The page at `/`: the files, newest first, each image with its boxes, labels and scores drawn over it."""

from __future__ import annotations

from itertools import groupby
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, render_template_string, request
from werkzeug.exceptions import NotFound

from boxferry.pages.colours import look_of

if TYPE_CHECKING:
    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

PER_PAGE = 12
AT_ONCE, FIRST = 100, 20  #: boxes in the table of one file, and of one among others
EACH = 100  #: boxes that have a text of their own where the mouse is; of more, those of a label share one
SHAPES = {"box", "polygon"}

_PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("page", __name__)
    store = sandboxed.store

    @blueprint.get("/")
    def index() -> str:
        q, page = request.args.get("q", ""), max(1, request.args.get("page", 1, type=int))
        where = "state <> 'removed' AND instr(lower(original_filename), lower(?)) > 0"
        count = _count(store, f"file WHERE {where}", q)
        query = f"SELECT * FROM file WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?"  # noqa: S608 # fixed text
        rows = store.rows(query, q, PER_PAGE, (min(page, 10**9) - 1) * PER_PAGE)
        return _rendered(store, rows, title="Files", count=count, q=q, page=page, pages=ceil(count / PER_PAGE))

    @blueprint.get("/files/<int:file_id>")
    def one(file_id: int) -> str:
        rows = store.rows("SELECT * FROM file WHERE id = ?", file_id)
        if not rows:
            raise NotFound
        count = _count(store, "file WHERE state <> 'removed'")
        part = max(1, request.args.get("boxes", 1, type=int))
        return _rendered(store, rows, title=rows[0]["original_filename"], count=count, single=True, part=part)

    @blueprint.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)

    return blueprint


def _count(store: Store, rest: str, *arguments: object) -> int:
    found = store.row(f"SELECT count(*) AS n FROM {rest}", *arguments)  # noqa: S608 # fixed text
    return int(found["n"]) if found else 0


def _rendered(store: Store, rows: list[Row], *, count: int, part: int = 0, **values: Any) -> str:  # noqa: ANN401 # the template's
    names = {row["id"]: row["name"] for row in store.rows("SELECT id, name FROM label_file")}
    directories = {row["id"]: row["nickname"] for row in store.rows("SELECT id, nickname FROM directory")}
    files = [
        row | {"directory": directories.get(row["directory_id"])} | _shown(store.instances(row["id"]), names, part)
        for row in rows
    ]
    pending = _count(store, "input WHERE status NOT IN ('success', 'failed')")
    failed = _count(store, "input WHERE status = 'failed'")
    defaults = {"q": "", "page": 1, "pages": 1, "single": False}
    return render_template_string(_PAGE, **defaults | values, files=files, count=count, pending=pending, failed=failed)


def _shown(instances: list[Row], names: dict[int, str], part: int) -> Row:
    """The boxes of a file, those of a part of the table (from 1; 0: the first few), and their paths."""
    boxes = [_drawn(box, names) for box in instances if box["type"] in SHAPES]
    parts = ceil(len(boxes) / AT_ONCE) or 1
    part = min(part, parts)
    start = max(0, part - 1) * AT_ONCE
    listed = boxes[start : start + (AT_ONCE if part else FIRST)]
    return {
        "boxes": boxes, "listed": listed, "part": part, "parts": parts, "first": start + 1, "groups": _groups(boxes),
        "dense": len(boxes) > EACH,
    }  # fmt: skip


def _drawn(box: Row, names: dict[int, str]) -> Row:
    label = names.get(box["label_file_id"], str(box["label_file_id"]))
    score = box.get("score")
    return {
        **box,
        "label": label,
        "look": look_of(label),
        "shown_score": "" if score is None else f"{score:.2f}",
        "path": _path(box),
    }


def _path(box: Row) -> str:
    """Its outline; of a box, its four sides."""
    if points := box["type"] == "polygon" and box.get("points"):
        return "M" + " ".join(f"{point['x']} {point['y']}" for point in points) + "z"
    x_min, y_min, x_max, y_max = (box[side] for side in ("x_min", "y_min", "x_max", "y_max"))
    return f"M{x_min} {y_min}H{x_max}V{y_max}H{x_min}z"


def _groups(boxes: list[Row]) -> list[Row]:
    """What is drawn as one: each box, or where they are many, those of a label that look alike."""
    if len(boxes) <= EACH:
        return [box | {"title": f"{box['label']} {box['shown_score']}"} for box in boxes]
    alike = groupby(sorted(boxes, key=_alike), _alike)
    return [some[0] | {"title": label, "path": "".join(box["path"] for box in some)}
            for (label, _), same in alike for some in [list(same)]]  # fmt: skip


def _alike(box: Row) -> tuple[str, bool]:
    return box["label"], bool(box["machine_made"])
