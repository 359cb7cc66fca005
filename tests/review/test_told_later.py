"""What one packet did not tell of a box, a later one tells: it found the box, so the box had not gone before."""

import pytest

from boxferry import Diffgram
from boxferry.sandbox.annotating import save
from boxferry.sandbox.server import Sandbox
from review.reviewing import Clock
from review.test_nights import a_minute_later, rows
from sending.pushing import predictions, push, server_of

LEFT, ALSO, THIRD = "0 0.1 0.1 0.1 0.1 0.9\n", "1 0.4 0.1 0.1 0.1 0.7\n", "0 0.7 0.1 0.1 0.1 0.8\n"
OTHER = "1 0.7 0.7 0.1 0.1 0.7\n"
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
