"""The outbox as a state machine: whatever is done in whatever order, it says what was written, and loses nothing."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from boxferry.outbox.entry import Entry
from boxferry.outbox.outbox import STATES, Outbox
from boxferry.outbox.outcome import Outcome, State
from boxferry.packets.contents import references_in

ENDS = tuple(state for state in State if state != State.SENDING)
RUNS = st.sampled_from([0, 1])
FILES = st.sampled_from(["a", "b", "c", "d"])


def body(boxes):
    """A packet with so many boxes."""
    listed = ",".join(f'{{"creation_ref_id": "r{n}"}}' for n in range(boxes))
    return f'{{"instance_list": [{listed}]}}'.encode()


class OutboxMachine(RuleBasedStateMachine):
    """Two runs: packets stored, planned and left behind, adopted, claimed, assigned, settled, turned and read back.

    Transactions fail, and the process ends at any time. The model has packet number → what it was last given.
    """

    packets = Bundle("packets")

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.now = 0.0
        self.model = {}
        self.left = [0, 0]  # packets that a push, killed while it planned, has left behind
        self.open()
        self.runs = [
            self.outbox.run(host="h", project="p", directory_id=1, model="m", name=name).id for name in ("one", "two")
        ]

    def open(self):
        self.outbox = Outbox(Path(self.folder.name) / "outbox.sqlite", clock=self.tick)

    def tick(self):
        self.now += 1.0
        return self.now

    def of(self, run, *states):
        return {n: p for n, p in self.model.items() if p["run"] == run and (not states or p["state"] in states)}

    def stored(self, run, names, entries):
        """A push that came to its end: its packets are there, those refused of the same files and what was left go."""
        assert self.outbox.add(self.runs[run], entries) == len(entries)
        self.left[run] = 0
        for number in [n for n, p in self.of(run, "refused").items() if p["file"] in names]:
            del self.model[number]
        new = [entry for entry in self.outbox.entries(self.runs[run]) if entry.id not in self.of(run)]
        assert [entry.file_name for entry in new] == names
        for entry, given_ in zip(new, entries, strict=True):
            state = "applied" if given_.ended else "queued"
            packet = {"run": run, "file": entry.file_name, "state": state, "boxes": given_.boxes, "batch": None}
            self.model[entry.id] = packet | {"reason": "", "mode": "new", "checked": 0}

    @rule(run=RUNS, names=st.lists(FILES, max_size=3), boxes=st.integers(0, 5))
    def store(self, run, names, boxes):
        self.stored(run, names, [Entry(route="url", file_name=name, body=body(boxes), boxes=boxes) for name in names])

    @rule(run=RUNS, name=FILES, boxes=st.integers(1, 5))
    def adopt(self, run, name, boxes):
        """What the server holds of this run already is there as applied, and never goes out."""
        adopted = Entry(route="existing", file_name=name, file_id=7, body=body(boxes), boxes=boxes, ended=1.0)
        self.stored(run, [name], [adopted])

    @rule(run=RUNS)
    def store_half(self, run):
        """A source that breaks in its middle: nothing of it is stored, and what a killed push left is gone."""

        def broken():
            yield Entry(route="url", file_name="never", body=b"{}", boxes=1)
            raise LookupError

        with pytest.raises(LookupError):
            self.outbox.add(self.runs[run], broken())
        self.left[run] = 0

    @rule(run=RUNS, count=st.integers(1, 3))
    def killed_while_planning(self, run, count):
        """The process ends between two of the transactions in which packets are staged."""
        entries = [Entry(route="url", file_name="never", body=b"{}", boxes=1)] * count
        self.outbox._plan(self.runs[run], entries)
        self.left[run] += count
        self.come_back()

    @rule(target=packets, run=RUNS, filled=st.booleans())
    def claim(self, run, filled):
        entry = self.outbox.claim(self.runs[run], filled=filled)
        queued = [n for n, p in self.of(run, "queued").items() if p["boxes"] or not filled]
        assert (entry.id if entry else None) == (min(queued) if queued else None)
        assert self.outbox.any_queued(self.runs[run]) in {
            0,
            *self.of(run, "queued"),
            *range(1, max(self.model, default=1)),
        }
        if entry:
            self.model[entry.id]["state"] = "sending"
        return entry.id if entry else None

    @rule(packet=packets, batch=st.integers(1, 9))
    def assign(self, packet, batch):
        if packet in self.model:
            self.outbox.assign(packet, batch)
            self.model[packet]["batch"] = batch

    @rule(packet=packets, state=st.sampled_from(ENDS), reason=st.sampled_from(["", "why"]))
    def settle(self, packet, state, reason):
        if packet in self.model:
            self.outbox.settle(packet, Outcome(state, reason))
            self.model[packet] |= {"state": state, "reason": reason}

    @rule(packet=packets, boxes=st.integers(1, 5))
    def turn_into_an_append(self, packet, boxes):
        """Of a packet some boxes have arrived: it is another one from now on, of no batch."""
        if packet in self.model and self.model[packet]["state"] == "sending":
            self.outbox.append_instead(packet, body(boxes), boxes)
            self.outbox.settle(packet, Outcome(State.QUEUED))
            changed = {"state": "queued", "reason": "", "boxes": boxes, "batch": None, "mode": "append"}
            self.model[packet] |= changed

    @rule(run=RUNS, reason=st.sampled_from(["", "2 of 2 boxes are stored twice"]))
    def read_back(self, run, reason):
        """Applied packets that were not looked at, or bear a reason; afterwards they bear the reason that was found."""
        unread = self.outbox.unread(self.runs[run])
        expected = {n for n, p in self.of(run, "applied").items() if p["reason"] or not p["checked"]}
        assert {entry.id for entry in unread} == expected
        self.outbox.set_checked(replaced(entry, reason) for entry in unread)
        for number in expected:
            self.model[number] |= {"reason": reason, "checked": 1}

    @rule(run=RUNS)
    def recover(self, run):
        flying = self.of(run, "sending")
        assert self.outbox.recover(self.runs[run]) == len(flying)
        for packet in flying.values():
            packet["state"] = "unsure"
            packet["reason"] = "the process ended while it was sent"

    @rule()
    def come_back(self):
        self.outbox.close()
        self.open()

    @invariant()
    def it_says_what_was_written(self):
        for number, run in enumerate(self.runs):
            mine = self.of(number)
            found = {
                e.id: (e.state, e.file_name, e.boxes, e.batch_id, e.reason, e.mode) for e in self.outbox.entries(run)
            }
            keys = ("state", "file", "boxes", "batch", "reason", "mode")
            assert found == {n: tuple(p[key] for key in keys) for n, p in mine.items()}
            counted = self.outbox.counts(run)
            assert counted == {
                state: (len(of_state), sum(p["boxes"] for p in of_state.values()))
                for state in STATES
                if (of_state := self.of(number, state))
            }
            assert [e.id for e in self.outbox.doubtful(run)] == [
                n for n, p in self.of(number, "applied").items() if p["reason"]
            ]
            assert self.outbox.waiting(run) == bool(self.of(number, "queued"))

    @invariant()
    def what_a_killed_push_left_is_seen_by_none(self):
        for number, run in enumerate(self.runs):
            (count,) = self.outbox._db.execute(
                "SELECT count(*) FROM packet WHERE run_id = ? AND state = 'planned'", (run,)
            ).fetchone()
            assert count == self.left[number]
            assert self.outbox.earlier(run, "never") == []

    @invariant()
    def what_the_run_has_of_a_file_is_all_but_what_was_refused(self):
        for number, run in enumerate(self.runs):
            for name in "abcd":
                mine = {n: p for n, p in self.of(number).items() if p["file"] == name and p["state"] != "refused"}
                found = self.outbox.earlier(run, name)
                assert {e.id: len(references_in(e.body)) for e in found} == {n: p["boxes"] for n, p in mine.items()}

    def teardown(self):
        if hasattr(self, "outbox"):
            self.outbox.close()
            self.folder.cleanup()


def replaced(entry, reason):
    return Entry(**{name: getattr(entry, name) for name in Entry.__struct_fields__} | {"reason": reason})


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
