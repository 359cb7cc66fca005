"""The watcher: every packet's end is found, with few calls; what will never end is told from what takes its time."""

from collections import Counter

import pytest

from boxferry.deliver.budget import Budget
from boxferry.deliver.records import Records
from boxferry.deliver.stalls import Stalls
from boxferry.deliver.watcher import Watcher
from boxferry.diffgram.inputs import InputRecord
from boxferry.outbox.entry import Entry
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.outcome import Outcome


class SlowServer:
    """Ends `pace` packets between two rounds, in their order; those in `stuck` never."""

    def __init__(self, packets, pace, stuck=(), status="processing"):
        self.packets, self.pace, self.stuck, self.status = packets, pace, set(stuck), status
        self.done, self.asked, self.now_s = 0, Counter(), 0.0

    def now(self):
        return self.now_s

    def input(self, number, name):
        ended = number < self.done and number not in self.stuck
        status = "success" if ended else self.status
        return InputRecord(id=number + 1, status=status, original_filename=name, file_id=number + 1)

    def records_of(self, entries, batch_id, stalls):
        self.asked[batch_id] += 1
        found = [self.input(n, name) for n, (name, batch) in enumerate(self.packets) if batch == batch_id]
        stalls.see(found)
        records = Records(found, lambda _: set())
        return [(entry, records.of(entry)) for entry in entries]

    def unfinished(self):
        self.asked["unfinished"] += 1
        records = [self.input(n, name) for n, (name, _) in enumerate(self.packets)]
        return [record for record in records if record.status != "success"]

    def newest(self):
        return [self.input(n, name) for n, (name, _) in enumerate(self.packets)][-50:]

    def clash(self, entry, outcome):
        return outcome

    def sleep(self, seconds):
        self.now_s += seconds
        self.done += self.pace


@pytest.fixture
def outbox(tmp_path):
    with Outbox(tmp_path / "outbox.sqlite") as opened:
        yield opened


def a_watcher(outbox, server, **options):
    run = outbox.run(host="h", project="p", directory_id=1, model="m", name="r")
    outbox.add(run.id, [Entry(route="url", file_name=name, body=b"{}", boxes=1) for name, _ in server.packets])
    for _, batch in server.packets:
        entry = outbox.claim(run.id)
        outbox.assign(entry.id, batch)
        outbox.settle(entry.id, Outcome("accepted"))
    return run, Watcher(server, outbox, run, on_change=lambda *_: None, clock=server.now, **options)


def a_budget(server, seconds):
    return Budget(seconds, clock=server.now, sleep=server.sleep)


PACKETS = [(f"{n}.jpg", 1 + n // 10) for n in range(300)]


def test_while_the_server_gets_on_only_the_first_batches_are_asked_for(outbox):
    """Thirty batches cost far less than thirty lists a round."""
    server = SlowServer(PACKETS, pace=10)
    run, watcher = a_watcher(outbox, server)
    assert watcher.watch(a_budget(server, 1000.0))
    assert outbox.counts(run.id) == {"applied": (300, 300)}
    assert server.asked.total() < 30 + 30 + 2 * 32


def test_a_packet_whose_worker_died_is_stuck_and_does_not_hide_the_others(outbox):
    """All others are found to have ended; the stuck ones say why, and are waited for no longer."""
    server = SlowServer(PACKETS, pace=10, stuck=[0, 11, 25])
    run, watcher = a_watcher(outbox, server, stuck_s=60.0)
    assert watcher.watch(a_budget(server, 1000.0))
    assert outbox.counts(run.id) == {"stuck": (3, 3), "applied": (297, 297)}
    assert server.now_s < 200.0
    reason = outbox.entries(run.id, ("stuck",))[0].reason
    assert "the server's worker has died on it" in reason


def test_a_busy_server_that_begins_nothing_is_not_stuck(outbox):
    """Inputs that no worker has taken wait for as long as the budget lasts; the words say what it may be."""
    server = SlowServer(PACKETS[:8], pace=0, status="init")
    run, watcher = a_watcher(outbox, server, stuck_s=60.0)
    assert not watcher.watch(a_budget(server, 300.0))
    assert outbox.counts(run.id) == {"accepted": (8, 8)}
    assert "its workers may be dead or its CPU busy" in watcher.stalls.silence()
    assert "8 inputs wait" in watcher.stalls.silence()
    server.pace, server.done = 8, 8
    assert watcher.watch(a_budget(server, 300.0))
    assert outbox.counts(run.id) == {"applied": (8, 8)}


def test_where_all_workers_are_dead_what_they_had_is_stuck_and_the_rest_waits(outbox):
    """Four inputs were begun and nothing moves: those never end, the others may after a restart."""
    server = SlowServer(PACKETS[:8], pace=0)
    real = server.input

    def first_four_begun(number, name):
        record = real(number, name)
        status = record.status if number < 4 else "init"
        return InputRecord(id=record.id, status=status, original_filename=name, file_id=record.file_id)

    server.input = first_four_begun
    run, watcher = a_watcher(outbox, server, stuck_s=60.0)
    assert not watcher.watch(a_budget(server, 300.0))
    assert outbox.counts(run.id) == {"accepted": (4, 4), "stuck": (4, 4)}
    assert "workers are dead; restart its service" in outbox.entries(run.id, ("stuck",))[0].reason


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def seen(stalls, clock, at, *records):
    clock.now = at
    stalls.see([InputRecord(id=n, status=status, percent_complete=percent) for n, status, percent in records])


def test_an_input_that_gets_on_is_not_stuck(outbox):
    """Its percentage moves, however long it takes and whatever else ends meanwhile."""
    clock = Clock()
    stalls = Stalls(stuck_s=10.0, clock=clock)
    for step in range(10):
        seen(stalls, clock, 8.0 * step, (1, "processing", 10.0 + step), (2 + step, "success", 100.0))
        assert stalls.reason(InputRecord(id=1, status="processing")) == ""


def test_a_video_may_take_longer(outbox):
    """Three times as long as an image."""
    clock = Clock()
    stalls = Stalls(stuck_s=10.0, clock=clock)
    record = InputRecord(id=1, status="processing_frames_in_queue")
    seen(stalls, clock, 0.0, (1, "processing_frames_in_queue", 38.0))
    seen(stalls, clock, 20.0, (1, "processing_frames_in_queue", 38.0), (5, "success", 100.0))
    assert stalls.reason(record)
    assert not stalls.reason(record, video=True)
    clock.now = 31.0
    assert stalls.reason(record, video=True)


def test_an_input_that_was_passed_over_by_several_later_ones_is_lost(outbox):
    """It was never started, while three later ones ended."""
    clock = Clock()
    stalls = Stalls(stuck_s=10.0, clock=clock)
    seen(stalls, clock, 0.0, (1, "init", 0.0))
    seen(stalls, clock, 11.0, (2, "success", 100.0), (3, "success", 100.0))
    assert stalls.reason(InputRecord(id=1, status="init")) == ""
    seen(stalls, clock, 12.0, (4, "failed", 0.0))
    assert "never started" in stalls.reason(InputRecord(id=1, status="init"))


def test_what_is_not_among_the_projects_unfinished_inputs_any_more_has_ended(outbox):
    """So that what others send tells whether the server works."""
    clock = Clock()
    stalls = Stalls(stuck_s=10.0, clock=clock)
    stalls.see_unfinished([InputRecord(id=1, status="processing"), InputRecord(id=2, status="processing")])
    clock.now = 11.0
    stalls.see_unfinished([InputRecord(id=1, status="processing")])
    assert "1 later ones ended" in stalls.reason(InputRecord(id=1, status="processing"))
