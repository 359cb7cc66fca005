"""A gateway holds a request back while the service is away, and hands it on after it is back: nothing is sent twice."""

import threading
import time

import pytest

from boxferry import Diffgram
from boxferry.diffgram import clock
from boxferry.plan.patience import Patience
from boxferry.sandbox.faults import Faults, FaultyWire, _reset
from sending.pushing import A_BOXES, boxes_in, predictions, push, server_of

NEW, NEW_BOX = "1 0.7 0.7 0.1 0.1 0.9\n", (65, 52, 75, 60)
AWAY_S, HELD_S = 1.2, 0.3
REPLACES = {"on_existing": "replace-own", "allow_removals": 9}
PATIENCE = Patience(wait_s=20.0, settle_s=0.6, first_pause_s=0.05, failures=99)


class Gateway(FaultyWire):
    """Drops every call to the service for a while from the first packet on, and hands that packet on afterwards."""

    def __init__(self, upstream):
        super().__init__(upstream, Faults())
        self.back = None
        self._held = None

    def __exit__(self, *ended):
        self._held.join()  # what is on its way arrives before anything is counted
        super().__exit__(*ended)

    def _answer(self, connection, request):
        head = request.split(b"\r\n", 1)[0]
        if b"/walrus/" in head and b"/input/packet" in head and self.back is None:
            self.back = time.monotonic() + AWAY_S
            self._held = threading.Timer(AWAY_S + HELD_S, self._forward, [request])
            self._held.start()
        if b"/walrus/" in head and self.back is not None and time.monotonic() < self.back:
            return _reset(connection)
        return super()._answer(connection, request)


@pytest.mark.parametrize("manner", [{}, REPLACES], ids=["append", "replace"])
def test_a_packet_that_arrives_when_the_service_is_back_is_not_sent_again(
    sandbox, diffgram, folder, tmp_path, monkeypatch, manner
):
    """What left no trace is only known not to arrive so long after the first answer."""
    monkeypatch.setattr(clock, "LONG_S", 0.3)
    push(diffgram, predictions(folder), run="before")
    (folder / "labels" / "b.txt").unlink()
    (folder / "labels" / "a.txt").write_text(NEW)
    sent = len(sandbox.inputs())
    with Gateway(sandbox.host) as gateway:
        server = server_of(sandbox, host=gateway.host)
        with Diffgram(server, outbox=tmp_path / "o.sqlite") as behind:
            report = push(behind, predictions(folder), existing=True, patience=PATIENCE, **manner)
    assert (report.exit_code, len(sandbox.inputs()) - sent) == (0, 1), report.summary()
    assert boxes_in(sandbox, "a.jpg") == sorted([NEW_BOX] if manner else [*A_BOXES, NEW_BOX])


def test_a_process_that_was_started_when_the_service_is_back_waits_too(
    sandbox, diffgram, folder, tmp_path, monkeypatch
):
    """It does not know of the outage; the packet that the first process left may arrive only now."""
    monkeypatch.setattr(clock, "LONG_S", 0.3)
    push(diffgram, predictions(folder), run="before")
    (folder / "labels" / "b.txt").unlink()
    (folder / "labels" / "a.txt").write_text(NEW)
    sent, once = len(sandbox.inputs()), Patience(wait_s=1.0, settle_s=0.6, first_pause_s=0.05, failures=1)
    with Gateway(sandbox.host) as gateway:
        server = server_of(sandbox, host=gateway.host)
        with Diffgram(server, outbox=tmp_path / "o.sqlite") as first:
            assert push(first, predictions(folder), existing=True, patience=once, **REPLACES).exit_code == 4
        time.sleep(max(0.0, gateway.back - time.monotonic()))
        with Diffgram(server, outbox=tmp_path / "o.sqlite") as second:
            report = second.resume("r", patience=PATIENCE)
    assert (report.exit_code, len(sandbox.inputs()) - sent) == (0, 1), report.summary()
    assert boxes_in(sandbox, "a.jpg") == [NEW_BOX]
