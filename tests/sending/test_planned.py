"""Two machines have packets of one model that waited: the newer one is that which was planned later, not sent later."""

import pytest

from boxferry import Diffgram
from boxferry.errors import Unreachable
from boxferry.plan.patience import Patience
from sending.pushing import boxes_in, predictions, push, server_of

EARLY, LATE = "0 0.2 0.7 0.1 0.1 0.9\n", "1 0.7 0.7 0.1 0.1 0.9\n"
EARLY_BOX, LATE_BOX = (15, 52, 25, 60), (65, 52, 75, 60)
REPLACING = {"existing": True, "on_existing": "replace-own", "allow_removals": 9, "create_empty": False}


@pytest.fixture
def machine(sandbox, tmp_path):
    """Opens another machine's outbox."""
    opened = []

    def make(name):
        opened.append(Diffgram(server_of(sandbox), outbox=tmp_path / f"{name}.sqlite"))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def waits(folder, clock, monkeypatch):
    """Plans a push whose packet cannot be sent; then a minute passes."""

    def plan(diffgram, run, rows):
        def gone(_body):
            raise Unreachable("gone")

        (folder / "labels" / "a.txt").write_text(rows)
        with monkeypatch.context() as cut:
            cut.setattr(diffgram._client, "send_packet", gone)
            patience = Patience(failures=1, first_pause_s=0.01)
            assert push(diffgram, predictions(folder), run=run, patience=patience, **REPLACING).exit_code == 4
        clock.pass_(60)

    return plan


@pytest.fixture
def pushed(diffgram, folder, clock):
    (folder / "labels" / "b.txt").unlink()
    push(diffgram, predictions(folder))
    clock.pass_(60)


@pytest.mark.usefixtures("pushed")
def test_an_older_push_that_arrives_late_is_no_newer_one(sandbox, machine, waits):
    """Of two that waited, the one that was planned last is what the picture holds, in whatever order they go out."""
    one, two = machine("one"), machine("two")
    waits(one, "early", EARLY)
    waits(two, "late", LATE)
    assert one.resume("early").exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [EARLY_BOX]
    assert two.resume("late").exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [LATE_BOX]


@pytest.mark.usefixtures("pushed")
def test_a_newer_push_that_arrives_first_stays(sandbox, machine, waits):
    """The other order: the older one's boxes do not come."""
    one, two = machine("one"), machine("two")
    waits(one, "early", EARLY)
    waits(two, "late", LATE)
    assert two.resume("late").exit_code == 0
    report = one.resume("early")
    assert "a newer push has replaced these boxes" in report.failed[0].reason
    assert boxes_in(sandbox, "a.jpg") == [LATE_BOX]
