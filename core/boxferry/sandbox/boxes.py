"""What boxes are to the database: which are equal, which it does not take, and what it writes down of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from boxferry.sandbox.bounds import CORNERS
from boxferry.sandbox.instances import DATABASE_INT, SHAPE

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
    shape = [box.get(name) or None for name in ("points", *SHAPE)]
    return json.dumps([bool(box.get("soft_delete")), shape, *(box.get(name) for name in names)], sort_keys=True)


def touch(store: Store, file_id: int, came: int) -> None:
    """Write down that the boxes of a file were changed, and how many rows came."""
    found = store.row("SELECT count_instances_changed AS n FROM file WHERE id = ?", file_id) or {"n": None}
    count = {"count_instances_changed": (found["n"] or 0) + came} if came else {}
    store.update("file", file_id, {"time_last_updated": store.now()} | count)


def new_row(box: Row) -> Row:
    """A box that was not there before; a version that comes with it is counted on."""
    nothing = dict.fromkeys(("root_id", "previous_id", "member_created_id"))
    return {**box, **nothing, "version": next_version(box), "action_type": "created"}


def next_version(box: Row) -> int:
    """The version of a row that is made of a box."""
    version = box.get("version")
    return version + 1 if isinstance(version, int) else 1
