"""The recipes for BentoML, Ray Serve and Triton, run for real with two workers each, killed and started again.

Skipped where none of them is installed; `make serving` has each in an environment of its own.
"""

import importlib.util
import io
import statistics
import time

import pytest
from PIL import Image as Picture

from boxferry import Diffgram
from boxferry.outbox.outcome import State
from collector.collecting import on_disk, wait_until
from sending.pushing import boxes_in, server_of
from services.servers import BentoML, Ray, Triton

BOX = [[40.0, 30.0, 60.0, 50.0]]
IMAGES = 12


def installed(name):
    """Whether a package is installed, and for Ray what its server needs besides."""
    top = name.partition(".")[0]
    wanted = [top, "fastapi"] if top == "ray" else [top]
    return all(importlib.util.find_spec(each) for each in wanted)


def kind(server):
    """A server, skipped where it is not installed."""
    marks = pytest.mark.skipif(not installed(server.needs), reason=f"{server.needs} is not installed: make serving")
    return pytest.param(server, marks=marks, id=server.__name__)


@pytest.fixture(params=[kind(BentoML), kind(Ray), kind(Triton)])
def service(request, sandbox, tmp_path):
    """A service that runs."""
    settings = {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(tmp_path / "outbox.sqlite"),
    }
    sandbox.port = int(sandbox.host.rpartition(":")[2])  # where it comes back after a stop
    made = request.param(tmp_path, settings)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        made.clear()


def an_image(number):
    """An image file of its own colour; servers may give each upload the same name."""
    file = io.BytesIO()
    Picture.new("RGB", (100, 80), (number, 0, 0)).save(file, "PNG")
    return file.getvalue()


def test_every_box_is_there_once_after_kill_and_restart(service, sandbox, tmp_path):
    """Killed before and while it sends, asked again for what it had answered; at last ended in order.

    An upload that a kill broke off is looked up for 90 s, longer than an end in order takes: then the rest of its run
    waits with it, for the next start or `resume`.
    """
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as diffgram:
        asked = [an_image(number) for number in range(IMAGES)]
        assert [service.ask(each) for each in asked[:4]] == [(200, BOX)] * 4
        wait_until(lambda: len(on_disk(diffgram)[0]) == 4)
        service.kill()
        assert len(sandbox.files()) < 4  # killed before all was sent
        service.start()
        assert [service.ask(each) for each in asked[2:8]] == [(200, BOX)] * 6
        wait_until(sandbox.files, 20)
        service.kill()
        service.start()
        assert [service.ask(each) for each in asked] == [(200, BOX)] * IMAGES
        service.terminate()
        assert in_doubt(diffgram) or not waits(diffgram)
        assert all(diffgram.resume(run).exit_code == 0 for run in diffgram.unfinished())
        assert not waits(diffgram)
        files = [each["original_filename"] for each in sandbox.files()]
        assert sorted(len(boxes_in(sandbox, name)) for name in files) == [1] * IMAGES
        assert diffgram.unfinished() == []


def test_a_service_answers_as_before_without_the_server(service, sandbox, tmp_path, record_property):
    """As fast, also what is no image; what it has answered meanwhile arrives when the server is back."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as diffgram:
        with_it = [seconds(service, number) for number in range(20)]
        sandbox.stop()
        without = [seconds(service, number) for number in range(20, 40)]
        record_property("seconds", [statistics.median(with_it), statistics.median(without)])
        assert statistics.median(without) < 2 * statistics.median(with_it) + 0.01
        assert service.ask(b"no image")[0] >= 400
        assert service.ask(an_image(1)) == (200, BOX)
        sandbox.start()
        wait_until(lambda: len(sandbox.files()) == 40, 40)
        service.terminate()
        assert sorted(len(boxes_in(sandbox, each["original_filename"])) for each in sandbox.files()) == [1] * 40
        assert on_disk(diffgram) == ([], [])


def seconds(service, number):
    """How long an answer takes."""
    began = time.perf_counter()
    assert service.ask(an_image(number)) == (200, BOX)
    return time.perf_counter() - began


def in_doubt(diffgram):
    """Whether it is not known of an upload whether it has arrived."""
    outbox = diffgram.outbox
    return any(outbox.entries(run.id, (State.SENDING, State.UNSURE)) for run in outbox.runs())


def waits(diffgram):
    """Whether anything waits on disk."""
    return on_disk(diffgram) != ([], [])
