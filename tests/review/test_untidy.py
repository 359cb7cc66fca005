"""Reviews when life is untidy: renamed labels, a push of nothing, a damaged cache, an outbox from a backup."""

import sqlite3
from contextlib import closing

import pytest

from boxferry import Diffgram
from boxferry.boxes.tally import Tally
from boxferry.plugins import plugin_manager
from boxferry.sandbox.annotating import save
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from review.test_crossed import BOTH, CAT, DOG, REPLACES, on_a
from review.test_nights import a_minute_later, complete, rows
from sending.pushing import push, server_of


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox(tmp_path / "sandbox", clock=Clock()) as running:
        yield running


@pytest.fixture
def here(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "here.sqlite") as opened:
        yield opened


def by_day(diffgram, run):
    return next(line.fates for line in diffgram.report("Default", since="30d").runs if line.name == run)


def test_a_label_that_was_renamed_is_no_other_label(sandbox, here, folder, tmp_path):
    """Its boxes are kept, and its class keeps the number and the name that it was pushed with."""
    push(here, on_a(folder, CAT + DOG), run="n01")
    cat = next(row["id"] for row in sandbox._store.rows("SELECT * FROM label_file") if row["name"] == "cat")
    sandbox._store.update("label_file", cat, {"name": "kitten"})
    a_minute_later(sandbox)
    complete(sandbox)
    review = here.pull("n01")
    assert review.summary().fates["kept"] == 2
    assert by_day(here, "m/n01")["kept"] == 2
    tally = Tally()
    review.write_as(plugin_manager().formats()["yolo"], tmp_path / "home", tally)
    assert (tmp_path / "home" / "data.yaml").read_text().count("cat") == 1
    assert not tally.noted


def test_a_push_of_nothing_between_two_reviews_changes_no_fate(sandbox, here, folder):
    """It takes the boxes that people left away; what they decided before stays, and after it nothing is decided."""
    push(here, on_a(folder, CAT + DOG), run="n01")
    a_minute_later(sandbox)
    file, (cat, dog) = rows(sandbox)
    save(sandbox._store, file, [cat, dog | {"y_max": dog["y_max"] + 3}])
    a_minute_later(sandbox)
    before = here.pull("n01").summary().fates
    push(here, on_a(folder, ""), run="n02", create_empty=False, **REPLACES)
    assert len(rows(sandbox)[1]) == 1
    a_minute_later(sandbox)
    assert here.pull("n01").summary().fates == before == before | {"kept": 1, "moved": 1}
    complete(sandbox)
    a_minute_later(sandbox)
    assert here.pull("n01").summary().fates == by_day(here, "m/n01") | before == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[len(data) // 2 :],
        lambda data: b"\0" * len(data),
        lambda data: data.replace(b'"rows":[', b'"rows":7,"was":['),
        lambda data: data.replace(b"a.jpg", b"a\xff.jpg"),
        lambda data: b"",
    ],
    ids=["its end is missing", "its start is missing", "zeros", "another type", "no UTF-8", "empty"],
)
def test_a_damaged_cache_costs_a_reading_and_nothing_else(sandbox, here, folder, damage):
    """Files of which a line is damaged are asked for again."""
    push(here, on_a(folder, CAT + DOG), run="n01")
    a_minute_later(sandbox)
    complete(sandbox)
    expected, week = here.pull("n01").files, by_day(here, "m/n01")
    for cache in here.outbox_path.parent.glob("*.pull/*"):
        cache.write_bytes(damage(cache.read_bytes()))
    assert here.pull("n01").files == expected
    assert by_day(here, "m/n01") == week


def test_an_outbox_from_a_backup_beside_the_cache_of_the_newer_one(sandbox, here, folder, tmp_path):
    """It does not know what it sent since, of which the cache has the inputs: no person deleted what that took."""
    push(here, on_a(folder, CAT), run="n01")
    a_minute_later(sandbox)
    complete(sandbox)
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        push(other, on_a(folder, DOG), model="other", run="day", existing=True)  # so that inputs are asked for
    a_minute_later(sandbox)
    path = here.outbox_path
    backup = tmp_path / "backup.sqlite"
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(backup)) as two:
        one.backup(two)
    push(here, on_a(folder, BOTH), run="n02", replace_completed=True, replaces=["other"], **REPLACES)
    a_minute_later(sandbox)
    fates = here.pull("n01").summary().fates
    with closing(sqlite3.connect(backup)) as one, closing(sqlite3.connect(path)) as two:
        one.backup(two)
    with Diffgram(server_of(sandbox), outbox=path) as restored:
        found = restored.pull("n01").summary().fates
    assert (found["deleted"], fates["deleted"]) == (0, 0)
