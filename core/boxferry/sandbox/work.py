"""The page at `/work`: how far people are with each directory, by the times of packets and of their saves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, jsonify, render_template_string, request

if TYPE_CHECKING:
    from flask import Response

    from boxferry.sandbox.parts import Sandboxed
    from boxferry.sandbox.store import Row, Store

_PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
SEEN = "people_last > packet_last"
COLUMNS = {
    "files": "1",
    "to review": "packet_last IS NOT NULL AND people_last IS NULL",
    "pushed since": "people_last <= packet_last",
    "reviewed": f"{SEEN} AND ann_is_complete IS NOT 1",
    "done": f"{SEEN} AND ann_is_complete = 1",
    "people's": "packet_last IS NULL AND people_last IS NOT NULL",
    "untouched": "packet_last IS NULL AND people_last IS NULL",
}  #: column → what a file has to be like


def routes(sandboxed: Sandboxed) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("work", __name__)
    store = sandboxed.store

    @blueprint.get("/work")
    def work() -> str | Response:
        """The page; with `?json=1` its numbers."""
        found = [_counted(store, place) for place in store.rows("SELECT id, nickname FROM directory ORDER BY id")]
        if request.args.get("json"):
            return jsonify(found)
        return render_template_string(_PAGE, directories=found, columns=list(COLUMNS), waiting=_waiting(store))

    return blueprint


def _counted(store: Store, place: Row) -> Row:
    sums = ", ".join(f'coalesce(sum({condition}), 0) AS "{name}"' for name, condition in COLUMNS.items())
    query = f"SELECT {sums} FROM file WHERE directory_id = ? AND state <> 'removed'"  # noqa: S608 # fixed text
    inputs = "SELECT count(*) AS n FROM input WHERE directory_id = ? AND status NOT IN ('success', 'failed')"
    under_way = store.row(inputs, place["id"]) or {"n": 0}
    counts = store.row(query, place["id"]) or {}
    return {"directory": place["nickname"]} | counts | {"under way": under_way["n"]}


def _waiting(store: Store, most: int = 100) -> list[Row]:
    """The files that are left to review, those that wait longest first."""
    where = "state <> 'removed' AND packet_last IS NOT NULL AND coalesce(people_last, 0) <= packet_last"
    query = (
        f"SELECT id, original_filename, packet_last, people_last FROM file WHERE {where} ORDER BY packet_last LIMIT ?"  # noqa: S608 # fixed text
    )
    return store.rows(query, most)
