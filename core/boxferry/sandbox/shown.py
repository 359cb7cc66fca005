"""Files, images, videos and boxes as answers show them: with every key that a real server gives, known or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from boxferry.sandbox.store import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from boxferry.sandbox.store import Row, Store

#: What a real server keeps of a box, and a packet of boxes leaves empty.
_BLANK: dict[str, Any] = {
    **dict.fromkeys(
        (
            "attribute_groups", "bounds", "bounds_lonlat", "center_x", "center_y", "change_source", "coords", "cp",
            "created_time", "creation_ref_id", "deleted_time", "deletion_type", "end_time", "end_token",
            "from_instance_id", "front_face", "lonlat", "member_created_id", "model_id", "model_run_id", "next_id",
            "number", "p1", "p2", "pause_object", "previous_id", "radius", "rating", "rear_face", "score",
            "sequence_id", "start_time", "start_token", "to_instance_id",
        )
    ),
    **{name: {} for name in ("center_3d", "dimensions_3d", "position_3d", "rotation_euler_angles")},
    "angle": 0.0,
    "edges": [],
    "interpolated": False,
    "nodes": [],
    "soft_delete": False,
    "text_tokenizer": "nltk",
}  # fmt: skip
_OTHER_FILE_KEYS = {"bucket_name": None, "connection_id": None, "ordinal": 0, "video_id": None}
AT_ONCE = 500  # every SQLite takes so many values in a statement


def file(row: Row) -> Row:
    """A file without its media and its boxes."""
    return {
        "id": row["id"],
        "original_filename": row["original_filename"],
        "type": row["type"],
        "state": row["state"],
        "created_time": moment(row["created_time"]),
        "time_last_updated": moment(row["time_last_updated"] or row["created_time"]),
        "ann_is_complete": completed(row),
        "count_instances_changed": row["count_instances_changed"],
        "video_parent_file_id": None,
        **_OTHER_FILE_KEYS,
    }


def completed(row: Row) -> bool | None:
    """Whether a person has said "done"; None for a file of which that was never said."""
    return None if row["ann_is_complete"] is None else bool(row["ann_is_complete"])


def media(row: Row, host_url: str) -> Row:
    """The part of an answer that shows what a file is: its `image`, or its `video`."""
    url = f"{host_url}images/{row['id']}"
    if row["type"] == "video":
        return {"video": _video(row, url), "video_id": row["id"]}
    image = {"id": row["id"], "width": row["width"], "height": row["height"], "error": None}
    image |= {"original_filename": row["original_filename"], "url_signed": url, "url_signed_thumb": url}
    return {
        "image": image | {"annotation_status": None, "bucket_name": None, "rotation_degrees": 0, "soft_delete": False}
    }


def _video(row: Row, url: str) -> Row:
    return {
        "id": row["id"],
        "width": row["width"],
        "height": row["height"],
        "frame_rate": row["frame_rate"],
        "frame_count": row["frame_count"],
        "fps_conversion_ratio": 1.0,
        "offset_in_seconds": row["offset_s"],
        "filename": row["original_filename"],
        "file_signed_url": url,
        "preview_image_url_thumb": url,
        "created_time": moment(row["created_time"]),
        "status": "init",
        **dict.fromkeys(("bucket_name", "description", "parent_video_split_duration")),
    }


def labels(store: Store, project: str) -> dict[int, Row]:
    """The label files of a project, by their ids, as each box shows its own."""
    found = store.rows("SELECT id, name FROM label_file WHERE project = ?", project)
    label = _OTHER_FILE_KEYS | {"type": "label", "state": "added", "original_filename": None, "ann_is_complete": None}
    return {row["id"]: label | {"id": row["id"], "label": {"id": row["id"], "name": row["name"]}} for row in found}


def box(row: Row, known: dict[int, Row], file_id: int) -> Row:
    """A box with every key; `known` are the label files."""
    whole = {**_BLANK, **row}
    whole["points"] = row.get("points") or []
    whole["root_id"] = row.get("root_id") or row["id"]
    whole["file_id"] = file_id
    whole["label_file"] = known.get(row["label_file_id"]) if isinstance(row["label_file_id"], int) else None
    whole.pop("frame_number", None)
    return whole


def rows_of(store: Store, columns: str, ids: Sequence[int]) -> dict[int, Row]:
    """Rows of files by their ids; `columns` has `id`."""
    query = "SELECT {} FROM file WHERE id IN ({})"
    found = [store.rows(query.format(columns, _marks(some)), *some) for some in _some(ids)]
    return {row["id"]: row for rows in found for row in rows}


def boxes_of(store: Store, project: str, file_ids: Sequence[int]) -> dict[int, list[Row]]:
    """The boxes of many files, deleted ones left out, by the ids of the files; a video's are its frames' alone."""
    known = labels(store, project)
    found: dict[int, list[Row]] = {file_id: [] for file_id in file_ids}
    query = "SELECT id, file_id, data FROM instance WHERE file_id IN ({}) AND soft_delete = 0 ORDER BY id"
    for some in _some(file_ids):
        for row in store.rows(query.format(_marks(some)), *some):
            stored = json.loads(row["data"]) | {"id": row["id"]}
            if stored.get("frame_number") is None:
                found[row["file_id"]].append(box(stored, known, row["file_id"]))
    return found


def _some(values: Sequence[int]) -> Iterator[Sequence[int]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
