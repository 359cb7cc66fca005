"""The outbox as a state machine: whatever is done in whatever order, it says what was written, and loses nothing."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from boxferry.sending.outbox import Entry, Outbox
from boxferry.sending.outcome import Outcome

ENDS = ("queued", "accepted", "applied", "refused", "unsure")


class OutboxMachine(RuleBasedStateMachine):
    """Two runs, packets stored, claimed, assigned, settled; failed transactions, and the process ending at any time."""

    packets = Bundle("packets")

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.now = 0.0
        self.model = {}
        self.open()
        self.runs = [
            self.outbox.run(host="h", project="p", directory_id=1, model="m", name=name).id for name in ("one", "two")
        ]

    def open(self):
        self.outbox = Outbox(Path(self.folder.name) / "outbox.sqlite", clock=self.tick)

    def tick(self):
        self.now += 1.0
        return self.now

    @rule(run=st.sampled_from([0, 1]), count=st.integers(0, 3), boxes=st.integers(0, 5))
    def store(self, run, count, boxes):
        number = len(self.model)
        entries = [Entry(route="url", file_name=f"{number + n}", body=b"{}", boxes=boxes) for n in range(count)]
        assert self.outbox.add(self.runs[run], entries) == count
        for n in range(count):
            self.model[number + n + 1] = {"run": run, "state": "queued", "boxes": boxes, "batch": None}

    @rule(run=st.sampled_from([0, 1]))
    def store_half(self, run):
        def broken():
            yield Entry(route="url", file_name="never", body=b"{}", boxes=1)
            raise LookupError

        with pytest.raises(LookupError):
            self.outbox.add(self.runs[run], broken())

    @rule(target=packets, run=st.sampled_from([0, 1]))
    def claim(self, run):
        entry = self.outbox.claim(self.runs[run])
        queued = [n for n, p in self.model.items() if p["run"] == run and p["state"] == "queued"]
        assert (entry.id if entry else None) == (min(queued) if queued else None)
        if entry:
            self.model[entry.id]["state"] = "sending"
        return entry.id if entry else None

    @rule(packet=packets, batch=st.integers(1, 9))
    def assign(self, packet, batch):
        if packet is not None:
            self.outbox.assign(packet, batch)
            self.model[packet]["batch"] = batch

    @rule(packet=packets, state=st.sampled_from(ENDS))
    def settle(self, packet, state):
        if packet is not None:
            self.outbox.settle(packet, Outcome(state, "why"))
            self.model[packet]["state"] = state

    @rule(run=st.sampled_from([0, 1]))
    def recover(self, run):
        flying = [p for p in self.model.values() if p["run"] == run and p["state"] == "sending"]
        assert self.outbox.recover(self.runs[run]) == len(flying)
        for packet in flying:
            packet["state"] = "unsure"

    @rule()
    def come_back(self):
        self.outbox.close()
        self.open()

    @invariant()
    def it_says_what_was_written(self):
        for number, run in enumerate(self.runs):
            mine = {n: p for n, p in self.model.items() if p["run"] == number}
            found = {e.id: (e.state, e.boxes, e.batch_id) for e in self.outbox.entries(run)}
            assert found == {n: (p["state"], p["boxes"], p["batch"]) for n, p in mine.items()}
            packets = sum(count for count, _ in self.outbox.counts(run).values())
            assert packets == len(mine)

    def teardown(self):
        if hasattr(self, "outbox"):
            self.outbox.close()
            self.folder.cleanup()


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
