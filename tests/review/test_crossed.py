"""Packets of two machines that cross: a box that went by one of them is no deletion by people, here or there."""

import sqlite3
from contextlib import closing

import pytest

from boxferry import Diffgram
from boxferry.errors import Unreachable
from boxferry.plan.patience import Patience
from boxferry.sandbox.annotating import save
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from review.test_nights import a_minute_later, complete, rows
from sending.pushing import predictions, push, server_of

CAT, DOG, BOTH = "0 0.1 0.1 0.1 0.1 0.9\n", "1 0.7 0.7 0.1 0.1 0.7\n", "0 0.4 0.4 0.1 0.1 0.8\n1 0.9 0.9 0.1 0.1 0.6\n"
REPLACES = {"existing": True, "on_existing": "replace-own", "allow_removals": 9}


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox(tmp_path / "sandbox", clock=Clock()) as running:
        yield running


@pytest.fixture
def here(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "here.sqlite") as opened:
        yield opened


@pytest.fixture
def there(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "there.sqlite") as opened:
        yield opened


def on_a(folder, text):
    (folder / "labels" / "a.txt").write_text(text)
    return predictions(folder)


@pytest.fixture
def crossed(sandbox, here, there, folder, monkeypatch):
    """A replacement from there, between whose reading and whose going out a box came from here."""
    push(there, on_a(folder, CAT), model="old", run="n01")
    a_minute_later(sandbox)
    night, send = on_a(folder, BOTH), there._client.send_packet

    def late(body):
        monkeypatch.setattr(there._client, "send_packet", send)
        a_minute_later(sandbox)
        push(here, on_a(folder, DOG), model="other", run="day", existing=True)
        a_minute_later(sandbox)
        send(body)

    monkeypatch.setattr(there._client, "send_packet", late)
    push(there, night, model="old", run="n02", **REPLACES)
    a_minute_later(sandbox)
    assert len(rows(sandbox)[1]) == 2, "the replacement took the box along"
    return folder


def test_a_replacement_that_was_read_for_before_a_box_came_takes_it(sandbox, crossed, here, tmp_path):
    """Its list does not tell of that box; what it tells is when its file was read."""
    assert here.pull("day").summary().fates["replaced"] == 1
    with Diffgram(server_of(sandbox), outbox=tmp_path / "adopted.sqlite") as adopted:
        adopted.adopt("day", directory="Default", model="other")
        assert adopted.pull("day").summary().fates["replaced"] == 1


def test_what_a_crossing_replacement_took_may_come_again(sandbox, crossed, there):
    """People have not rejected it."""
    report = push(there, on_a(crossed, DOG), model="third", run="n03", existing=True)
    assert (dict(report.tally.dropped), len(rows(sandbox)[1])) == ({}, 3)


def test_what_people_deleted_before_the_reading_they_deleted(sandbox, folder, here, there):
    """The same pushes one after the other, and a deletion in between."""
    push(there, on_a(folder, CAT), model="old", run="n01")
    a_minute_later(sandbox)
    push(here, on_a(folder, DOG), model="other", run="day", existing=True)
    a_minute_later(sandbox)
    file, (cat, dog) = rows(sandbox)
    save(sandbox._store, file, [cat, dog | {"soft_delete": True}])
    a_minute_later(sandbox)
    push(there, on_a(folder, BOTH), model="old", run="n02", **REPLACES)
    assert here.pull("day").summary().fates["deleted"] == 1
    assert dict(push(there, on_a(folder, DOG), model="third", run="n03", existing=True).tally.dropped) == {
        "rejected-before": 1
    }


@pytest.mark.parametrize("act", ["done", "deleted"])
def test_what_people_did_while_a_packet_was_on_its_way_is_no_look_at_its_boxes(sandbox, folder, here, monkeypatch, act):
    """After its file was read for it, and before the server applied it: as the file's last change tells."""
    push(here, on_a(folder, CAT), model="old", run="n01")
    a_minute_later(sandbox)
    send = here._client.send_packet

    def late(body):
        monkeypatch.setattr(here._client, "send_packet", send)
        file, (cat,) = rows(sandbox)
        if act == "done":
            complete(sandbox)
        else:
            save(sandbox._store, file, [cat | {"soft_delete": True}])
        a_minute_later(sandbox)
        send(body)

    monkeypatch.setattr(here._client, "send_packet", late)
    push(here, on_a(folder, DOG), model="other", run="day", existing=True)
    a_minute_later(sandbox)
    review = here.pull("day")
    assert (review.summary().fates["unreviewed"], review.reviewed) == (2, [])
    complete(sandbox)
    a_minute_later(sandbox)
    assert here.pull("day").summary().fates["kept"] == 1


def left_unsent(machine, source, monkeypatch, **run):
    """A replacement whose packet does not arrive."""

    def gone(_body):
        raise Unreachable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(machine._client, "send_packet", gone)
        waits = {"patience": Patience(failures=1, first_pause_s=0.01, settle_s=0.1)}
        assert push(machine, source, **run, **REPLACES, **waits).exit_code == 4


def test_what_people_deleted_between_two_attempts_they_deleted(sandbox, folder, here, monkeypatch):
    """The first attempt never arrived, and would have taken it."""
    push(here, on_a(folder, CAT + DOG), model="old", run="n01")
    a_minute_later(sandbox)
    left_unsent(here, on_a(folder, BOTH), monkeypatch, model="old", run="n02")
    file, (cat, dog) = rows(sandbox)
    save(sandbox._store, file, [cat, dog | {"soft_delete": True}])
    a_minute_later(sandbox)
    assert here.resume("n02").exit_code == 0
    a_minute_later(sandbox)
    fates = here.pull("n01").summary().fates
    assert (fates["deleted"], fates["kept"]) == (1, 1)
    lines = {line.name: line.fates for line in here.report("Default", since="30d").runs}
    assert (lines["old/n01"]["deleted"], lines["old/n01"]["kept"]) == (1, 1)


def test_what_a_copy_of_the_outbox_sent_later_found_what_people_had_done_by_then(
    sandbox, folder, here, tmp_path, monkeypatch
):
    """The first attempt, which never arrived, had found a box that people deleted before the copy sent the same."""
    push(here, on_a(folder, CAT), model="old", run="n01")
    a_minute_later(sandbox)

    left_unsent(here, on_a(folder, DOG), monkeypatch, model="new", run="n02")
    copy = tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(here.outbox_path)) as one, closing(sqlite3.connect(copy)) as two:
        one.backup(two)
    file, (cat,) = rows(sandbox)
    save(sandbox._store, file, [cat | {"soft_delete": True}])
    a_minute_later(sandbox)
    with Diffgram(server_of(sandbox), outbox=copy) as other:
        assert other.resume("n02").exit_code == 0
    a_minute_later(sandbox)
    assert here.resume("n02").exit_code == 0
    assert here.pull("n02").summary().fates["unreviewed"] == 1
    assert here.pull("n01").summary().fates["deleted"] == 1
