"""What the server does with a list of boxes, minutes later, in the background: it checks, keeps, adds and deletes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from boxferry.sandbox.bounds import CORNERS, BoxError
from boxferry.sandbox.instances import DATABASE_INT, check
from boxferry.sandbox.store import moment, now

if TYPE_CHECKING:
    from boxferry.sandbox.store import Row, Store


def refused_by_database(box: Any) -> bool:  # noqa: ANN401 # whatever was sent
    """Whether a box has a value that the database does not take, behind the server's back."""
    if not isinstance(box, dict):
        return False
    corners, score = [box.get(name) for name in CORNERS], box.get("score")
    return (score is not None and not isinstance(score, int | float)) or any(
        isinstance(corner, int) and abs(corner) >= DATABASE_INT for corner in corners
    )


def vanishes(box: Any) -> bool:  # noqa: ANN401 # whatever was sent
    """Whether the whole list comes to nothing because of a box: success, and no box stored."""
    return isinstance(box, dict) and (refused_by_database(box) or isinstance(box.get("label_file_id"), bool))


def same_box(box: Row) -> str:
    """What makes two boxes equal: geometry, label, attributes, number, who made them; not score, run or reference."""
    names = ("type", "label_file_id", *CORNERS, "attribute_groups", "number", "machine_made")
    return json.dumps([box.get("points") or [], *(box.get(name) for name in names)], sort_keys=True)


def apply_list(store: Store, file: Row, mode: str | None, boxes: list[Any]) -> str | None:
    """Carry a list out on a file; gives the reason where it was refused at some box, else None.

    The good boxes before a refused one are stored, those after it are lost.
    """
    kept: dict[str, Row] = {}
    problem = None
    for box in boxes:
        try:
            stored = check(store, file["project"], box)
        except BoxError as error:
            problem = str(error)
            break
        extra = {"id": box.get("id"), "soft_delete": bool(box.get("soft_delete"))}
        kept.setdefault(same_box(stored), stored | extra)
    if any(vanishes(box) for box in boxes):
        return problem
    with store.writing():
        if mode == "update_with_existing":
            came = _replace(store, file["id"], kept, complete=problem is None)
        else:
            came = _add(store, file["id"], [new_row(box) for box in kept.values()])
        touch(store, file["id"], len(came))
    return problem


def _add(store: Store, file_id: int, rows: list[Row]) -> list[int]:
    """Store rows; one that comes marked as deleted is."""
    came = store.add_instances(file_id, rows)
    store.delete_instances([row_id for row_id, row in zip(came, rows, strict=True) if row.get("soft_delete")])
    return came


def touch(store: Store, file_id: int, came: int) -> None:
    """Write down that the boxes of a file were changed, and how many rows came."""
    found = store.row("SELECT count_instances_changed AS n FROM file WHERE id = ?", file_id) or {"n": None}
    count = {"count_instances_changed": (found["n"] or 0) + came} if came else {}
    store.update("file", file_id, {"time_last_updated": store.now()} | count)


def _replace(store: Store, file_id: int, wanted: dict[str, Row], *, complete: bool) -> list[int]:
    """Boxes that are equal keep their rows; the others of the file go, and the new ones come. Gives the new ids."""
    there = {same_box(box): box["id"] for box in store.instances(file_id)}
    came = _add(store, file_id, [new_row(box) for key, box in wanted.items() if key not in there])
    if complete:
        store.delete_instances([row_id for key, row_id in there.items() if key not in wanted])
    return came


def new_row(box: Row) -> Row:
    """A box that was not there before; a version that comes with it is counted on."""
    version = box.get("version")
    chain = {
        "version": version + 1 if isinstance(version, int) else 1,
        "root_id": None,
        "previous_id": None,
        "action_type": "created",
        "member_created_id": None,
    }
    return {**box, **chain, "created_time": moment(now())}


def review(store: Store, file: Row, boxes: list[Any]) -> list[Row]:
    """A person's save: every box of the file as read, changed, or new. Gives the rows that came.

    A changed box is a new row that names the old one and keeps its reference, score and machine_made (unless the save
    says otherwise, as the interface does); a box that is not in the list, or marked as deleted, is deleted.
    """
    with store.writing():
        there = {box["id"]: box for box in store.instances(file["id"])}
        stay: set[int] = set()
        added: list[Row] = []
        for box in boxes:
            old = there.get(box.get("id")) if isinstance(box, dict) else None
            if isinstance(box, dict) and box.get("soft_delete"):
                continue
            stored = check(store, file["project"], (old or {}) | box if isinstance(box, dict) else box)
            if old is not None and same_box(stored) == same_box(old):
                stay.add(old["id"])
                continue
            added.append(_edited(stored, old))
        store.delete_instances([row_id for row_id in there if row_id not in stay])
        ids = store.add_instances(file["id"], added)
        touch(store, file["id"], len(ids))
    return [box | {"id": row_id} for box, row_id in zip(added, ids, strict=True)]


def _edited(stored: Row, old: Row | None) -> Row:
    if old is None:
        return new_row(stored) | {"member_created_id": 1}
    return {
        **stored,
        "created_time": moment(now()),
        "model_run_id": old.get("model_run_id"),
        "version": (old.get("version") or 1) + 1,
        "root_id": old.get("root_id") or old["id"],
        "previous_id": old["id"],
        "action_type": "edited",
        "member_created_id": 1,
    }
