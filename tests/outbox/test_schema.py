"""An outbox of an earlier version is brought up to date with all that it holds; a newer one is left as it is."""

import sqlite3
from contextlib import closing

import pytest

from boxferry.errors import OutboxError
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.schema import VERSION

VERSION_1 = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, project TEXT NOT NULL, directory_id INTEGER NOT NULL,
    model TEXT NOT NULL, name TEXT NOT NULL, created REAL NOT NULL,
    UNIQUE (host, project, directory_id, model, name)
) STRICT;
CREATE TABLE packet (
    id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES run (id),
    route TEXT NOT NULL CHECK (route IN ('upload', 'url', 'existing')), file_name TEXT NOT NULL, file_id INTEGER,
    media TEXT NOT NULL, body BLOB NOT NULL, boxes INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'queued',
    batch_id INTEGER, input_id INTEGER, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    changed REAL NOT NULL
) STRICT;
CREATE INDEX packet_by_state ON packet (run_id, state);
CREATE INDEX packet_by_file ON packet (run_id, file_name);
INSERT INTO run VALUES (3, 'http://h', 'p', 7, 'm', 'r', 1.5);
INSERT INTO packet VALUES (5, 3, 'upload', 'a.jpg', NULL, '/a.jpg', x'7b7d', 2, 'queued', NULL, NULL, 0, '', 2.5);
INSERT INTO packet VALUES (6, 3, 'existing', 'b.jpg', 9, '', x'7b7d', 1, 'unsure', 4, 8, 2, 'why', 3.5);
PRAGMA user_version = 1;
"""


def an_old_one(path):
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)
    return path


def test_a_file_of_version_1_is_brought_up_to_date(tmp_path):
    """Nothing of it is lost, each packet has its mode, and new packets get numbers after the old ones."""
    with Outbox(an_old_one(tmp_path / "outbox.sqlite")) as outbox:
        (run,) = outbox.runs()
        assert (run.id, run.name) == (3, "r")
        first, second = outbox.entries(3)
        assert (first.id, first.route, first.mode, first.state, first.media) == (5, "upload", "new", "queued", "/a.jpg")
        assert (second.id, second.route, second.mode) == (6, "existing", "append")
        assert (second.file_id, second.batch_id, second.input_id, second.attempts) == (9, 4, 8, 2)
        assert (second.reason, second.changed, outbox.body(6)) == ("why", 3.5, b"{}")
        assert outbox.claim(3).id == 5
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_it_is_as_a_new_one(tmp_path):
    """Its tables and indices are those of a file that this version made."""

    def shape(path):
        with Outbox(path), closing(sqlite3.connect(path)) as db:
            tables = {t: db.execute(f"PRAGMA table_info({t})").fetchall() for t in ("run", "packet")}
            indices = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
            return tables, indices

    assert shape(an_old_one(tmp_path / "old.sqlite")) == shape(tmp_path / "new.sqlite")


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path):
    """All of it or nothing."""
    path = an_old_one(tmp_path / "outbox.sqlite")
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE packet_1 (x)")
        db.commit()
    with pytest.raises(OutboxError, match=r"outbox\.sqlite: .*packet_1"):
        Outbox(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM packet").fetchone() == (2,)


def test_a_newer_file_is_named_as_one(tmp_path):
    """It is not touched."""
    Outbox(tmp_path / "outbox.sqlite").close()
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(OutboxError, match="a newer boxferry made it"):
        Outbox(tmp_path / "outbox.sqlite")
