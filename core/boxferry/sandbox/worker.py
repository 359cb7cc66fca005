"""The background work: one input is carried out, and ends as 'success' or 'failed'."""

from __future__ import annotations

import json
import logging
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from boxferry.sandbox.annotating import MEMBER, apply_list
from boxferry.sandbox.answers import LOG
from boxferry.sandbox.boxes import refused_by_database, touch
from boxferry.sandbox.media import MediaError, check_extension, fetch, name_in, opened
from boxferry.sandbox.pool import Abandoned, WorkerDied
from boxferry.sandbox.store import RunTaken
from boxferry.sandbox.video import Clip, apply_frames, checked_frames, clips_of, frames_of, opened_video

if TYPE_CHECKING:
    from boxferry.sandbox.store import Row, Store

log = logging.getLogger("boxferry.sandbox")

KINDS = {None, "image", "video", "text", "audio", "sensor_fusion", "geospatial"}
LONGEST_NAME = 250  #: characters; the database takes no more
IN_QUEUE = {"status": "processing_frames_in_queue", "percent_complete": 60.0}


def work_off(store: Store, row: Row) -> None:
    """Carry one input out and end it, whatever happens.

    Raises:
        Abandoned: the input stays as it is.
    """
    try:
        process(store, row)
    except Abandoned:
        raise
    except Exception as error:  # the worker goes on, as the server's does
        log.exception("input %s", row["id"])
        end(store, row["id"], f"Traceback (most recent call last): {error!r}")


def end(  # noqa: D417 # the rest is clear
    store: Store,
    input_id: int,
    problem: str | None,
    file_id: int | None = None,
    *,
    log: dict[str, Any] | None = None,
) -> None:
    """Write down how an input ended.

    Args:
        problem: why it failed, None where it succeeded.
        log: what its update_log says; nothing is wrong by default.
    """
    values: dict[str, Any] = {
        "status": "failed" if problem else "success",
        "status_text": problem,
        "update_log": json.dumps(LOG if log is None else log),
        "percent_complete": 0.0 if problem else 100.0,
        "time_updated": store.now(),
    }
    store.update("input", input_id, values | ({"file_id": file_id} if file_id is not None else {}))


def process(store: Store, row: Row) -> None:
    """Carry one input out.

    Raises:
        Abandoned: the input stays as it is.
    """
    if row["mode"] in {"update", "update_with_existing"}:
        file = store.row("SELECT * FROM file WHERE id = ?", row["file_id"])
        return _update(store, row, file) if file else end(store, row["id"], None)
    try:
        name, data = _fetched(store, row)
        carry_out_new(store, row, name, data)
    except MediaError as error:
        end(store, row["id"], str(error), log=error.log)
    return None


def _update(store: Store, row: Row, file: Row) -> None:
    _prepare_database(store, row)
    touch(store, file["id"], 0)
    if file["type"] == "video":
        frames = _frames(row)
        if not frames:
            return end(store, row["id"], "Please provide a frame packet map. It cannot be empty.'")
        return _end_frames(store, row, file, apply_frames(store, file, frames, row["mode"]))
    boxes = _boxes(row)
    return end(store, row["id"], None if boxes is None else apply_list(store, file, row["mode"], boxes))


def _boxes(row: Row) -> list[Any] | None:
    found: list[Any] | None = json.loads(row["instance_list"])["list"] if row["instance_list"] else None
    return found


def _frames(row: Row) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(row["frame_packet_map"]) if row["frame_packet_map"] else None
    return found


def _prepare_database(store: Store, row: Row) -> None:
    """Make the rows of the models and runs that a packet names, before any of its boxes.

    Raises:
        WorkerDied: another packet makes the same run at this moment, or a box has what the database does not take.
    """
    lists = [_boxes(row) or [], *(_frames(row) or {}).values()]
    boxes = [box for each in lists if isinstance(each, list) for box in each if isinstance(box, dict)]
    refs = [(str(box["model_ref"]), str(box["model_run_ref"])) for box in boxes if _names_run(box)]
    try:
        for model, run in dict.fromkeys(refs):
            store.model_run(row["project"], model, run)
    except RunTaken as error:
        raise WorkerDied(f"unique_model_run_refs: {error}", code="7s2a") from error
    if store.poison and any(map(refused_by_database, boxes)):
        raise WorkerDied("a value that the database does not take", code="9h9h")


def _names_run(box: Row) -> bool:
    return bool(box.get("model_ref") and box.get("model_run_ref"))


def _end_frames(store: Store, row: Row, file: Row, wrong: dict[str, Any]) -> None:
    end(store, row["id"], "See Update Log" if wrong else None, file["id"], log=LOG | {"error": wrong})


def _fetched(store: Store, row: Row) -> tuple[str, bytes]:
    """The name and the bytes of new media; a name that was not sent is written down."""
    if row["type"] not in {None, "from_url", "from_blob_path"}:
        raise MediaError(f"Type {row['type']} is not supported by the sandbox")
    blob, name = row["type"] == "from_blob_path", row["original_filename"]
    if name is None:
        name = name_in(row["blob_path"] if blob else row["url"])
        store.update("input", row["id"], {"original_filename": name})
    check_extension(name, given=row["original_filename"] is not None, video=row["media_type"] == "video")
    if row["media_type"] not in KINDS:
        raise MediaError(f"Invalid media type: {PurePosixPath(name).suffix}")
    check_name(store, row["directory_id"], name)
    data = store.blob(row["connection_id"], row["bucket_name"], row["blob_path"]) if blob else fetch(row["url"])
    if data is None:
        raise MediaError(f"Could not fetch {row['blob_path']} from bucket {row['bucket_name']}")
    return name, data


def carry_out_new(store: Store, row: Row, name: str, data: bytes, *, frames_later: bool = False) -> int | None:
    """Make the file of an input, attach its boxes, and end it; gives the file's id, None where it was split.

    With `frames_later` a video has not ended then: `finish_video` goes on with it.

    Raises:
        MediaError: the media cannot be opened, or the name is taken.
        Abandoned: the input stays as it is, and there is no file.
    """
    if len(name) > LONGEST_NAME:
        kind = WorkerDied if store.poison else Abandoned
        raise kind(f"value too long for type character varying({LONGEST_NAME})", code="9h9h")
    if row["media_type"] == "video":
        return _new_video(store, row, opened_video(name, data), data, frames_later=frames_later)
    picture = opened(name, data)
    check_name(store, row["directory_id"], name)
    _prepare_database(store, row)
    file_id = _add_file(store, row, name, picture)
    file = store.row("SELECT * FROM file WHERE id = ?", file_id)
    boxes, member_id = _boxes(row), MEMBER if row["type"] == "from_local" else None
    problem = apply_list(store, file, None, boxes, member_id=member_id) if file and boxes else None
    end(store, row["id"], problem, file_id)
    return file_id


def _new_video(store: Store, row: Row, whole: Clip, data: bytes, *, frames_later: bool) -> int | None:
    """One file, or a file and an input of its own for each clip of a long video."""
    _prepare_database(store, row)
    clips, frames = clips_of(whole, row["video_split_duration"]), _frames(row)
    if len(clips) > 1:
        end(store, row["id"], None)
        for clip in clips:
            _new_clip(store, row, clip, frames_of(clip, frames), data)
        return None
    file = _add_clip(store, row, whole, data)
    if frames_later:
        _begin_video(store, row, file, frames or {})
    else:
        _end_frames(store, row, file, apply_frames(store, file, frames or {}, None))
    return int(file["id"])


def _new_clip(store: Store, row: Row, clip: Clip, frames: dict[str, list[Any]] | None, data: bytes) -> None:
    child = {name: row[name] for name in ("project", "directory_id", "media_type", "type", "url", "created_time")}
    child |= {"original_filename": clip.name, "parent_input_id": row["id"], "status": "processing", "due": 0.0}
    child |= {"frame_packet_map": json.dumps(frames) if frames else None}
    input_id = store.insert("input", child)
    file = _add_clip(store, row, clip, data)
    _end_frames(store, child | {"id": input_id}, file, apply_frames(store, file, frames or {}, None))


def _begin_video(store: Store, row: Row, file: Row, frames: dict[str, list[Any]]) -> None:
    """The state in which the upload of a video is answered: failed where a frame is bad, else in the queue."""
    _, wrong = checked_frames(store, file, frames)
    if wrong:
        return _end_frames(store, row, file, wrong)
    facts = {"file_id": file["id"], "update_log": json.dumps(LOG), "time_updated": store.now()}
    return store.update("input", row["id"], IN_QUEUE | facts)


def finish_video(store: Store, input_id: int) -> None:
    """Store the good frames of a video that was uploaded; its input says success then, also where it had failed."""
    row = store.row("SELECT * FROM input WHERE id = ?", input_id)
    file = row and store.row("SELECT * FROM file WHERE id = ?", row["file_id"])
    if row and file:
        apply_frames(store, file, _frames(row) or {}, None)
        ended = {"status": "success", "percent_complete": 100.0, "time_updated": store.now()}
        store.update("input", input_id, ended)


def _add_clip(store: Store, row: Row, clip: Clip, data: bytes) -> Row:
    facts = {"project": row["project"], "directory_id": row["directory_id"], "state": "added"}
    times = dict.fromkeys(("created_time", "time_last_updated"), store.now())
    file_id = store.insert("file", facts | times | clip.row())
    (store.images / str(file_id)).write_bytes(data)
    return store.row("SELECT * FROM file WHERE id = ?", file_id) or {}


def check_name(store: Store, directory_id: int, name: str) -> None:
    """See that a name is free in a directory.

    Raises:
        MediaError: a file of this name is in the directory.
    """
    if there := store.file_in(directory_id, name):
        text = f"Filename {name} Already Exists in Dir. Existing ID is:{there['id']}"
        raise MediaError(text, log={"error": {"status_text": text}})


def _add_file(store: Store, row: Row, name: str, picture: tuple[int, int, bytes]) -> int:
    """Make a file of an opened image; gives its id.

    Raises:
        MediaError: the name is taken.
    """
    width, height, shown = picture
    facts = {"project": row["project"], "directory_id": row["directory_id"], "original_filename": name}
    facts |= {"type": "image", "state": "added", "width": width, "height": height}
    facts |= dict.fromkeys(("created_time", "time_last_updated"), store.now())
    with store.writing():
        check_name(store, row["directory_id"], name)
        file_id = store.insert("file", facts)
    (store.images / str(file_id)).write_bytes(shown)
    return file_id
