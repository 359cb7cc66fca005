"""The background work: inputs are taken one after another, and end as 'success' or 'failed'."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any

from boxferry.sandbox.boxes import apply_list
from boxferry.sandbox.media import MediaError, fetch, name_of, opened
from boxferry.sandbox.store import now
from boxferry.sandbox.video import Clip, apply_frames, clips_of, frames_of, opened_video

if TYPE_CHECKING:
    from boxferry.sandbox.store import Row, Store

log = logging.getLogger("boxferry.sandbox")

AT_ONCE = 50
LONGEST_PAUSE_S = 3600.0


class Worker:
    """A thread that processes the inputs that are due."""

    def __init__(self, store: Store) -> None:
        """Prepare; `start` begins."""
        self._store = store
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="boxferry-sandbox-worker", daemon=True)

    def start(self) -> None:
        """Begin; what an earlier run left in the middle is taken up again."""
        for row in self._store.rows("SELECT id FROM input WHERE status = 'processing'"):
            self._store.update("input", row["id"], {"status": "init"})
        self._thread.start()

    def stop(self) -> None:
        """End after the input in hand."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join()

    def notify(self) -> None:
        """Something is in the queue."""
        with self._wake:
            self._wake.notify_all()

    def _run(self) -> None:
        query = f"SELECT * FROM input WHERE status = 'init' ORDER BY due, id LIMIT {AT_ONCE}"  # noqa: S608 # fixed text
        while True:
            with self._wake:
                waiting = self._store.rows(query)
                if self._stopping:
                    return
                pause = waiting[0]["due"] - now() if waiting else None
                if pause is None or pause > 0:
                    self._wake.wait(timeout=None if pause is None else min(pause, LONGEST_PAUSE_S))
                    continue
            for row in waiting:
                if row["due"] > now() or self._stopping:
                    break
                self._process(row)

    def _process(self, row: Row) -> None:
        self._store.update("input", row["id"], {"status": "processing", "percent_complete": 10.0})
        try:
            process(self._store, row)
        except Exception as error:  # the worker goes on, as the server's does
            log.exception("input %s", row["id"])
            end(self._store, row["id"], f"Traceback (most recent call last): {error!r}")


def end(store: Store, input_id: int, problem: str | None, file_id: int | None = None, log: str | None = None) -> None:
    """Write down how an input ended."""
    values: dict[str, Any] = {
        "status": "failed" if problem else "success",
        "status_text": problem,
        "update_log": log,
        "percent_complete": 100.0,
    }
    store.update("input", input_id, values | ({"file_id": file_id} if file_id is not None else {}))


def process(store: Store, row: Row) -> None:
    """Carry one input out."""
    if row["mode"] in {"update", "update_with_existing"}:
        file = store.row("SELECT * FROM file WHERE id = ?", row["file_id"])
        return _update(store, row, file) if file else end(store, row["id"], None)
    try:
        name, data = _fetched(store, row)
        carry_out_new(store, row, name, data)
    except MediaError as error:
        end(store, row["id"], str(error))
    return None


def _update(store: Store, row: Row, file: Row) -> None:
    frames = json.loads(row["frame_packet_map"]) if row["frame_packet_map"] else None
    if file["type"] == "video":
        return _end_frames(store, row["id"], file, frames)
    boxes = json.loads(row["instance_list"])["list"] if row["instance_list"] else None
    return end(store, row["id"], apply_list(store, file, row["mode"], boxes) if boxes is not None else None)


def _end_frames(store: Store, input_id: int, file: Row, frames: dict[str, list[Any]] | None) -> None:
    problem, log = (apply_frames(store, file, frames) if frames else None) or (None, None)
    end(store, input_id, problem, file["id"], log)


def _fetched(store: Store, row: Row) -> tuple[str, bytes]:
    if row["type"] not in {None, "from_url", "from_blob_path"}:
        raise MediaError(f"Type {row['type']} is not supported by the sandbox")
    blob = row["type"] == "from_blob_path"
    name = name_of(
        row["blob_path"] if blob else row["url"], row["original_filename"], video=row["media_type"] == "video"
    )
    check_name(store, row["directory_id"], name)
    data = store.blob(row["connection_id"], row["bucket_name"], row["blob_path"]) if blob else fetch(row["url"])
    if data is None:
        raise MediaError(f"Could not fetch {row['blob_path']} from bucket {row['bucket_name']}")
    return name, data


def carry_out_new(store: Store, row: Row, name: str, data: bytes) -> int | None:
    """Make the file of an input, attach its boxes, and end it; gives the file's id, None where it was split.

    Raises:
        MediaError: the media cannot be opened, or the name is taken.
    """
    if row["media_type"] == "video":
        return _new_video(store, row, opened_video(name, data), data)
    file_id = add_file(store, row["project"], row["directory_id"], name, data)
    file = store.row("SELECT * FROM file WHERE id = ?", file_id)
    boxes = json.loads(row["instance_list"])["list"] if row["instance_list"] else None
    end(store, row["id"], apply_list(store, file, None, boxes) if file and boxes else None, file_id)
    return file_id


def _new_video(store: Store, row: Row, whole: Clip, data: bytes) -> int | None:
    """One file, or a file and an input of its own for each clip of a long video."""
    clips = clips_of(whole, row["video_split_duration"])
    frames = json.loads(row["frame_packet_map"]) if row["frame_packet_map"] else None
    if len(clips) == 1:
        file = _add_clip(store, row, whole, data)
        _end_frames(store, row["id"], file, frames)
        return int(file["id"])
    end(store, row["id"], None)
    for clip in clips:
        inside = frames_of(clip, frames)
        child = {name: row[name] for name in ("project", "directory_id", "media_type", "type", "url", "created_time")}
        child |= {"original_filename": clip.name, "parent_input_id": row["id"], "status": "processing", "due": 0.0}
        child |= {"frame_packet_map": json.dumps(inside) if inside else None}
        input_id = store.insert("input", child)
        _end_frames(store, input_id, _add_clip(store, row, clip, data), inside)
    return None


def _add_clip(store: Store, row: Row, clip: Clip, data: bytes) -> Row:
    facts = {"project": row["project"], "directory_id": row["directory_id"], "state": "added", "created_time": now()}
    file_id = store.insert("file", facts | clip.row())
    (store.images / str(file_id)).write_bytes(data)
    return store.row("SELECT * FROM file WHERE id = ?", file_id) or {}


def check_name(store: Store, directory_id: int, name: str) -> None:
    """See that a name is free.

    Raises:
        MediaError: a file of this name is in the directory.
    """
    if there := store.file_in(directory_id, name):
        raise MediaError(f"Filename {name} Already Exists in Dir. Existing ID is:{there['id']}")


def add_file(store: Store, project: str, directory_id: int, name: str, data: bytes) -> int:
    """Make a file of an image; gives its id.

    Raises:
        MediaError: the image cannot be opened, or the name is taken.
    """
    width, height, shown = opened(name, data)
    with store.writing():
        check_name(store, directory_id, name)
        file_id = store.insert(
            "file",
            {
                "project": project,
                "directory_id": directory_id,
                "original_filename": name,
                "type": "image",
                "state": "added",
                "width": width,
                "height": height,
                "created_time": now(),
            },
        )
    (store.images / str(file_id)).write_bytes(shown)
    return file_id
