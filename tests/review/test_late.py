"""What a report knows long after: saves that later ones hide, and packets whose end was learned days after."""

import pytest

from boxferry.plan.patience import Patience
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from review.reviewing import Team
from sending.pushing import predictions, push

NAME = "p000.png"


@pytest.fixture
def team(tmp_path):
    clock = Clock()
    with Sandbox(tmp_path / "sandbox", clock=clock) as sandbox:
        yield Team(sandbox, clock, tmp_path / "team", 1)


def fates(team, machine):
    with team.open(machine) as diffgram:
        report = diffgram.report("Default", since="30d")
    return {line.name: {fate: n for fate, n in line.fates.items() if n} for line in report.runs}


def move(team, *, again):
    """A person moves a box: one that a person has moved before, or the first that none has."""
    rows = team.rows(NAME)
    row = next(row for row in rows if (row["previous_id"] is not None) == again)
    row["x_max"] -= 2
    team._call(NAME, "update", {"instance_list": rows, "and_complete": False})
    team.clock.pass_(60)


@pytest.mark.parametrize("machine", ["one", "none"])
def test_a_box_that_is_moved_again_hides_no_earlier_look(team, machine):
    """Of two boxes one was moved, and a push took the other, which people had left; then the first is moved again."""
    with team.open("one") as one:
        team.night(one, "m", "n1", [NAME])
        move(team, again=False)
        team.night(one, "m", "n2", [NAME], on_existing="replace-own", allow_removals=9)
    assert fates(team, machine)["m/n1"] == {"kept": 1, "moved": 1}
    move(team, again=True)
    assert fates(team, machine)["m/n1"] == {"kept": 1, "moved": 1}


@pytest.mark.parametrize("machine", ["late", "none"])
def test_a_packet_came_when_it_came_not_when_its_end_was_learned(team, machine):
    """A machine sends and goes away; people review, another run takes the boxes, people review; then it comes back."""
    with team.open("one") as one:
        team.night(one, "m", "n1", [NAME])
    with team.open("late") as late:
        send_and_go(team, late)
    move(team, again=False)
    with team.open("one") as one:
        team.night(one, "m", "n3", [NAME], on_existing="replace-own", allow_removals=9)
        move(team, again=False)
    expected = fates(team, "none")
    with team.open("late") as late:
        assert late.resume("n2", verify=True).exit_code == 0
    assert fates(team, machine) == expected
    assert expected["m/n2"] == {"kept": 1, "moved": 1}


def send_and_go(team, late):
    """A night that does not wait for its end."""
    folder = team.folder / "late" / "labels"
    folder.mkdir(parents=True)
    (folder / "p000.txt").write_text("0 0.5 0.7 0.1 0.1 0.9\n1 0.25 0.7 0.1 0.1 0.4\n")
    source = predictions(folder.parent, images=team.folder / "images")
    patience = Patience(wait_s=0.0, settle_s=0.2)
    report = push(late, source, run="n2", existing=True, on_existing="replace-own", allow_removals=9, patience=patience)
    assert report.exit_code in {0, 5}
    assert team.sandbox.wait_idle()
    team.clock.pass_(60)
