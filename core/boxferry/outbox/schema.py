"""The outbox's file: its tables, how it is opened, and what brings a file of an earlier version up to date."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from boxferry.errors import OutboxError

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 9

_SCHEMA = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    project TEXT NOT NULL,
    directory_id INTEGER NOT NULL,
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    created REAL NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    classes TEXT NOT NULL DEFAULT '',
    retired REAL NOT NULL DEFAULT 0,
    attributes TEXT NOT NULL DEFAULT '',
    directory TEXT NOT NULL DEFAULT '',
    UNIQUE (host, project, directory_id, model, name)
) STRICT;
CREATE TABLE outbox (id TEXT NOT NULL) STRICT;
INSERT INTO outbox VALUES (lower(hex(randomblob(8))));
CREATE TABLE packet (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run (id),
    route TEXT NOT NULL,
    mode TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_id INTEGER,
    media TEXT NOT NULL,
    body BLOB NOT NULL,
    boxes INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    batch_id INTEGER,
    input_id INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    changed REAL NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    sent REAL NOT NULL DEFAULT 0,
    over INTEGER NOT NULL DEFAULT 0,
    ended REAL NOT NULL DEFAULT 0,
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    mark TEXT NOT NULL DEFAULT '',
    digest TEXT NOT NULL DEFAULT '',
    removes INTEGER NOT NULL DEFAULT 0,
    checked INTEGER NOT NULL DEFAULT 0,
    before TEXT NOT NULL DEFAULT '',
    stood REAL NOT NULL DEFAULT 0,
    image TEXT NOT NULL DEFAULT '',
    replaces TEXT NOT NULL DEFAULT '',
    original BLOB NOT NULL DEFAULT x''
) STRICT;
CREATE INDEX packet_by_state ON packet (run_id, state);
CREATE INDEX packet_by_file ON packet (run_id, file_name, state);
CREATE INDEX packet_by_file_id ON packet (file_id);
"""

#: what turns a file of each earlier version into one of the next
_MIGRATIONS = {
    1: """
        DROP INDEX packet_by_state;
        DROP INDEX packet_by_file;
        ALTER TABLE packet RENAME TO packet_1;
        CREATE TABLE packet (
            id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES run (id), route TEXT NOT NULL,
            mode TEXT NOT NULL, file_name TEXT NOT NULL, file_id INTEGER, media TEXT NOT NULL, body BLOB NOT NULL,
            boxes INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'queued', batch_id INTEGER, input_id INTEGER,
            attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', changed REAL NOT NULL
        ) STRICT;
        INSERT INTO packet
            SELECT id, run_id, route, iif(route = 'existing', 'append', 'new'), file_name, file_id, media, body, boxes,
                state, batch_id, input_id, attempts, reason, changed FROM packet_1;
        DROP TABLE packet_1;
        CREATE INDEX packet_by_state ON packet (run_id, state);
        CREATE INDEX packet_by_file ON packet (run_id, file_name, state);
    """,
    2: """
        ALTER TABLE run ADD COLUMN source TEXT NOT NULL DEFAULT '';
        ALTER TABLE run ADD COLUMN classes TEXT NOT NULL DEFAULT '';
        CREATE TABLE outbox (id TEXT NOT NULL) STRICT;
        INSERT INTO outbox VALUES (lower(hex(randomblob(8))));
        ALTER TABLE packet ADD COLUMN detail TEXT NOT NULL DEFAULT '';
        ALTER TABLE packet ADD COLUMN sent REAL NOT NULL DEFAULT 0;
        ALTER TABLE packet ADD COLUMN over INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE packet ADD COLUMN ended REAL NOT NULL DEFAULT 0;
        ALTER TABLE packet ADD COLUMN width INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE packet ADD COLUMN height INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE packet ADD COLUMN mark TEXT NOT NULL DEFAULT '';
        ALTER TABLE packet ADD COLUMN digest TEXT NOT NULL DEFAULT '';
        ALTER TABLE packet ADD COLUMN removes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE packet ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX packet_by_file_id ON packet (file_id);
        UPDATE packet SET sent = changed;
        UPDATE packet SET ended = changed, checked = 1 WHERE state = 'applied';
    """,
    3: """
        ALTER TABLE packet ADD COLUMN before TEXT NOT NULL DEFAULT '';
        ALTER TABLE packet ADD COLUMN stood REAL NOT NULL DEFAULT 0;
    """,
    4: "ALTER TABLE run ADD COLUMN retired REAL NOT NULL DEFAULT 0",
    5: """
        ALTER TABLE run ADD COLUMN attributes TEXT NOT NULL DEFAULT '';
        ALTER TABLE packet ADD COLUMN image TEXT NOT NULL DEFAULT '';
    """,
    6: "ALTER TABLE packet ADD COLUMN replaces TEXT NOT NULL DEFAULT ''",
    7: "ALTER TABLE packet ADD COLUMN original BLOB NOT NULL DEFAULT x''",
    8: "ALTER TABLE run ADD COLUMN directory TEXT NOT NULL DEFAULT ''",
}


def opened(path: Path) -> sqlite3.Connection:
    """The file, made where it is not there, for its owner alone: it holds what a team works on."""
    if path.name.startswith(":"):
        raise OutboxError(f"{path}: an outbox is a file that outlives its process; name one")
    if path.exists() and not path.is_file():
        raise OutboxError(f"{path}: not a file; an outbox is one, such as {path / 'outbox.sqlite'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
    db.row_factory = sqlite3.Row
    return db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Check that the file is an outbox, or make it one; a file that is something else is left as it is."""
    version, tables = _version(db)
    if tables and version != VERSION and version not in _MIGRATIONS:
        newer = "; a newer boxferry made it" if version > VERSION else ""
        raise OutboxError(f"{path}: not an outbox of this version (format {version}, expected {VERSION}){newer}")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    if version != VERSION:
        _bring_up(db)


def _version(db: sqlite3.Connection) -> tuple[int, int]:
    """The format's version, and how many tables there are."""
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    return int(db.execute("PRAGMA user_version").fetchone()[0]), int(tables)


def _bring_up(db: sqlite3.Connection) -> None:
    """Make the tables, or turn those of an earlier version into today's; all of it or nothing.

    Another process may be about to do the same: the version is read again when this one has the right to write.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        version, tables = _version(db)
        scripts = [_MIGRATIONS[step] for step in range(version, VERSION)] if tables else [_SCHEMA]
        for script in scripts if version != VERSION else []:
            for statement in filter(str.strip, script.split(";")):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
