"""What one packet did not tell of a box, a later one tells: it found the box, so the box had not gone before."""

import pytest

from boxferry import Diffgram
from boxferry.plan.patience import Patience
from boxferry.sandbox.annotating import save
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from review.test_nights import a_minute_later, rows
from sending.pushing import predictions, push, server_of

LEFT, ALSO, THIRD = "0 0.1 0.1 0.1 0.1 0.9\n", "1 0.4 0.1 0.1 0.1 0.7\n", "0 0.7 0.1 0.1 0.1 0.8\n"
OTHER = "1 0.7 0.7 0.1 0.1 0.7\n"
BRIEF = Patience(wait_s=0.0, settle_s=0.1, pilot=False)
REPLACES = {"existing": True, "on_existing": "replace-own", "allow_removals": 9}


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox(tmp_path / "sandbox", clock=Clock()) as running:
        yield running


@pytest.fixture
def one(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "one.sqlite") as opened:
        yield opened


def pushed(one, sandbox, folder, text, **options):
    (folder / "labels" / "a.txt").write_text(text)
    assert push(one, predictions(folder), **options).exit_code == 0
    a_minute_later(sandbox)


def drawn(sandbox, left, *, without=()):
    """A person looks at all boxes, deletes some and draws one."""
    file, there = rows(sandbox)
    there = [row for row in there if row["x_min"] not in without]
    box = {"type": "box", "label_file_id": there[0]["label_file_id"], "machine_made": False}
    save(sandbox._store, file, [*there, box | {"x_min": left, "y_min": 60, "x_max": left + 9, "y_max": 70}])
    a_minute_later(sandbox)


@pytest.mark.parametrize("machine", ["one", "none"])
def test_boxes_that_people_left_and_a_retirement_took_leave_a_picture_unsettled(
    sandbox, one, folder, tmp_path, machine
):
    """A push of the same boxes seemed to take them: it names only what it sends; the server keeps the older rows."""
    (folder / "labels" / "b.txt").unlink()
    pushed(one, sandbox, folder, LEFT + ALSO, run="n1")
    pushed(one, sandbox, folder, LEFT + ALSO + THIRD, run="n2", **REPLACES)
    drawn(sandbox, 5, without={65})
    pushed(one, sandbox, folder, OTHER, run="n3", model="k", **REPLACES)
    drawn(sandbox, 25)
    with Diffgram(server_of(sandbox), outbox=tmp_path / f"{machine}.sqlite") as reader:
        assert [each.file.file_name for each in reader.dataset(directory="Default").pictures] == ["a.jpg"]
        assert one.retire("m", directories=["Default"], remove=True).exit_code == 0
        assert len(rows(sandbox)[1]) == 3, "the boxes of people and of the other model are left"
        found = reader.dataset(directory="Default")
        assert (found.pictures, found.pushed_since) == ([], 1)


def test_what_people_deleted_is_theirs_although_a_later_packet_waited_on_the_server(sandbox, one, folder, tmp_path):
    """The input of a packet of which nothing is left tells when it was applied, to a machine without the outbox too."""
    (folder / "labels" / "b.txt").unlink()
    pushed(one, sandbox, folder, LEFT + ALSO, run="n1")
    file, _ = rows(sandbox)
    save(sandbox._store, file, [row | {"soft_delete": True} for row in rows(sandbox)[1]])
    a_minute_later(sandbox)
    pushed(one, sandbox, folder, THIRD, run="n2", **REPLACES)
    sandbox.busy = True
    (folder / "labels" / "a.txt").write_text(OTHER)
    push(one, predictions(folder), run="n3", model="k", existing=True, patience=BRIEF)
    a_minute_later(sandbox)
    sandbox.busy = False
    assert sandbox.wait_idle()
    with Diffgram(server_of(sandbox), outbox=tmp_path / "none.sqlite") as reader:
        first = next(line for line in reader.report("Default", since="30d").runs if line.name == "m/n1")
        assert {fate: count for fate, count in first.fates.items() if count} == {"deleted": 2}
