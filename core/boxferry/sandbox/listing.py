"""The list of files: its modes, what it filters by, and its pages."""

from __future__ import annotations

import itertools
import random
import re
from math import ceil
from typing import TYPE_CHECKING, Any

from boxferry.sandbox import shown
from boxferry.sandbox.answers import DatabaseRefusal

if TYPE_CHECKING:
    from boxferry.sandbox.store import Row, Store

DEFAULT_LIMIT = 25
CAP = 1000
IDS_CAP = 25_000
MODES = ("base", "annotation", "ids_only", "explorer")
#: the share of an explorer's files that stand elsewhere at each call; 8 pages of 20 then show 134 of 150
DISPLACED = 1 / 7
COLUMNS = (
    "id, original_filename, type, state, directory_id, width, height, ann_is_complete, created_time, frame_rate, "
    "frame_count, offset_s, time_last_updated, count_instances_changed"
)
UNREADABLE = "Unexpected token Token('$END', '') at line 1, column 1.\nExpected one of: \n\t* COMPARE_OP\n"
_QUERY = re.compile(r"\s*dataset\.id\s*={1,2}\s*(\d{1,18})\s*")
_REPEATED = (
    "annotation_status", "date_from", "date_to", "directory_id", "file_view_mode", "issues_filter", "job_id",
    "media_type", "query", "search_term",
)  # fmt: skip


class Unlisted(Exception):
    """The list is refused: `said` is the answer's whole body, or `key` what is wrong in its log."""

    def __init__(self, said: str, key: str | None = None) -> None:
        super().__init__(said)
        self.said = said
        self.key = key


class FileLists:
    """Answers the calls of the file list; what they share is the dice of the explorer's disorder."""

    def __init__(self, store: Store, seed: int) -> None:
        """Read from `store`."""
        self._store = store
        self._seed = seed
        self._calls = itertools.count()

    def answer(self, project: str, wanted: Any, host_url: str) -> Row:  # noqa: ANN401 # whatever was sent
        """One page.

        Args:
            project: whose files.
            wanted: the request's `metadata`.
            host_url: where the URLs of the media begin.

        Raises:
            Unlisted: what is wanted is not there.
            DatabaseRefusal: what is wanted cannot be asked of the database.
        """
        if not isinstance(wanted, dict):
            raise Unlisted("Error no metadata")
        mode = wanted["file_view_mode"]
        if mode not in MODES:
            raise Unlisted(f'Invalid file_view_mode "{mode}"', "file_view_mode")
        metadata = _metadata(wanted, cap=IDS_CAP if mode == "ids_only" else CAP)
        if mode == "explorer":
            return self._explored(project, metadata, host_url)
        directory_id = _directory(self._store, project, metadata["directory_id"])
        rows, count = _filtered(self._store, directory_id, metadata)
        place = _place(metadata, len(rows), count)
        return {"file_list": _as_wanted(rows, mode, host_url), "metadata": metadata | place}

    def _explored(self, project: str, metadata: Row, host_url: str) -> Row:
        """A page of a data set's files with their boxes; the pages are in no order, and need not fit together."""
        ids, start = _explorable(self._store, project, metadata["query"]), _start(metadata)
        _displace(ids, random.Random(f"{self._seed} {next(self._calls)}"))  # noqa: S311 # repeatable on purpose
        some = ids[start : start + metadata["limit"]]
        if not some:
            following = {"next_page": metadata["page"] + 1, "prev_page": None, "total_pages": 1, "start_index": 0}
            return {"file_list": False, "metadata": metadata | following}
        boxes, found = shown.boxes_of(self._store, project, some), shown.rows_of(self._store, COLUMNS, some)
        files = [
            shown.file(found[i]) | shown.media(found[i], host_url) | {"instance_list": boxes[i]}
            for i in some
            if i in found
        ]
        return {"file_list": files, "metadata": metadata | _place(metadata, len(files), len(ids))}


def _metadata(wanted: Row, *, cap: int) -> Row:
    """The answer's metadata as far as they repeat what was wanted."""
    limit = wanted.get("limit") or DEFAULT_LIMIT
    following = wanted.get("page", 1) + 1
    return {name: wanted.get(name) for name in _REPEATED} | {
        "file": {},
        "label": {"start_index": 0},
        "limit": limit if limit <= cap else cap,
        "machine_made_setting": wanted.get("annotations_are_machine_made_setting"),
        "page": following - 1 or 1,
        "regen_url": wanted.get("regen_url", True),
        "with_children_files": wanted.get("with_children_files", False),
    }


def _start(metadata: Row) -> int:
    """Where the page begins.

    Raises:
        DatabaseRefusal: no page begins there, or none is so long.
    """
    start = (metadata["page"] - 1) * metadata["limit"]
    if metadata["limit"] < 0 or start < 0:
        raise DatabaseRefusal("LIMIT and OFFSET must not be negative")
    return int(start)


def _place(metadata: Row, length: int, count: int) -> Row:
    """The answer's metadata that say where the page is, and how many there are."""
    page, start, pages = metadata["page"], _start(metadata), ceil(count / metadata["limit"])
    place = {
        "start_index": start,
        "end_index": start + length,
        "length_current_page": length,
        "file_count": count,
        "total_pages": pages,
        "next_page": page + 1 if page < pages else None,
        "prev_page": page - 1,
    }
    return place if length else place | {"no_results_match_search": True}


def _directory(store: Store, project: str, wanted: object) -> int:
    """The directory that is wanted, or the project's first.

    Raises:
        Unlisted: there is no such directory.
        DatabaseRefusal: that is no id.
    """
    if wanted is None:
        found = store.row("SELECT id FROM directory WHERE project = ? ORDER BY id", project)
    elif re.fullmatch(r"-?\d{1,18}", str(wanted)):
        found = store.row("SELECT id FROM directory WHERE project = ? AND id = ?", project, int(str(wanted)))
    else:
        raise DatabaseRefusal(f"invalid input syntax for type integer: {str(wanted)!r}")
    if found is None:
        raise Unlisted("Error with directory")
    return int(found["id"])


def _filtered(store: Store, directory_id: int, metadata: Row) -> tuple[list[Row], int]:
    """A page of a directory's files, the newest first, and how many there are on all pages."""
    where, arguments = "directory_id = ? AND state <> 'removed'", [directory_id]
    for applies, condition, value in _conditions(metadata):
        where += f" AND {condition}" if applies else ""
        arguments += [value] if applies else []
    columns = "id" if metadata["file_view_mode"] == "ids_only" else COLUMNS
    found = store.row(f"SELECT count(*) AS n FROM file WHERE {where}", *arguments)  # noqa: S608 # fixed text
    query = f"SELECT {columns} FROM file WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?"  # noqa: S608 # fixed text
    rows = store.rows(query, *arguments, metadata["limit"], _start(metadata))
    return rows, int(found["n"]) if found else 0


def _conditions(metadata: Row) -> list[tuple[bool, str, Any]]:
    """What a list may be narrowed by: whether it is, the condition, and its value. `%` and `_` are wildcards."""
    term, kind = metadata["search_term"], metadata["media_type"]
    return [
        (bool(term), r"original_filename LIKE ? ESCAPE '\'", f"%{term}%"),
        (kind not in {None, "All"}, "type = ?", str(kind).lower()),
        (metadata["annotation_status"] == "Completed", "ann_is_complete = ?", 1),
    ]


def _as_wanted(rows: list[Row], mode: str, host_url: str) -> list[Any]:
    if mode == "ids_only":
        return [row["id"] for row in rows]
    return [shown.file(row) | (shown.media(row, host_url) if mode == "annotation" else {}) for row in rows]


def _explorable(store: Store, project: str, query: object) -> list[int]:
    """The ids of the files that a query means, the oldest first; without a query, all of the project.

    Raises:
        Unlisted: the query cannot be read.
    """
    where, arguments = "project = ? AND state <> 'removed'", [project]
    if query is not None:
        read = _QUERY.fullmatch(str(query))
        if read is None:
            raise Unlisted(UNREADABLE, "parser")
        where += " AND directory_id = ?"
        arguments.append(read[1])
    return [row["id"] for row in store.rows(f"SELECT id FROM file WHERE {where} ORDER BY id", *arguments)]  # noqa: S608


def _displace(ids: list[int], dice: random.Random) -> None:
    places = dice.sample(range(len(ids)), int(len(ids) * DISPLACED))
    moved = [ids[place] for place in places]
    dice.shuffle(moved)
    for place, file_id in zip(places, moved, strict=True):
        ids[place] = file_id
