"""Observers hear of each packet, wherever it is sent from, with its model and run; what they raise stops nothing."""

import pytest

from boxferry import PushOptions
from boxferry.hookspecs import hookimpl
from boxferry.plan.patience import Patience
from boxferry.plan.plan_file import read_plan
from boxferry.plugins import plugin_manager
from sending.pushing import predictions, push

PATIENCE = Patience(wait_s=20.0, settle_s=0.2, first_pause_s=0.01)


class Witness:
    """Writes down what it hears."""

    def __init__(self):
        self.heard = []

    @hookimpl
    def boxferry_packet_built(self, packet, context):
        assert packet
        self.heard.append(("built", context["file_name"], context["model"], context["run"]))

    @hookimpl
    def boxferry_outcome(self, outcome, context):
        self.heard.append((str(outcome["state"]), outcome["file_name"], context["model"], context["run"]))


class Leaver:
    """Ends the program, or tries to."""

    @hookimpl
    def boxferry_packet_built(self, packet, context):
        raise SystemExit(3)

    @hookimpl
    def boxferry_outcome(self, outcome, context):
        raise SystemExit(3)


@pytest.fixture
def witness():
    return Witness()


@pytest.fixture
def plugins(witness):
    return plugin_manager(extra=[Leaver(), witness])


def heard(word, *names):
    return {(word, name, "m", "r") for name in names}


def test_of_a_push(sandbox, diffgram, folder, witness, plugins):
    """A packet that is built, and each state that it comes to."""
    report = push(diffgram, predictions(folder, plugins=plugins))
    assert report.exit_code == 0
    assert heard("built", "a.jpg", "b.png", "c.jpg") | heard("applied", "a.jpg", "b.png") <= set(witness.heard)


def test_of_a_plan(sandbox, diffgram, folder, witness, plugins):
    """When it is carried out, not when it is made."""
    plan = folder / "plan.json"
    push(diffgram, predictions(folder, plugins=plugins), plan=plan)
    assert witness.heard == []
    made = PushOptions(patience=PATIENCE)
    assert diffgram.carry_out(read_plan(plan), options=made, plugins=plugins).exit_code == 0
    assert heard("built", "a.jpg", "b.png") | heard("applied", "a.jpg", "b.png") <= set(witness.heard)


def test_of_a_resume(sandbox, diffgram, folder, witness, plugins):
    """What was left accepted comes to its end there."""
    push(diffgram, predictions(folder))
    hurried = Patience(wait_s=0.0, settle_s=0.2)
    sandbox.delay_s = 0.2
    push(diffgram, predictions(folder), run="s", existing=True, patience=hurried)
    report = diffgram.resume("s", patience=PATIENCE, plugins=plugins)
    assert report.exit_code == 0
    assert [one[3] for one in witness.heard if one[0] == "applied"]
    assert {one[2:] for one in witness.heard} == {("m", "s")}
