"""What a list of boxes does to those of a file, whether a packet brings it or a person saves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from boxferry.sandbox.bounds import BoxError
from boxferry.sandbox.boxes import next_version, same_box, touch, vanishes
from boxferry.sandbox.instances import check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.sandbox.store import Row, Store

MEMBER = 1  #: the id of whoever saves, or uploads


@dataclass
class Change:
    """The rows of a file while a list is carried out on them; of equal boxes one stays, the newest.

    Attributes:
        rows: what there was, deleted rows too, by id; nothing where a list only adds.
        member_id: whose the new rows are, None for the background's.
        added: the rows that come.
    """

    rows: dict[int, Row] = field(default_factory=dict)
    member_id: int | None = None
    added: list[Row] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._there = {same_box(row): row_id for row_id, row in self.rows.items()}

    def take(self, sent: Row, stored: Row) -> None:
        """One box of the list: it is there already, or equal to one before it, or new, or a changed one."""
        stored |= {"soft_delete": sent.get("soft_delete") is True}
        key = same_box(stored)
        if key not in self._seen and key not in self._there:
            self.added.append(self._chained(sent, stored))
        self._seen.add(key)

    def left_over(self) -> list[int]:
        """The ids of the rows that are not in the list, or are the older of equal ones."""
        kept = {self._there[key] for key in self._seen if key in self._there}
        return [row_id for row_id, row in self.rows.items() if not row["soft_delete"] and row_id not in kept]

    def missing(self, sent: Iterable[Row]) -> list[int]:
        """The rows that are there and not in the list, which was read before somebody else's change then."""
        named = {row.get("id") for row in sent}
        return [row_id for row_id, row in self.rows.items() if not row["soft_delete"] and row_id not in named]

    def _chained(self, sent: Row, stored: Row) -> Row:
        """A row that names what it came from: the box that was sent with an id, which need not be there."""
        old = self.rows.get(sent["id"]) if isinstance(sent.get("id"), int) else None
        chain = {
            "version": next_version(sent),
            "root_id": sent.get("root_id") or (old or {}).get("root_id") or (old or {}).get("id"),
            "previous_id": sent.get("id"),
            "action_type": _action(sent, stored, old),
            "member_created_id": self.member_id,
        }
        run = {"model_run_id": stored.get("model_run_id") or sent.get("model_run_id")}
        return {**stored, **run, **chain}


def _action(sent: Row, stored: Row, old: Row | None) -> str:
    if old is not None and stored["soft_delete"] != old["soft_delete"]:
        return "deleted" if stored["soft_delete"] else "undeleted"
    return "created" if sent.get("id") is None else "edited"


def apply_list(
    store: Store, file: Row, mode: str | None, boxes: list[Any], *, member_id: int | None = None
) -> str | None:
    """Carry a packet's list out on a file; gives the reason where it was refused at some box, else None.

    The good boxes before a refused one are stored, those after it are lost, and nothing is deleted.
    """
    with store.writing():
        change = Change(_rows(store, file["id"]) if mode == "update_with_existing" else {}, member_id)
        problem = None
        for box in boxes:
            try:
                change.take(box, check(store, file["project"], box))
            except BoxError as error:
                problem = str(error)
                break
        if not any(vanishes(box) for box in boxes):
            _carry_out(store, file["id"], change.added, change.left_over() if problem is None else [])
            store.update("file", file["id"], {"packet_last": store.now()})
    return problem


@dataclass(frozen=True)
class Saved:
    """What a person's save did.

    Attributes:
        added: the rows that came, deleted ones among them: a box that is sent as deleted becomes a row too.
        deleted: the ids of those that went.
        missing: the ids of rows that were there and not in the list.
    """

    added: list[Row]
    deleted: list[int]
    missing: list[int]


def save(store: Store, file: Row, boxes: list[Any]) -> Saved:
    """A person's save: every box of the file as read, changed, or new; what is left out is deleted.

    Raises:
        BoxError: a box is refused, and nothing is changed.
        KeyError: a box has no type.
    """
    with store.writing():
        change = Change(_rows(store, file["id"]), MEMBER)
        for box in boxes:
            if isinstance(box, dict) and "type" not in box:
                raise KeyError("type")
            change.take(box, check(store, file["project"], box))
        deleted = change.left_over()
        ids = _carry_out(store, file["id"], change.added, deleted)
        store.update("file", file["id"], {"people_last": store.now()})
    added = [row | {"id": row_id} for row, row_id in zip(change.added, ids, strict=True)]
    return Saved(added=added, deleted=deleted, missing=change.missing(boxes))


def _rows(store: Store, file_id: int) -> dict[int, Row]:
    """All rows of a file by id, the oldest first, deleted ones too."""
    return {row["id"]: row for row in store.all_instances(file_id)}


def _carry_out(store: Store, file_id: int, added: list[Row], deleted: list[int]) -> list[int]:
    """Store what comes, mark what goes; gives the ids of what came."""
    ids = store.add_instances(file_id, added)
    store.delete_instances([row_id for row_id, row in zip(ids, added, strict=True) if row["soft_delete"]])
    store.delete_instances(deleted)
    touch(store, file_id, len(ids))
    return ids
