"""The outbox: one SQLite file in which every packet stands before it is sent, and the state that it has come to.

    queued → sending → accepted → applied
                │          ├────→ refused (the server's reason)
                │          └────→ stuck (the server will never apply it; sent again only when that is asked for)
                ├→ applied or refused at once (uploads, and what the server turns down)
                └→ unsure (no answer, 5xx, killed in flight)

WAL with `synchronous=FULL`: when a method returns, what it wrote survives a crash of the process and of the machine.
What is compared with the server's times (`sent`, `ended`) is by the server's clock.
"""

from __future__ import annotations

import random
import shlex
import sqlite3
import threading
import time
import weakref
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from boxferry.errors import OutboxError
from boxferry.outbox.entry import STORED, Change, Entry, Moved, Run, Shortened
from boxferry.outbox.outcome import PLANNED, State
from boxferry.outbox.schema import opened, prepare
from boxferry.outbox.turns import right_to_send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from boxferry.outbox.outcome import Outcome

STATES = tuple(State)
AT_ONCE = 500  #: packets that are written in one transaction


_FIELDS = [name for name in Entry.__struct_fields__ if name != "deletes"]
_COLUMNS = ", ".join(_FIELDS)
_LIGHT = ", ".join(column for column in _FIELDS if column not in {"body", "original"})
_OWN = f"state NOT IN ('{State.REFUSED}', '{PLANNED}')"  #: a packet that makes its file one of the run


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
        weakref.finalize(self, self._db.close).atexit = False  # one that was left open is closed with its owner

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Turn what SQLite and the file system say into one line that names the file."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise OutboxError(f"{self.path}: {getattr(error, 'strerror', None) or error}") from error

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

        Other threads of this process wait for it.

        Raises:
            OutboxBusy: another process has it.
        """
        with right_to_send(self.path):
            yield

    def close(self) -> None:
        """Close the file; nothing is pending."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, *, host: str, project: str, directory_id: int, model: str, name: str, source: str = "") -> Run:
        """The run of this name for this place, made at its first use: pushing again continues the same run.

        It belongs to the source of its first packets; a push that failed before it had any leaves it free.
        """
        key = (host, project, directory_id, model, name)
        columns = "host, project, directory_id, model, name, created, source"
        where = "host = ? AND project = ? AND directory_id = ? AND model = ? AND name = ?"
        with self._writing() as db:
            db.execute(
                f"INSERT OR IGNORE INTO run ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, self._clock(), source),
            )
            free = f"NOT EXISTS (SELECT 1 FROM packet WHERE run_id = run.id AND {_OWN})"
            db.execute(f"UPDATE run SET source = ? WHERE {where} AND ? <> '' AND {free}", (source, *key, source))
        return Run(**self._rows(f"SELECT * FROM run WHERE {where}", *key)[0])

    def keep_classes(self, run_id: int, joined: Callable[[str], str]) -> None:
        """Write down a run's table of classes: what `joined` makes of the one that is kept, see `class_text`."""
        with self._writing() as db:
            kept = str(db.execute("SELECT classes FROM run WHERE id = ?", (run_id,)).fetchone()["classes"])
            if (text := joined(kept)) != kept:
                db.execute("UPDATE run SET classes = ? WHERE id = ?", (text, run_id))

    def keep_attributes(self, run_id: int, text: str) -> None:
        """Write down what a run's source calls the attributes that it sends."""
        with self._writing() as db:
            db.execute("UPDATE run SET attributes = ? WHERE id = ?", (text, run_id))

    def keep_directory(self, run_id: int, name: str) -> None:
        """Write down what a run's directory is called now."""
        with self._writing() as db:
            db.execute("UPDATE run SET directory = ? WHERE id = ? AND directory <> ?", (name, run_id, name))

    def runs(self) -> list[Run]:
        """Every run, the oldest first."""
        return [Run(**row) for row in self._rows("SELECT * FROM run ORDER BY id")]

    def retire(self, run_ids: Iterable[int]) -> None:
        """Write down that the boxes of these runs were taken off the server now."""
        with self._writing() as db:
            when = self._clock()
            db.executemany("UPDATE run SET retired = ? WHERE id = ?", [(when, run_id) for run_id in run_ids])

    def forget(self, run_id: int) -> None:
        """Take a run out of the outbox with all its packets; the server's boxes stay as they are."""
        with self._writing() as db:
            db.execute("DELETE FROM packet WHERE run_id = ?", (run_id,))
            db.execute("DELETE FROM run WHERE id = ?", (run_id,))

    def sent(self, run_id: int) -> tuple[int, int, float]:
        """How many files and boxes of a run were applied, and when the last of them, by the server's clock."""
        query = f"""
            SELECT count(DISTINCT coalesce(file_id, file_name)) AS files, coalesce(sum(boxes), 0) AS boxes,
                coalesce(max(ended), 0) AS last FROM packet WHERE run_id = ? AND state = '{State.APPLIED}'
        """
        found = self._rows(query, run_id)[0]
        return found["files"], found["boxes"], found["last"]

    def find_run(self, wanted: str) -> Run:
        """The run with this number or name; or with this model and name, as 'model/run'.

        Raises:
            OutboxError: there is none, or the name is shared; the message lists the runs to choose from.
        """
        runs = self.runs()
        found = (
            [run for run in runs if str(run.id) == wanted]
            or [run for run in runs if run.name == wanted]
            or [run for run in runs if f"{run.model}/{run.name}" == wanted]
        )
        if len(found) == 1:
            return found[0]
        listed = ", ".join(f"{run.id} ({run.model}/{run.name})" for run in found or runs) or "none"
        if found:
            raise OutboxError(f"{self.path}: several runs are called '{wanted}'; name one by its number: {listed}")
        if of_model := [f"{run.id} ({run.name})" for run in runs if run.model == wanted]:
            choice = f"name one of its runs: {', '.join(of_model)}; to pull all of them, name their directory too"
            raise OutboxError(f"{self.path}: '{wanted}' is a model, not a run; {choice}")
        elsewhere = f"to add a run that another outbox pushed: boxferry adopt {shlex.quote(wanted)} --directory"
        raise OutboxError(f"{self.path}: no run '{wanted}'; the runs are: {listed}; {elsewhere} NAME")

    def add(
        self,
        run_id: int,
        planned: Iterable[Entry | Change],
    ) -> int:
        """Store packets as queued (one that is applied or accepted already, as that), all or none; gives their number.

        They are written in short transactions while they come, so that others can use the outbox meanwhile, and count
        only when all are there. A packet that the server refused gives way to the one that is stored for the same file
        in its place. What changes of earlier packets is written at the end, too.
        """
        self._unplan(run_id)
        coming, count = iter(planned), 0
        changes: list[Change] = []
        try:
            while some := list(islice(coming, AT_ONCE)):
                entries = [each for each in some if isinstance(each, Entry)]
                changes += [each for each in some if not isinstance(each, Entry)]
                self._plan(run_id, entries)
                count += len(entries)
        except BaseException:
            self._unplan(run_id)
            raise
        with self._writing() as db:
            stored = f"SELECT file_name FROM packet WHERE run_id = ? AND state = '{PLANNED}'"
            db.execute(
                f"DELETE FROM packet WHERE run_id = ? AND state = '{State.REFUSED}' AND file_name IN ({stored})",
                (run_id, run_id),
            )
            _change(db, changes)
            state = f"iif(ended > 0, '{State.APPLIED}', iif(input_id IS NULL, '{State.QUEUED}', '{State.ACCEPTED}'))"
            again = f"EXISTS (SELECT 1 FROM packet WHERE run_id = ? AND state = '{PLANNED}' AND ended = 0)"
            db.execute(f"UPDATE run SET retired = 0 WHERE id = ? AND {again}", (run_id, run_id))
            db.execute(f"UPDATE packet SET state = {state} WHERE run_id = ? AND state = '{PLANNED}'", (run_id,))
        return count

    def _plan(self, run_id: int, entries: list[Entry]) -> None:
        columns = STORED
        marks = ", ".join("?" * len(columns))
        names = ", ".join(columns)
        query = f"INSERT INTO packet (run_id, state, changed, {names}) VALUES (?, '{PLANNED}', ?, {marks})"
        with self._writing() as db:
            rows = ((run_id, self._clock(), *(getattr(entry, name) for name in columns)) for entry in entries)
            db.executemany(query, rows)

    def _unplan(self, run_id: int) -> None:
        """Take away what a push stored that did not come to its end."""
        with self._writing() as db:
            db.execute(f"DELETE FROM packet WHERE run_id = ? AND state = '{PLANNED}'", (run_id,))

    def has_own(self, run_id: int) -> bool:
        """Whether this run has packets; refused ones do not count."""
        return bool(self._rows(f"SELECT 1 FROM packet WHERE run_id = ? AND {_OWN} LIMIT 1", run_id))

    def earlier(self, run_id: int, file_name: str) -> list[Entry]:
        """What this run has for a file already, with the bodies; refused packets are left out."""
        query = f"SELECT {_COLUMNS} FROM packet WHERE run_id = ? AND file_name = ? AND {_OWN} ORDER BY id"
        return [Entry(**row) for row in self._rows(query, run_id, file_name)]

    def claim(self, run_id: int, *, sent: float = 0.0, start: int = 0, filled: bool = False) -> Entry | None:
        """Take the next queued packet for sending, in the order of their storing; None where there is no more.

        Args:
            run_id: of this run.
            sent: the time, by the server's clock.
            start: the packet to begin with; those before it come after the last.
            filled: only one that carries boxes.
        """
        boxes = "AND boxes > 0" if filled else ""
        query = f"""
            UPDATE packet SET state = '{State.SENDING}', attempts = attempts + 1, sent = ?, over = 0, changed = ?
            WHERE id = (
                SELECT id FROM packet
                WHERE run_id = ? AND state = '{State.QUEUED}' AND id >= ? {boxes} ORDER BY id LIMIT 1
            ) RETURNING {_COLUMNS}
        """
        with self._writing() as db:
            for first in dict.fromkeys((start, 0)):
                if row := db.execute(query, (sent, self._clock(), run_id, first)).fetchone():
                    return Entry(**row)
        return None

    def any_queued(self, run_id: int) -> int:
        """The number of one of the queued packets, by chance; 0 where there is none.

        Two machines that push the same begin at different places, and meet where the other one has been already.
        """
        query = f"SELECT min(id) AS first, max(id) AS last FROM packet WHERE run_id = ? AND state = '{State.QUEUED}'"
        found = self._rows(query, run_id)[0]
        return 0 if found["first"] is None else random.randint(found["first"], found["last"])  # noqa: S311 # no secret

    def assign(self, entry_id: int, batch_id: int, *, sent: float = 0.0, before: str = "") -> None:
        """Write down the input batch that a packet is about to go out in, and that it goes out now.

        Args:
            entry_id: the packet.
            batch_id: the batch.
            sent: the time, by the server's clock.
            before: what its file is like, where that was read just now.
        """
        with self._writing() as db:
            query = (
                "UPDATE packet SET batch_id = ?, sent = ?, changed = ?, before = iif(? <> '', ?, before) WHERE id = ?"
            )
            db.execute(query, (batch_id, sent, self._clock(), before, before, entry_id))

    def settle(self, entry_id: int, outcome: Outcome, *, ended: float = 0.0, stood: float = 0.0) -> None:
        """Write down what a packet came to; ids that the outcome does not have stay as they were.

        Args:
            entry_id: the packet.
            outcome: what it came to.
            ended: the time of its end, by the server's clock; 0 for one that has not ended.
            stood: when its file had last been changed, where that was read since; by the server's clock.
        """
        query = """
            UPDATE packet SET state = ?, reason = ?, detail = ?, over = ?, ended = ?, stood = ?, changed = ?,
                input_id = coalesce(?, input_id), file_id = coalesce(?, file_id) WHERE id = ?
        """
        state, reason, input_id, file_id, detail, over = outcome
        with self._writing() as db:
            values = (state, reason, detail, int(over), ended, stood, self._clock(), input_id, file_id, entry_id)
            db.execute(query, values)

    def picture(self, host: str, project: str, file_id: int) -> Entry | None:
        """The last upload from here that made a file of a project, without its body; None where there was none."""
        columns = ", ".join(f"packet.{column}" for column in _FIELDS if column != "body")
        query = f"""
            SELECT {columns} FROM packet JOIN run ON run.id = packet.run_id
            WHERE packet.file_id = ? AND packet.digest <> '' AND run.host = ? AND run.project = ?
            ORDER BY packet.id DESC LIMIT 1
        """
        found = self._rows(query, file_id, host, project)
        return Entry(**found[0]) if found else None

    def set_digest(self, entry_id: int, digest: str) -> None:
        """Write down the digest of the picture that is about to be uploaded."""
        with self._writing() as db:
            db.execute("UPDATE packet SET digest = ? WHERE id = ?", (digest, entry_id))

    def onto(self, host: str, project: str, file_id: int) -> list[tuple[int, Entry]]:
        """What went onto a file of a project, or may have, each with its run; in the order of its storing."""
        columns = ", ".join(f"packet.{column}" for column in _FIELDS)
        query = f"""
            SELECT packet.run_id, {columns} FROM packet JOIN run ON run.id = packet.run_id
            WHERE packet.file_id = ?
                AND packet.state IN ('{State.APPLIED}', '{State.ACCEPTED}', '{State.UNSURE}', '{State.SENDING}')
                AND run.host = ? AND run.project = ? ORDER BY packet.id
        """
        found = [dict(row) for row in self._rows(query, file_id, host, project)]
        return [(row.pop("run_id"), Entry(**row)) for row in found]

    def refused_inputs(self, host: str, project: str) -> set[int]:
        """The server's records of packets that count as refused, whatever it says: their boxes are not there."""
        query = f"""
            SELECT packet.input_id FROM packet JOIN run ON run.id = packet.run_id
            WHERE packet.state = '{State.REFUSED}' AND packet.input_id IS NOT NULL AND run.host = ? AND run.project = ?
        """
        return {int(row["input_id"]) for row in self._rows(query, host, project)}

    def sent_before(self, run_id: int) -> bool:
        """Whether a packet with boxes of this run was applied, so that the server knows the model and the run."""
        query = f"SELECT 1 FROM packet WHERE run_id = ? AND state = '{State.APPLIED}' AND boxes > 0 LIMIT 1"
        return bool(self._rows(query, run_id))

    def waiting(self, run_id: int, *, filled: bool = False) -> bool:
        """Whether a packet is queued; with `filled`, one that carries boxes."""
        boxes = "AND boxes > 0" if filled else ""
        query = f"SELECT 1 FROM packet WHERE run_id = ? AND state = '{State.QUEUED}' {boxes} LIMIT 1"
        return bool(self._rows(query, run_id))

    def body(self, entry_id: int) -> bytes:
        """A packet's JSON."""
        return bytes(self._rows("SELECT body FROM packet WHERE id = ?", entry_id)[0]["body"])

    def newest_bodies(self, host: str, project: str, most: int) -> list[bytes]:
        """The JSON of the newest packets with boxes of a project, whatever run they are of."""
        query = """
            SELECT packet.body FROM packet JOIN run ON run.id = packet.run_id
            WHERE packet.boxes > 0 AND run.host = ? AND run.project = ? ORDER BY packet.id DESC LIMIT ?
        """
        return [bytes(row["body"]) for row in self._rows(query, host, project, most)]

    def send_again(self, entry_id: int, body: bytes, boxes: int, others: Sequence[int]) -> None:
        """Queue an applied packet that makes a new file once more, since its file is gone; its other packets go.

        Args:
            entry_id: the packet.
            body: its JSON, with what the others carried.
            boxes: how many boxes that is.
            others: the other packets of the file.
        """
        query = f"""
            UPDATE packet
            SET state = '{State.QUEUED}', body = ?, boxes = ?, file_id = NULL, batch_id = NULL, input_id = NULL,
                reason = '', detail = '', over = 0, sent = 0, ended = 0, checked = 0, before = '', stood = 0,
                changed = ? WHERE id = ?
        """
        with self._writing() as db:
            db.execute(query, (body, boxes, self._clock(), entry_id))
            db.executemany("DELETE FROM packet WHERE id = ?", [(other,) for other in others])

    def move_boxes(self, run_id: int, left: Iterable[tuple[int, bytes, int]], entry: Entry) -> None:
        """Queue boxes of applied packets once more, in a packet of their own.

        Args:
            run_id: the run.
            left: the packets that they go from: number, what stays in the JSON, and how many boxes that is.
            entry: the packet that they go to.
        """
        marks = ", ".join("?" * len(STORED))
        query = f"INSERT INTO packet (run_id, changed, {', '.join(STORED)}) VALUES (?, ?, {marks})"
        with self._writing() as db:
            db.executemany("UPDATE packet SET body = ?, boxes = ? WHERE id = ?", [(b, n, i) for i, b, n in left])
            db.execute(query, (run_id, self._clock(), *(getattr(entry, name) for name in STORED)))

    def append_instead(self, entry_id: int, body: bytes, boxes: int) -> None:
        """Turn a packet of which only some boxes have arrived into one that appends the others to the file."""
        query = """
            UPDATE packet SET route = 'existing', mode = 'append', media = '', body = ?, boxes = ?, batch_id = NULL,
                input_id = NULL, before = '' WHERE id = ?
        """
        with self._writing() as db:
            db.execute(query, (body, boxes, entry_id))

    def shorten(self, entry_id: int, body: bytes, boxes: int) -> None:
        """Take boxes out of a packet that has not gone out."""
        with self._writing() as db:
            where = f"id = ? AND state IN ('{State.QUEUED}', '{State.SENDING}')"
            db.execute(f"UPDATE packet SET body = ?, boxes = ? WHERE {where}", (body, boxes, entry_id))

    def recover(self, run_id: int) -> int:
        """What was in flight when an earlier process ended is unsure now; gives the number of such packets."""
        where = f"run_id = ? AND state = '{State.SENDING}'"
        query = f"UPDATE packet SET state = '{State.UNSURE}', reason = ?, over = 0 WHERE {where}"
        with self._writing() as db:
            return db.execute(query, ("the process ended while it was sent", run_id)).rowcount

    def entries(self, run_id: int, states: Sequence[str] = STATES) -> list[Entry]:
        """The packets of a run in one of these states, in the order of their storing, without their bodies."""
        marks = ", ".join("?" * len(states))
        query = f"SELECT {_LIGHT} FROM packet WHERE run_id = ? AND state IN ({marks}) ORDER BY id"
        return [Entry(**row) for row in self._rows(query, run_id, *states)]

    @cached_property
    def identity(self) -> str:
        """The outbox's own id: what is kept beside it for one outbox is not taken for another's."""
        return str(self._rows("SELECT id FROM outbox")[0]["id"])

    def doubtful(self, run_id: int) -> list[Entry]:
        """The applied packets of a run after which something was not as it should be, without their bodies."""
        query = (
            f"SELECT {_LIGHT} FROM packet WHERE run_id = ? AND state = '{State.APPLIED}' AND reason <> '' ORDER BY id"
        )
        return [Entry(**row) for row in self._rows(query, run_id)]

    def unread(self, run_id: int) -> list[Entry]:
        """The applied packets of a run that were not read back yet, or that bear a reason; without their bodies."""
        where = f"run_id = ? AND state = '{State.APPLIED}' AND (checked = 0 OR reason <> '')"
        query = f"SELECT {_LIGHT} FROM packet WHERE {where} ORDER BY id"
        return [Entry(**row) for row in self._rows(query, run_id)]

    def set_checked(self, entries: Iterable[Entry]) -> None:
        """Write down that these packets were read back, with the reasons and file ids that they have now.

        When their files had last been changed is kept as it was found first: later it may be a person's doing.
        """
        query = f"""
            UPDATE packet SET checked = 1, reason = ?, file_id = ?, stood = iif(stood > 0, stood, ?)
            WHERE id = ? AND state = '{State.APPLIED}'
        """
        with self._writing() as db:
            db.executemany(query, [(entry.reason, entry.file_id, entry.stood, entry.id) for entry in entries])

    def originals(self, run_id: int) -> dict[int, bytes]:
        """File id → the source's own file of an image, as it was when its boxes were pushed, where that is kept."""
        where = f"run_id = ? AND state = '{State.APPLIED}' AND file_id IS NOT NULL AND length(original) > 0"
        rows = self._rows(f"SELECT file_id, original FROM packet WHERE {where} ORDER BY id", run_id)
        return {row["file_id"]: bytes(row["original"]) for row in rows}

    def counts(self, run_id: int) -> dict[str, tuple[int, int]]:
        """For each state that occurs: how many packets, and how many boxes in them."""
        query = "SELECT state, count(*) AS packets, sum(boxes) AS boxes FROM packet WHERE run_id = ? GROUP BY state"
        found = {row["state"]: (row["packets"], row["boxes"]) for row in self._rows(query, run_id)}
        return {state: found[state] for state in STATES if state in found}


def _change(db: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Write down what changes of earlier packets."""
    for each in changes:
        match each:
            case Moved(packet_id, file_id):
                db.execute("UPDATE packet SET file_id = ? WHERE id = ?", (file_id, packet_id))
            case Shortened(packet_id, body, boxes) if boxes:
                db.execute("UPDATE packet SET body = ?, boxes = ? WHERE id = ?", (body, boxes, packet_id))
            case Shortened(packet_id):
                db.execute("DELETE FROM packet WHERE id = ?", (packet_id,))
