"""Packets of ours that cross on one file, several times: no fate is a person's where a push did it.

`BOXFERRY_CROSSINGS=200` tries so many histories. A packet can be held up before it goes out, after its file was read
for it, or on the server, before it is applied; and a second machine can send it from a copy of the outbox. Other
pushes, and people's edits, come in between.
"""

import json
import os
import sqlite3
import threading
from contextlib import closing, contextmanager, suppress

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from boxferry import Diffgram, PushOptions
from boxferry.errors import BoxferryError
from boxferry.plan.patience import Patience
from boxferry.sandbox.boxes import same_box
from boxferry.sandbox.server import Sandbox
from boxferry.sandbox.store import NEVER
from clocked import Clock
from review.test_interleaved import ACTS, BOXES, LABELS, History, Truth, World, compare, of
from sending.pushing import server_of

COUNT = os.environ.get("BOXFERRY_CROSSINGS")  #: how many histories are tried; else always the same few
EXAMPLES = int(COUNT or 2)
MACHINES = ("here", "there", "third")
BRIEF = Patience(wait_s=0.0, settle_s=0.1, first_pause_s=0.01, pilot=False)
PATIENT = Patience(wait_s=0.5, settle_s=0.1, first_pause_s=0.01, pilot=False)

REVIEWS = st.lists(ACTS, min_size=1, max_size=2)


def pushes(inner):
    return st.fixed_dictionaries(
        {
            "run": st.sampled_from(("one", "two")),
            "model": st.sampled_from(("m", "n")),
            "mode": st.sampled_from(("append", "replace-own", "replace-own")),
            "boxes": BOXES,
            "held": st.integers(0, 3),  # from 2 on: the server applies it after so many further events
            "resent": st.sampled_from((False, False, True)),
            "meanwhile": inner,
        }
    )


NOTHING = st.just([])
ONE_DEEP = st.lists(st.one_of(pushes(NOTHING), REVIEWS), max_size=2)
TWO_DEEP = st.lists(st.one_of(pushes(ONE_DEEP), pushes(NOTHING), REVIEWS), max_size=2)
HISTORIES = st.lists(st.one_of(pushes(TWO_DEEP), pushes(NOTHING), REVIEWS), min_size=2, max_size=4)


class Watched(Sandbox):
    """A sandbox that applies one packet at a time, and shows each."""

    turn = threading.RLock()
    history = None

    def _work(self, row):
        with self.turn:
            history = self.history
            before = history.rows(row["file_id"]) if history else {}
            super()._work(row)
            if history:
                history.applied(row, before)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder, clock = tmp_path_factory.mktemp("crossings"), Clock()
    with Watched(folder / "sandbox", clock=clock) as sandbox:
        with Diffgram(server_of(sandbox), outbox=folder / "first.sqlite") as here:
            schema = here._client.schemas()[0].id
            labels = {name: here._client.create_label(name, schema_id=schema) for name in LABELS}
        yield World(sandbox, None, None, folder, labels)


class Crossing(History):
    """Carries out pushes that are held up, and keeps the truth of each box from the sandbox's rows alone."""

    def __init__(self, world):
        super().__init__(world)
        self.ids = self.ids[:1]
        self.file_id = self.ids[0]
        self.boxes, self.added = {self.file_id: {}}, {self.file_id: []}
        self.held = []  # (events left, input id)
        self.idle = list(MACHINES)
        self.pushed_by = set()
        self.events = []
        world.sandbox.history = self
        self.went = {}  # of a box that a packet took: what it was like, and what people had done to it

    def outbox(self, machine):
        return self.world.folder / f"{self.world.number}-{machine}.sqlite"

    def open(self, machine):
        return Diffgram(server_of(self.world.sandbox), outbox=self.outbox(machine), connections=1)

    # What is done

    def do(self, step):
        self.wait()
        self.push_held(step) if isinstance(step, dict) else self.review([step])
        self.pass_on()

    def pass_on(self):
        """One more event is over: what the server has held up so long is applied."""
        self.wait()
        due = [number for left, number in self.held if left <= 1]
        self.held = [(left - 1, number) for left, number in self.held if left > 1]
        for number in due:
            self.store.update("input", number, {"due": 0.0})
            self.world.sandbox._workers.notify()
            self.world.sandbox.wait_idle()
            self.wait()

    def push_held(self, push):
        if not self.idle:
            return
        machine = self.idle.pop()
        self.pushed_by.add((machine, self.run(push)))
        held = push["held"] if push["held"] > 1 else 0
        options = PushOptions(
            existing=True,
            on_existing=push["mode"],
            replace_completed=True,
            allow_removals=99,
            ask_again=True,
            patience=BRIEF if held else PATIENT,
        )
        model, run = self.run(push)
        with self.open(machine) as diffgram, self.between(diffgram, push, machine, held):
            given = {"directory": self.directory, "model": model, "run": run, "options": options}
            with suppress(BoxferryError):
                diffgram.push(self.source(push | {"boxes": [push["boxes"], [], []]}), **given)
        self.idle.append(machine)

    @contextmanager
    def between(self, diffgram, push, machine, held):
        """Do what comes between the reading for a packet and its going out; and hold it up on the server."""
        send, sandbox = diffgram._client.send_packet, self.world.sandbox

        def late(body):
            diffgram._client.send_packet = send
            if push["resent"] and self.idle:
                self.resent(machine)
            for step in push["meanwhile"]:
                self.do(step)
            self.wait()
            if not held:
                return send(body)
            sandbox.busy = True
            answer = send(body)
            number = self.store.row("SELECT max(id) AS id FROM input")["id"]
            self.store.update("input", number, {"due": NEVER})
            self.held.append((held, number))
            sandbox.busy = False
            return answer

        diffgram._client.send_packet = late
        yield
        diffgram._client.send_packet = send

    def resent(self, machine):
        """Another machine goes on with a copy of the outbox, and sends what that one is about to send."""
        other = self.idle.pop()
        copy = self.world.folder / f"{self.world.number}-{len(self.events)}-copy.sqlite"
        self.events.append(copy)
        with closing(sqlite3.connect(self.outbox(machine))) as one, closing(sqlite3.connect(copy)) as two:
            one.backup(two)
        with Diffgram(server_of(self.world.sandbox), outbox=copy, connections=1) as diffgram:
            self.resume(diffgram)
        self.idle.append(other)

    def resume(self, diffgram):
        for run in diffgram.outbox.runs():
            with suppress(BoxferryError):
                diffgram.resume(str(run.id), patience=PATIENT)

    def finish(self):
        while self.held:
            self.pass_on()
        self.wait()
        for machine in MACHINES:
            if self.outbox(machine).exists():
                with self.open(machine) as diffgram:
                    self.resume(diffgram)
                    self.wait()

    # What is true

    def applied(self, record, before):
        """A packet has been applied."""
        listed = (json.loads(record["instance_list"]) or {}).get("list") if record["instance_list"] else []
        new = [box for box in listed if box.get("id") is None and not box.get("soft_delete")]
        sent = {}
        for box in new:
            if box.get("creation_ref_id"):
                sent[box["creation_ref_id"]] = box["model_ref"], box["model_run_ref"]
        after, file_id = self.rows(self.file_id), self.file_id
        newest = {same_box(row): row_id for row_id, row in after.items()}
        for truth in self.boxes[file_id].values():
            key, fate = self.went.get(id(truth), (None, ""))
            if truth.row is None and fate in {"moved", "relabelled"} and key in newest:
                truth.row, truth.fate = newest[key], fate  # a packet that had been read for before sends it back
            if truth.row is None or truth.row in after:
                continue
            twin = newest.get(same_box(before[truth.row]))
            if twin is not None:
                truth.row = twin
                continue
            self.went[id(truth)] = same_box(before[truth.row]), truth.fate
            truth.row = None
            truth.fate = "kept" if truth.told == "kept" else "replaced"
        self.came_again(file_id, after)
        came = {row["creation_ref_id"]: row_id for row_id, row in after.items() if row_id not in before}
        for truth in self.boxes[file_id].values():
            truth.blurred = True
        for reference, run in sent.items():
            key = (*run, reference)
            known = self.boxes[file_id].get(key)
            if known is not None and known.row is not None:
                continue
            row_id = came.get(reference) or next(
                (i for i, row in after.items() if row["creation_ref_id"] == reference), None
            )
            if row_id is None:
                row_id = self.alike(reference, after)
            if row_id is not None and (known is None or row_id in came.values()):
                self.boxes[file_id][key] = Truth(row_id, split=self.split_at(file_id, row_id), blurred=True)


def carried_out(world, history):
    done = Crossing(world)
    for step in history:
        done.do(step)
    done.finish()
    world.sandbox.history = None
    return done


def night(model, run, boxes, *, mode="replace-own", held=0, meanwhile=(), resent=False):
    given = {"model": model, "run": run, "boxes": boxes, "mode": mode, "held": held}
    return given | {"meanwhile": list(meanwhile), "resent": resent}


HISTORIES_FOUND = {
    "completed while it waited on the server": [night("n", "one", [(1, 0, 0)], mode="append", held=2), [("done", 0)]],
    "drawn while it waited, and taken later": [
        night("n", "two", [(3, 6, 0)], mode="append", held=3),
        [("draw", 1)],
        [("draw", 5)],
        night("n", "one", [(2, 0, 0)]),
    ],
    "moved while a replacement was on its way": [
        night("n", "one", [(1, 6, 0)], mode="append"),
        [("done", 0)],
        night("n", "two", [(4, 6, 1)], meanwhile=[[("move", 0)]]),
    ],
    "applied after one with a higher number": [
        [("done", 0)],
        night("n", "one", [(1, 0, 1), (4, 6, 0)], held=3),
        night("m", "one", [(2, 0, 1), (1, 6, 0)]),
        [("draw", 0)],
        night("n", "one", [(3, 6, 0), (1, 0, 1)]),
    ],
    "of which nothing is left to tell when it was applied": [
        night("m", "one", [(0, 0, 0)], held=3, meanwhile=[night("m", "one", [(0, 6, 1), (1, 6, 1), (1, 0, 0)])]),
        [("delete", 0)],
        night("m", "two", [(3, 0, 1), (0, 0, 1)], held=2, resent=True),
        [("done", 1)],
    ],
    "brought back by a packet that had been read for before": [
        night("n", "one", [(4, 6, 0), (0, 6, 1), (3, 0, 1)], mode="append"),
        night(
            "m",
            "two",
            [(4, 6, 0), (2, 0, 0), (0, 0, 1), (1, 0, 0)],
            meanwhile=[
                night(
                    "m",
                    "two",
                    [(3, 0, 1)],
                    meanwhile=[[("move", 4)], night("n", "two", [(2, 6, 1), (0, 6, 0)], mode="append")],
                ),
                night("n", "two", [(1, 6, 1)]),
            ],
        ),
        night("n", "one", [(0, 0, 0)], held=3),
        night("m", "two", [(4, 6, 0), (1, 0, 1), (0, 6, 0), (1, 6, 1)], resent=True),
    ],
    "applied last, and no row tells when": [
        [("done", 2), ("done", 0)],
        night(
            "m",
            "two",
            [(3, 6, 0), (0, 6, 0)],
            held=3,
            meanwhile=[night("n", "one", [(3, 6, 0), (0, 6, 0)], held=2), [("done", 2)]],
        ),
        [("done", 7), ("done", 4)],
        night("m", "one", [(0, 6, 0), (1, 0, 1), (2, 6, 0)], mode="append"),
    ],
    "the same packet of two machines, the older one applied last": [
        [("done", 3), ("done", 0)],
        night(
            "m",
            "two",
            [(3, 6, 0), (0, 6, 0)],
            held=3,
            meanwhile=[
                [("done", 3), ("done", 0)],
                night(
                    "m",
                    "two",
                    [(3, 6, 0), (0, 6, 0)],
                    held=3,
                    meanwhile=[[("relabel", 0), ("draw", 1)], night("m", "two", [], mode="append")],
                ),
            ],
        ),
        night("m", "one", [], mode="append"),
    ],
    "sent twice, and no row tells which": [
        night("m", "two", [(4, 6, 0)], mode="append"),
        [("done", 3), ("relabel", 5)],
        night(
            "n",
            "one",
            [(1, 6, 0), (4, 0, 0), (0, 6, 0), (2, 6, 0)],
            mode="append",
            meanwhile=[
                night("m", "two", [(4, 6, 0)], held=3, resent=True, meanwhile=[[("done", 7), ("delete", 7)]]),
                [("done", 0)],
            ],
        ),
        night("m", "one", [(2, 0, 0), (1, 0, 1), (1, 6, 1)], held=3, resent=True),
    ],
    "moved before the second of two equal packets was applied": [
        night(
            "m",
            "two",
            [(3, 0, 1), (4, 0, 0), (0, 0, 0), (1, 6, 0)],
            mode="append",
            held=2,
            resent=True,
            meanwhile=[[("draw", 2), ("relabel", 3)]],
        ),
        night("m", "one", [], meanwhile=[[("draw", 4), ("move", 2)], [("done", 3), ("draw", 6)]]),
    ],
    "deleted, and brought back by a packet that had been read for before": [
        [("delete", 0)],
        night(
            "n",
            "one",
            [(2, 6, 1), (2, 0, 1), (0, 0, 0), (0, 0, 1)],
            mode="append",
            resent=True,
            meanwhile=[
                [("delete", 0)],
                night(
                    "n",
                    "one",
                    [(2, 6, 1), (2, 0, 1), (0, 0, 0), (0, 0, 1)],
                    mode="append",
                    resent=True,
                    meanwhile=[
                        night("m", "one", [(1, 0, 0), (2, 0, 1), (3, 6, 1), (0, 0, 1)], held=3),
                        [("delete", 0)],
                    ],
                ),
            ],
        ),
    ],
    "completed after the reading of a packet that waited for two others": [
        night(
            "n",
            "two",
            [],
            mode="append",
            held=3,
            resent=True,
            meanwhile=[
                night("n", "two", [], held=3),
                night("n", "two", [(2, 0, 0)], held=2, resent=True, meanwhile=[[("draw", 0), ("move", 1)]]),
            ],
        ),
        night(
            "m",
            "one",
            [(0, 6, 1), (3, 6, 1), (0, 6, 0), (2, 6, 0)],
            held=3,
            meanwhile=[
                night("n", "one", [(0, 6, 0)], held=2, resent=True),
                night(
                    "m",
                    "one",
                    [(3, 6, 1)],
                    held=3,
                    meanwhile=[[("delete", 2), ("done", 5)], [("move", 1), ("move", 7)]],
                ),
            ],
        ),
        night("n", "one", [(4, 6, 0), (4, 0, 1), (1, 0, 0), (3, 6, 1)], mode="append"),
        [("relabel", 0)],
    ],
    "doubled, and an equal box that stands for it changed": [
        night("n", "two", [(4, 0, 0), (3, 6, 0), (0, 6, 0), (4, 0, 1)]),
        night("m", "two", [(4, 6, 1), (1, 6, 0), (1, 0, 0)], mode="append", resent=True),
        night(
            "m",
            "one",
            [(0, 0, 0), (4, 6, 1), (1, 6, 0), (4, 6, 0)],
            mode="append",
            resent=True,
            meanwhile=[
                night(
                    "m",
                    "one",
                    [(3, 6, 0), (2, 0, 0)],
                    mode="append",
                    held=2,
                    resent=True,
                    meanwhile=[night("n", "two", [(4, 6, 1)], held=2)],
                )
            ],
        ),
        [("relabel", 2), ("relabel", 1)],
    ],
}


def judged(world, history):
    """Compare for each machine that pushed, and for one that knows the server alone."""
    done = carried_out(world, history)
    for machine, run in sorted(done.pushed_by):
        with done.open(machine) as diffgram:
            compare(done, run, of(diffgram, done, run), alone=False, whole=False)
    with Diffgram(server_of(world.sandbox), outbox=world.folder / f"adopted-{world.number}.sqlite") as adopted:
        for model, name in sorted({run for _, run in done.pushed_by if done.sent_any(run)}):
            adopted.adopt(name, directory=done.directory, model=model)
            compare(done, (model, name), of(adopted, done, (model, name)), alone=False, whole=False)


@pytest.mark.parametrize("history", HISTORIES_FOUND.values(), ids=HISTORIES_FOUND)
def test_a_packet_that_waited_makes_no_fate_a_persons(world, history):
    """Each was reported as a person's before."""
    judged(world, history)


@settings(
    max_examples=EXAMPLES,
    derandomize=COUNT is None,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(HISTORIES)
def test_no_fate_is_a_persons_where_a_push_did_it(world, history):
    """Pushes that wait before they go out and on the server, that are sent twice, and people in between."""
    judged(world, history)
