"""The outbox: what is written there is there, whole or not at all."""

import gc
import sqlite3
import subprocess
import sys

import pytest

from boxferry.errors import OutboxError
from boxferry.outbox.entry import Entry
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.outcome import Outcome

PLACE = {"host": "http://127.0.0.1:1", "project": "p", "directory_id": 3, "model": "m", "name": "r"}


def an_entry(name: str = "a.jpg", *, boxes: int = 2, route: str = "url") -> Entry:
    return Entry(route=route, file_name=name, media="http://x/" + name, body=b'{"a":1}', boxes=boxes)


@pytest.fixture
def outbox(tmp_path):
    with Outbox(tmp_path / "deep" / "outbox.sqlite") as opened:
        yield opened


def test_the_same_place_and_names_are_the_same_run(outbox):
    """Pushing again goes on with the run; another name is another run."""
    run = outbox.run(**PLACE)
    assert outbox.run(**PLACE) == run
    assert outbox.run(**(PLACE | {"name": "other"})).id != run.id
    assert [r.name for r in outbox.runs()] == ["r", "other"]


def test_packets_are_claimed_in_order_and_once(outbox):
    """A claimed packet is in flight, and nobody else's."""
    run = outbox.run(**PLACE)
    assert outbox.add(run.id, [an_entry("a.jpg"), an_entry("b.jpg")]) == 2
    first, second = outbox.claim(run.id), outbox.claim(run.id)
    assert (first.file_name, second.file_name) == ("a.jpg", "b.jpg")
    assert first.state == "sending"
    assert first.attempts == 1
    assert first.body == b'{"a":1}'
    assert outbox.claim(run.id) is None


def test_a_failed_build_stores_nothing(outbox):
    """Packets are stored all or none, so that an error in the input sends nothing."""
    run = outbox.run(**PLACE)

    def half():
        yield an_entry()
        raise ValueError("the source ends here")

    with pytest.raises(ValueError, match="ends here"):
        outbox.add(run.id, half())
    assert outbox.counts(run.id) == {}


def test_settling_keeps_what_it_is_not_told(outbox):
    """Ids that are learnt early stay."""
    run = outbox.run(**PLACE)
    outbox.add(run.id, [an_entry()])
    entry = outbox.claim(run.id)
    outbox.assign(entry.id, 5)
    outbox.settle(entry.id, Outcome("accepted", file_id=33))
    outbox.settle(entry.id, Outcome("refused", "Must be an int", 8))
    (stored,) = outbox.entries(run.id)
    assert (stored.state, stored.reason, stored.batch_id, stored.input_id, stored.file_id) == (
        "refused", "Must be an int", 5, 8, 33,
    )  # fmt: skip
    assert outbox.counts(run.id) == {"refused": (1, 2)}
    assert outbox.entries(run.id, ("queued",)) == []


def test_what_was_in_flight_is_unsure_after_a_crash(tmp_path):
    """A real process, killed between claiming and settling; nothing that it wrote is lost."""
    path = tmp_path / "outbox.sqlite"
    script = f"""
import os, signal
from pathlib import Path
from boxferry.outbox.entry import Entry
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.outcome import Outcome
outbox = Outbox(Path({str(path)!r}))
run = outbox.run(**{PLACE!r})
outbox.add(run.id, [Entry(route="url", file_name=n, body=b"x", boxes=1) for n in ("a.jpg", "b.jpg")])
outbox.claim(run.id)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    with Outbox(path) as outbox:
        run = outbox.find_run("r")
        assert outbox.counts(run.id) == {"queued": (1, 1), "sending": (1, 1)}
        assert outbox.recover(run.id) == 1
        assert outbox.counts(run.id) == {"queued": (1, 1), "unsure": (1, 1)}


@pytest.mark.parametrize("wanted", ["1", "r", "m/r"])
def test_a_run_is_found_by_number_or_name(outbox, wanted):
    """Whichever the user has at hand; lists of runs have the model's name too."""
    assert outbox.find_run(wanted) if outbox.runs() else outbox.run(**PLACE)
    assert outbox.find_run(wanted).name == "r"


def test_a_run_that_is_not_there_lists_those_that_are(outbox):
    """And a shared name asks for the number."""
    outbox.run(**PLACE)
    with pytest.raises(OutboxError, match=r"no run 'x'; the runs are: 1 \(m/r\)"):
        outbox.find_run("x")
    outbox.run(**(PLACE | {"model": "n"}))
    with pytest.raises(OutboxError, match=r"several runs .*1 \(m/r\), 2 \(n/r\)"):
        outbox.find_run("r")
    assert outbox.find_run("n/r").model == "n"


def not_a_database(path):
    path.write_text("some text that is long enough to be no database header at all\n" * 3)


def another_database(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE other (x)")
    db.close()


def a_later_version(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE packet (x)")
        db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize("make", [not_a_database, another_database, a_later_version], ids=lambda f: f.__name__)
def test_a_file_that_is_no_outbox_is_one_clear_line(tmp_path, make):
    """And it is left as it is."""
    path = tmp_path / "x.sqlite"
    make(path)
    before = path.read_bytes()
    with pytest.raises(OutboxError, match=r"x\.sqlite: "):
        Outbox(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path):
    """A folder where a file is named."""
    with pytest.raises(OutboxError, match=str(tmp_path)):
        Outbox(tmp_path)


def test_nobody_else_can_read_the_outbox(outbox):
    """It holds what a team works on, though no secret."""
    assert outbox.path.stat().st_mode & 0o077 == 0


def test_the_time_of_a_packet_is_that_of_its_going_out(tmp_path):
    """What is looked up later counts from there, not from when it was claimed: making a batch takes its time."""
    now = [100.0]
    with Outbox(tmp_path / "outbox.sqlite", clock=lambda: now[0]) as outbox:
        run = outbox.run(**PLACE)
        outbox.add(run.id, [an_entry()])
        entry = outbox.claim(run.id)
        now[0] = 160.0
        outbox.assign(entry.id, 5)
        outbox.recover(run.id)
        (stored,) = outbox.entries(run.id, ("unsure",))
    assert stored.changed == 160.0


def test_an_outbox_that_was_left_open_is_closed_with_its_owner(tmp_path):
    """From Python 3.13 on the connection would warn."""
    outbox = Outbox(tmp_path / "outbox.sqlite")
    db = outbox._db
    del outbox
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        db.execute("SELECT 1")
