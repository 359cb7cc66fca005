"""The outbox: one SQLite file in which every packet stands before it is sent, with what became of it.

    queued → sending → accepted → applied
                │          └────→ refused (the server's reason)
                ├→ applied or refused at once (uploads, and what the server turns down)
                └→ unsure (no answer, 5xx, killed in flight)

WAL with `synchronous=FULL`: when a method returns, what it wrote survives a crash of the process and of the machine.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import msgspec

from boxferry.errors import OutboxError
from boxferry.sending.outbox_format import opened, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from boxferry.sending.outcome import Outcome

STATES = ("queued", "sending", "unsure", "accepted", "applied", "refused")
ENDED = ("applied", "refused")  #: the states that a packet stays in


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what is sent to one directory of one project under one model and run name.

    Attributes:
        id: its number in this outbox.
        host, project, directory_id: where it goes.
        model, name: the `model_ref` and `model_run_ref` of its boxes.
        created: seconds since the epoch.
    """

    id: int
    host: str
    project: str
    directory_id: int
    model: str
    name: str
    created: float


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One packet in the outbox.

    Attributes:
        id: its number; 0 for one that is not stored yet.
        route: 'upload' (the media goes along), 'url' or 'blob' (the server fetches it), or 'existing' (it is there).
        mode: 'new', or what happens to the boxes of a file that is there: 'append', 'replace-own' or 'replace-all'.
        file_name: the file's name on the server.
        file_id: the file's id on the server, as soon as it is known.
        media: the local path, the URL or the blob's path; empty for 'existing'.
        body: the packet's JSON without its batch, and without the boxes that a replacing packet keeps, which are read
            just before it goes out; empty where the packets are only listed.
        boxes: how many boxes it carries.
        state: one of `STATES`.
        batch_id, input_id: the input batch it went out in, and the server's record of it.
        attempts: how often it was sent.
        reason: the server's words where it was refused, or why nobody is sure.
        changed: when the state last changed, seconds since the epoch.
    """

    id: int = 0
    route: str
    mode: str = "new"
    file_name: str
    file_id: int | None = None
    media: str = ""
    body: bytes = b""
    boxes: int
    state: str = "queued"
    batch_id: int | None = None
    input_id: int | None = None
    attempts: int = 0
    reason: str = ""
    changed: float = 0.0


_COLUMNS = ", ".join(Entry.__struct_fields__)
_LIGHT = ", ".join(column for column in Entry.__struct_fields__ if column != "body")


class Outbox:
    """An open outbox; safe to use from several threads.

    Raises:
        OutboxError: the file cannot be opened, read or written, or is not an outbox; the message names it.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.RLock()
        with self._guard():
            self._db = opened(path)
            try:
                prepare(self._db, path)
            except BaseException:
                self._db.close()
                raise

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Turn what SQLite and the file system say into one line that names the file."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutboxError(f"{self.path}: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is written, or nothing."""
        with self._lock, self._guard():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:  # SQLite ends it by itself where the disk is full
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *arguments: Any) -> list[sqlite3.Row]:  # noqa: ANN401 # SQLite's own values
        with self._lock, self._guard():
            return self._db.execute(query, arguments).fetchall()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """The right to send from this outbox: one process at a time has it, so that nothing goes out twice.

        Raises:
            OutboxError: another process has it.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(f"{self.path}.lock")
        try:
            with lock.acquire(timeout=0):
                yield
        except Timeout:
            raise OutboxError(
                f"{self.path}: another boxferry is sending from this outbox; wait for it to end"
            ) from None

    def close(self) -> None:
        """Close the file; nothing is pending."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, *, host: str, project: str, directory_id: int, model: str, name: str) -> Run:
        """The run of this name for this place, made at its first use: pushing again goes on with the same run."""
        key = (host, project, directory_id, model, name)
        columns = "host, project, directory_id, model, name, created"
        with self._writing() as db:
            db.execute(
                f"INSERT OR IGNORE INTO run ({columns}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 # fixed text
                (*key, self._clock()),
            )
        where = "host = ? AND project = ? AND directory_id = ? AND model = ? AND name = ?"
        return Run(**self._rows(f"SELECT * FROM run WHERE {where}", *key)[0])  # noqa: S608 # fixed text

    def runs(self) -> list[Run]:
        """Every run, the oldest first."""
        return [Run(**row) for row in self._rows("SELECT * FROM run ORDER BY id")]

    def find_run(self, wanted: str) -> Run:
        """The run with this number or name.

        Raises:
            OutboxError: there is none, or the name is shared; the message lists the runs to choose from.
        """
        runs = self.runs()
        found = [run for run in runs if str(run.id) == wanted] or [run for run in runs if run.name == wanted]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(f"{run.id} ({run.model}/{run.name})" for run in found or runs) or "none"
        problem = f"several runs are called '{wanted}'" if found else f"no run '{wanted}'"
        raise OutboxError(f"{self.path}: {problem}; the runs are: {listed}")

    def add(self, run_id: int, entries: Iterable[Entry]) -> int:
        """Store packets as queued, all or none; gives their number.

        A packet that the server refused gives way to the one that is stored for the same file in its place.
        """
        columns = ("route", "mode", "file_name", "file_id", "media", "body", "boxes")
        marks = ", ".join("?" * len(columns))
        query = f"INSERT INTO packet (run_id, changed, {', '.join(columns)}) VALUES (?, ?, {marks})"  # noqa: S608
        count = 0
        with self._writing() as db:
            for entry in entries:
                replaced = "DELETE FROM packet WHERE run_id = ? AND file_name = ? AND state = 'refused'"
                db.execute(replaced, (run_id, entry.file_name))
                db.execute(query, (run_id, self._clock(), *(getattr(entry, column) for column in columns)))
                count += 1
        return count

    def earlier(self, run_id: int, file_name: str) -> list[Entry]:
        """What this run has for a file already, with the bodies; refused packets are left out."""
        query = f"SELECT {_COLUMNS} FROM packet WHERE run_id = ? AND file_name = ? AND state <> 'refused' ORDER BY id"  # noqa: S608
        return [Entry(**row) for row in self._rows(query, run_id, file_name)]

    def claim(self, run_id: int) -> Entry | None:
        """Take the next queued packet for sending, in the order of their storing; None where there is no more."""
        query = f"""
            UPDATE packet SET state = 'sending', attempts = attempts + 1, changed = ?
            WHERE id = (SELECT id FROM packet WHERE run_id = ? AND state = 'queued' ORDER BY id LIMIT 1)
            RETURNING {_COLUMNS}
        """  # noqa: S608 # fixed text
        with self._writing() as db:
            row = db.execute(query, (self._clock(), run_id)).fetchone()
        return Entry(**row) if row else None

    def assign(self, entry_id: int, batch_id: int) -> None:
        """Write down the input batch that a packet is about to go out in, and that it goes out now."""
        with self._writing() as db:
            db.execute("UPDATE packet SET batch_id = ?, changed = ? WHERE id = ?", (batch_id, self._clock(), entry_id))

    def settle(self, entry_id: int, outcome: Outcome) -> None:
        """Write down what became of a packet; ids that the outcome does not have stay as they were."""
        query = """
            UPDATE packet SET state = ?, reason = ?, changed = ?,
                input_id = coalesce(?, input_id), file_id = coalesce(?, file_id) WHERE id = ?
        """
        with self._writing() as db:
            values = (outcome.state, outcome.reason, self._clock(), outcome.input_id, outcome.file_id, entry_id)
            db.execute(query, values)

    def body(self, entry_id: int) -> bytes:
        """A packet's JSON."""
        return bytes(self._rows("SELECT body FROM packet WHERE id = ?", entry_id)[0]["body"])

    def append_instead(self, entry_id: int, body: bytes, boxes: int) -> None:
        """Turn an upload whose image has arrived without its boxes into a packet that appends them to the file."""
        query = """
            UPDATE packet SET route = 'existing', mode = 'append', media = '', body = ?, boxes = ?, batch_id = NULL
            WHERE id = ?
        """
        with self._writing() as db:
            db.execute(query, (body, boxes, entry_id))

    def recover(self, run_id: int) -> int:
        """What was in flight when an earlier process ended is unsure now; gives the number of such packets."""
        query = "UPDATE packet SET state = 'unsure', reason = ? WHERE run_id = ? AND state = 'sending'"
        with self._writing() as db:
            return db.execute(query, ("the process ended while it was sent", run_id)).rowcount

    def entries(self, run_id: int, states: Sequence[str] = STATES) -> list[Entry]:
        """The packets of a run in one of these states, in the order of their storing, without their bodies."""
        marks = ", ".join("?" * len(states))
        query = f"SELECT {_LIGHT} FROM packet WHERE run_id = ? AND state IN ({marks}) ORDER BY id"  # noqa: S608
        return [Entry(**row) for row in self._rows(query, run_id, *states)]

    def doubtful(self, run_id: int) -> list[Entry]:
        """The applied packets of a run after which something was not as it should be, without their bodies."""
        query = f"SELECT {_LIGHT} FROM packet WHERE run_id = ? AND state = 'applied' AND reason <> '' ORDER BY id"  # noqa: S608
        return [Entry(**row) for row in self._rows(query, run_id)]

    def counts(self, run_id: int) -> dict[str, tuple[int, int]]:
        """For each state that occurs: how many packets, and how many boxes in them."""
        query = "SELECT state, count(*) AS packets, sum(boxes) AS boxes FROM packet WHERE run_id = ? GROUP BY state"
        found = {row["state"]: (row["packets"], row["boxes"]) for row in self._rows(query, run_id)}
        return {state: found[state] for state in STATES if state in found}
