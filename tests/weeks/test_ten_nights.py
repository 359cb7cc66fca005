"""Ten nights of a team against a sandbox: an independent ledger agrees with the server, with `pull` and with `report`.

BOXFERRY_WEEKS_RUNS is the number of stories (`make weeks` tells 50), BOXFERRY_WEEKS_SEED the first seed.
"""

import os

import pytest

from boxferry.plan.patience import Patience
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from weeks.service import Line, Service
from weeks.story import MODELS, Story

RUNS = int(os.environ.get("BOXFERRY_WEEKS_RUNS", "1"))
SEED = int(os.environ.get("BOXFERRY_WEEKS_SEED", "1"))
PATIENCE = Patience(wait_s=20.0, settle_s=0.3, first_pause_s=0.01)


@pytest.fixture
def service(tmp_path):
    clock = Clock()
    with Sandbox(tmp_path / "sandbox", clock=clock) as sandbox:
        sandbox.port = sandbox._server.port

        def restart():
            sandbox.stop()
            sandbox.start()

        yield Service(
            host=sandbox.host,
            project=sandbox.project,
            key=(sandbox.client_id, sandbox.client_secret),
            directory_id=sandbox.directory_id,
            pass_time=clock.pass_,
            idle=sandbox.wait_idle,
            restart=restart,
            patience=PATIENCE,
        )


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_ten_nights_are_as_the_ledger_has_them(service, tmp_path, seed):
    """Server, pull and report after each night, day and retirement; at last each reviewed picture once."""
    with Line(service.host) as line:
        tell(Story(service, line, tmp_path / "team", seed))


def tell(story):
    """All of it."""
    for number in range(len(MODELS)):
        story.night(number)
        story.agree(story.log[-1])
        story.day(number)
        story.agree(f"day {number}")
    story.finish()
    story.agree("finished")
    for model in ("v1", "v2"):
        story.retire(model)
        story.agree(f"{model} retired")
