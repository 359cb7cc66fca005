"""The page at `/correct/<id>`: a person moves, resizes, relabels, deletes and adds boxes, and marks files as done.

It reads and saves through the routes that Diffgram's interface uses, with the sandbox's own key.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, render_template_string, request
from PIL import Image
from werkzeug.exceptions import NotFound

from boxferry.pages.assets import KINDS, asset
from boxferry.pages.colours import look_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from boxferry.sandbox.parts import Key, Sandboxed
    from boxferry.sandbox.store import Row

LISTED = 500
SHOWN = {"open": "AND ann_is_complete IS NOT 1", "done": "AND ann_is_complete = 1"}

_PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("correct", __name__)
    store = sandboxed.store

    @blueprint.get("/correct")
    def first() -> AnyResponse:
        row = store.row("SELECT id FROM file WHERE type = 'image' AND state <> 'removed' ORDER BY ann_is_complete, id")
        if row is None:
            raise NotFound
        return redirect(f"/correct/{row['id']}")

    @blueprint.get("/pages/correct.js")
    def script() -> Response:
        return Response(_SCRIPT, mimetype="text/javascript")

    @blueprint.get("/pages/<name>")
    def shared(name: str) -> Response:
        """What the pages of boxferry share: the stylesheet, and the scripts that the page's own imports."""
        try:
            return Response(asset(name), mimetype=KINDS[Path(name).suffix])
        except KeyError:
            raise NotFound from None

    @blueprint.get("/correct/<int:file_id>")
    def correct(file_id: int) -> str:
        file = store.row("SELECT * FROM file WHERE id = ? AND type = 'image' AND state <> 'removed'", file_id)
        if file is None:
            raise NotFound
        show = request.args.get("show", "all")
        query = f"""
            SELECT id, original_filename, ann_is_complete FROM file
            WHERE type = 'image' AND state <> 'removed' AND project = ? {SHOWN.get(show, "")} ORDER BY id LIMIT {LISTED}
        """  # noqa: S608 # fixed text
        files = store.rows(query, file["project"])
        labels = store.rows("SELECT id, name FROM label_file WHERE project = ? ORDER BY id", file["project"])
        width, height = _sides(store.images / str(file_id), file)
        facts = {
            "id": file_id,
            "project": file["project"],
            "directory": file["directory_id"],
            "width": width,
            "height": height,
            "done": bool(file["ann_is_complete"]),
            "labels": [label | look_of(label["name"])._asdict() for label in labels],
            "authorization": _authorization(sandboxed.keys, file["project"]),
        }
        file |= {"width": width, "height": height}
        return render_template_string(_PAGE, file=file, files=files, facts=facts, show=show)

    return blueprint


def _sides(path: Path, file: Row) -> tuple[int, int]:
    """Width and height of the picture itself: of one that was scaled they are recorded the wrong way round."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError:
        return file["width"], file["height"]


def _authorization(keys: tuple[Key, ...], project: str) -> str:
    """The header by which the page comes in; the sandbox guards nothing, and listens to this machine alone."""
    key = next(key for key in keys if key.project == project and key.role == "editor")
    return "Basic " + base64.b64encode(f"{key.client_id}:{key.client_secret}".encode()).decode()
