"""The sandbox's data: one SQLite file, one writer at a time."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Row = dict[str, Any]

DATABASE = "sandbox.sqlite"
NEVER = 1e15  #: an input is due then whose work is lost, seconds since the epoch

_SCHEMA = """
CREATE TABLE IF NOT EXISTS directory (id INTEGER PRIMARY KEY, project TEXT, nickname TEXT);
CREATE TABLE IF NOT EXISTS label_schema (id INTEGER PRIMARY KEY, project TEXT, name TEXT, is_default INT, archived INT);
CREATE TABLE IF NOT EXISTS label_file (id INTEGER PRIMARY KEY, project TEXT, schema_id INT, name TEXT, colour TEXT);
CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, project TEXT, directory_id INT, original_filename TEXT, type TEXT, state TEXT,
    width INT, height INT, path TEXT, ann_is_complete INT, created_time REAL, frame_rate REAL,
    frame_count INT, offset_s INT, media_of INT, time_last_updated REAL, count_instances_changed INT,
    packet_last REAL, people_last REAL
);
CREATE INDEX IF NOT EXISTS file_by_name ON file (directory_id, original_filename);
CREATE TABLE IF NOT EXISTS instance (id INTEGER PRIMARY KEY, file_id INT, soft_delete INT DEFAULT 0, data TEXT);
CREATE INDEX IF NOT EXISTS instance_by_file ON instance (file_id, soft_delete);
CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY, project TEXT);
CREATE TABLE IF NOT EXISTS input (
    id INTEGER PRIMARY KEY, project TEXT, directory_id INT, status TEXT, status_text TEXT, file_id INT, batch_id INT,
    mode TEXT, type TEXT, url TEXT, media_type TEXT, original_filename TEXT, percent_complete REAL, created_time REAL,
    update_log TEXT, instance_list TEXT, frame_packet_map TEXT, due REAL, job_id INT, connection_id INT,
    bucket_name TEXT, blob_path TEXT, parent_input_id INT, video_split_duration INT, time_updated REAL
);
CREATE INDEX IF NOT EXISTS input_by_batch ON input (batch_id);
CREATE INDEX IF NOT EXISTS input_by_status ON input (status, due);
CREATE INDEX IF NOT EXISTS input_by_file ON input (file_id);
CREATE INDEX IF NOT EXISTS input_unended ON input (project, id) WHERE status NOT IN ('success', 'failed');
CREATE TABLE IF NOT EXISTS model (id INTEGER PRIMARY KEY, project TEXT, reference_id TEXT);
CREATE TABLE IF NOT EXISTS model_run (id INTEGER PRIMARY KEY, project TEXT, model_id INT, reference_id TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS unique_model_run_refs ON model_run (model_id, reference_id);
CREATE TABLE IF NOT EXISTS attribute_group (
    id INTEGER PRIMARY KEY, project TEXT, schema_id INT, name TEXT, prompt TEXT, kind TEXT, data TEXT
);
CREATE TABLE IF NOT EXISTS attribute_template (id INTEGER PRIMARY KEY, group_id INT, name TEXT);
CREATE TABLE IF NOT EXISTS export (
    id INTEGER PRIMARY KEY, project TEXT, directory_id INT, kind TEXT, source TEXT, file_comparison_mode TEXT,
    masks INT, created_time REAL
);
"""


class RunTaken(Exception):
    """Another packet made the row of this run between the look-up and the insert."""


class Store:
    """The open data of a sandbox; safe to use from several threads."""

    def __init__(
        self, folder: Path, *, clock: Callable[[], float] = time.time, race_s: float = 0.0, poison: bool = False
    ) -> None:
        """Open the data in `folder`, or begin there.

        Args:
            folder: where the data is.
            clock: the server's clock, seconds since the epoch.
            race_s: seconds between the look-up of a model's run and the insert of its row; 0 lets no other in between.
            poison: what the database refuses ends the thread that worked on it; else it is passed over in silence.
        """
        self.now = clock
        self.poison = poison
        self._race_s = race_s
        self.folder = folder
        self.buckets = folder / "buckets"
        self.images = folder / "images"
        self.images.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        _add_new_columns(self._db)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, all or nothing; may be entered again by the thread that holds it."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *arguments: Any) -> list[Row]:  # noqa: ANN401 # SQLite's own values
        """All rows of a query."""
        with self._lock:
            return [dict(row) for row in self._db.execute(query, arguments).fetchall()]

    def row(self, query: str, *arguments: Any) -> Row | None:  # noqa: ANN401 # SQLite's own values
        """The first row of a query, or None."""
        found = self.rows(query, *arguments)
        return found[0] if found else None

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        """Insert a row and give its id."""
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        with self.writing():
            cursor = self._db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(values.values()))  # noqa: S608
            return int(cursor.lastrowid or 0)

    def update(self, table: str, row_id: int, values: Mapping[str, Any]) -> None:
        """Change some columns of a row."""
        columns = ", ".join(f"{name} = ?" for name in values)
        with self.writing():
            self._db.execute(f"UPDATE {table} SET {columns} WHERE id = ?", [*values.values(), row_id])  # noqa: S608

    def begin_project(self, project: str) -> int:
        """Make a project's default schema and directory where they are not there; gives the directory's id."""
        with self.writing():
            if not self.row("SELECT id FROM label_schema WHERE project = ?", project):
                schema = {"project": project, "name": "Default Schema", "is_default": 1, "archived": 0}
                self.insert("label_schema", schema)
            found = self.row("SELECT id FROM directory WHERE project = ? ORDER BY id", project)
            return found["id"] if found else self.insert("directory", {"project": project, "nickname": "Default"})

    def all_instances(self, file_id: int) -> list[Row]:
        """The boxes of a file, deleted ones marked as such, the oldest first."""
        query = "SELECT id, soft_delete, data FROM instance WHERE file_id = ? ORDER BY id"
        found = self.rows(query, file_id)
        return [json.loads(row["data"]) | {"id": row["id"], "soft_delete": bool(row["soft_delete"])} for row in found]

    def instances(self, file_id: int) -> list[Row]:
        """The boxes of a file, deleted ones left out, the oldest first."""
        return [box for box in self.all_instances(file_id) if not box.pop("soft_delete")]

    def add_instances(self, file_id: int, boxes: Sequence[Row]) -> list[int]:
        """Store boxes of a file; gives their ids."""
        made = {"created_time": moment(self.now())}
        return [self.insert("instance", {"file_id": file_id, "data": json.dumps(box | made)}) for box in boxes]

    def delete_instances(self, ids: Sequence[int]) -> None:
        """Mark boxes as deleted."""
        for row_id in ids:
            self.update("instance", row_id, {"soft_delete": 1})

    def file_in(self, directory_id: int, name: str) -> Row | None:
        """The file of this name in a directory, removed ones left out."""
        query = "SELECT * FROM file WHERE directory_id = ? AND original_filename = ? AND state <> 'removed' ORDER BY id"
        return self.row(query, directory_id, name)

    def blob(self, connection_id: int | None, bucket: str | None, path: str | None) -> bytes | None:
        """What a path in a bucket holds; connection 1 reaches the folders below 'buckets'. None for nothing."""
        root = (self.buckets / (bucket or "")).resolve()
        found = (root / (path or "")).resolve()
        reached = connection_id == 1 and bucket and root.parent == self.buckets.resolve()
        return found.read_bytes() if reached and found.is_relative_to(root) and found.is_file() else None

    def first_waiting(self) -> Row | None:
        """The input whose turn is next, whether it is due or not; None where none waits."""
        return self.row("SELECT * FROM input WHERE status = 'init' ORDER BY due, id LIMIT 1")

    def begin(self, input_id: int) -> None:
        """Mark an input as being worked on."""
        self.update("input", input_id, {"status": "processing", "percent_complete": 10.0, "time_updated": self.now()})

    def model_run(self, project: str, model: str, run: str) -> int:
        """The id of a model's run; both are made at first sight.

        Raises:
            RunTaken: another thread made the run's row within `race_s` after it was looked up here.
        """
        if (there := self._run_of(project, model, run)) is not None:
            return there
        with self._lock:
            if not self._race_s or self._db.in_transaction:  # no other writes in between
                there = self._run_of(project, model, run)
                return self._new_run(project, model, run) if there is None else there
        time.sleep(self._race_s)
        try:
            return self._new_run(project, model, run)
        except sqlite3.IntegrityError as error:
            raise RunTaken(str(error)) from error

    def _run_of(self, project: str, model: str, run: str) -> int | None:
        query = """
            SELECT r.id FROM model_run AS r JOIN model AS m ON m.id = r.model_id
            WHERE m.project = ? AND m.reference_id = ? AND r.reference_id = ?
        """
        found = self.row(query, project, model, run)
        return None if found is None else int(found["id"])

    def _new_run(self, project: str, model: str, run: str) -> int:
        with self.writing():
            found = self.row("SELECT id FROM model WHERE project = ? AND reference_id = ?", project, model)
            model_id = found["id"] if found else self.insert("model", {"project": project, "reference_id": model})
            return self.insert("model_run", {"project": project, "model_id": model_id, "reference_id": run})

    def backup(self, folder: Path) -> None:
        """Copy all data, as it is now, into an empty folder."""
        with self._lock:
            folder.mkdir(parents=True)
            with closing(sqlite3.connect(folder / DATABASE)) as copy:
                self._db.backup(copy)
            shutil.copytree(self.images, folder / "images")

    def restore(self, folder: Path) -> None:
        """Put the data of a backup in the place of what is here."""
        with self._lock:
            with closing(sqlite3.connect(folder / DATABASE)) as copy:
                copy.backup(self._db)
            shutil.rmtree(self.images)
            shutil.copytree(folder / "images", self.images)


def _add_new_columns(db: sqlite3.Connection) -> None:
    """Give the tables of an older sandbox's folder the columns that have come since."""
    fresh = sqlite3.connect(":memory:")
    fresh.executescript(_SCHEMA)
    for (table,) in fresh.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        there = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        for _, name, kind, *_ in fresh.execute(f"PRAGMA table_info({table})").fetchall():
            if name not in there:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    fresh.close()


def now() -> float:
    """Seconds since the epoch by this machine's clock, which says when work is due; answers show `Store.now`."""
    return time.time()


def moment(seconds: float | None) -> str | None:
    """A time as answers write it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
