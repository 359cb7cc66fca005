"""The watcher: every packet's end is found, with few calls."""

from collections import Counter

import pytest

from boxferry.diffgram.answers import InputRecord
from boxferry.sending.evidence import Records
from boxferry.sending.outbox import Entry, Outbox
from boxferry.sending.outcome import Outcome
from boxferry.sending.watcher import Watcher


class SlowServer:
    """Ends `pace` packets between two rounds, in their order; those in `stuck` never."""

    def __init__(self, packets, pace, stuck=()):
        self.packets, self.pace, self.stuck = packets, pace, set(stuck)
        self.done, self.asked, self.now = 0, Counter(), 0.0

    def records(self, batch_id):
        self.asked[batch_id] += 1
        found = [
            InputRecord(
                status="success" if n < self.done and n not in self.stuck else "processing",
                original_filename=name,
                file_id=n + 1,
            )
            for n, (name, batch) in enumerate(self.packets)
            if batch == batch_id
        ]
        return Records(found, lambda _: set())

    def clash(self, entry, outcome):
        return outcome

    def sleep(self, seconds):
        self.now += seconds
        self.done += self.pace


@pytest.fixture
def outbox(tmp_path):
    with Outbox(tmp_path / "outbox.sqlite") as opened:
        yield opened


def a_watcher(outbox, server):
    run = outbox.run(host="h", project="p", directory_id=1, model="m", name="r")
    outbox.add(run.id, [Entry(route="url", file_name=name, body=b"{}", boxes=1) for name, _ in server.packets])
    for _, batch in server.packets:
        entry = outbox.claim(run.id)
        outbox.assign(entry.id, batch)
        outbox.settle(entry.id, Outcome("accepted"))
    clock = {"clock": lambda: server.now, "sleep": server.sleep}
    return run, Watcher(server, outbox, run, on_change=lambda *_: None, **clock)


PACKETS = [(f"{n}.jpg", 1 + n // 10) for n in range(300)]


def test_while_the_server_gets_on_only_the_first_batches_are_asked_for(outbox):
    """Thirty batches cost far less than thirty lists a round."""
    server = SlowServer(PACKETS, pace=10)
    run, watcher = a_watcher(outbox, server)
    assert watcher.watch(1000.0)
    assert outbox.counts(run.id) == {"applied": (300, 300)}
    assert server.asked.total() < 30 + 30 + 2 * 32


def test_a_stuck_packet_does_not_hide_the_others(outbox):
    """All others are found to have ended; the time limit ends the watching."""
    server = SlowServer(PACKETS, pace=10, stuck=[0, 11, 25])
    run, watcher = a_watcher(outbox, server)
    assert not watcher.watch(300.0)
    assert outbox.counts(run.id) == {"accepted": (3, 3), "applied": (297, 297)}
    assert server.now <= 300.0
