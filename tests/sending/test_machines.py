"""Several machines at once: whatever each of them knows and whatever breaks, every box ends up on the server once.

A run is two to four machines that push the same source, or two that overlap, each from an outbox of its own, through a
wire that breaks. They are killed at random instants and started anew with the outbox they had, an empty one, or a copy
of another machine's. The server's workers die and are restarted, and in some runs its data goes back to a backup. At
last each machine pushes until its report is good, and follows the remedies that the reports name and no others. Then
each box must be there once, on one file of its name.

BOXFERRY_MACHINES_RUNS is the number of runs (`make machines` makes 300), BOXFERRY_MACHINES_SEED the first seed.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

from PIL import Image as Picture

from boxferry import Credentials, Diffgram, PushOptions, Server, read
from boxferry.diffgram.client import Client
from boxferry.errors import BoxferryError
from boxferry.plan.patience import Patience
from boxferry.sandbox.faults import Faults, FaultyWire
from boxferry.sandbox.server import Sandbox
from sending.machines import held

RUNS = int(os.environ.get("BOXFERRY_MACHINES_RUNS", "1"))
SEED = int(os.environ.get("BOXFERRY_MACHINES_SEED", "1"))
AT_ONCE = int(os.environ.get("BOXFERRY_MACHINES_AT_ONCE", "3"))  # of at most five processes each, four of them short
ROUTES = ("upload", "url", "existing")
PARTS = (("a.png", "b.png", "c.png"), ("b.png", "c.png", "d.png"))
NAMES = sorted({name for part in PARTS for name in part})
SCORES = (0.0, 0.5)
MOST_ROUNDS = 40
PATIENCE = Patience(wait_s=20.0, settle_s=3.0, stuck_s=5.0, failures=6, first_pause_s=0.02)
TIMEOUT_S = 1.0
FAULTS = {
    "drop_before": 0.03,
    "drop_after": 0.03,
    "delay": 0.005,
    "truncate": 0.02,
    "error_before": 0.02,
    "error_after": 0.03,
    "refuse": 0.003,
}


# In the processes of the machines


def server_at(host):
    return Server(host=host, project="sandbox", credentials=Credentials("LIVE__sandbox", "sandbox-secret"))


def options_of(order):
    return PushOptions(
        labels="skip",
        existing=order["route"] == "existing",
        media_url=order["media"] if order["route"] == "url" else None,
        resend_missing=order["resend_missing"],
        patience=PATIENCE,
    )


def pushed(order):
    """One push, or what a report named as the remedy; gives what the report says."""
    with Diffgram(server_at(order["host"]), outbox=order["outbox"], connections=2, timeout_s=TIMEOUT_S) as diffgram:
        if order["do"] == "dedupe":
            return {"exit_code": diffgram.dedupe("r", wait_s=20.0).exit_code}
        if order["do"] == "resend-stuck":
            return said(diffgram.resume("r", patience=PATIENCE, verify=True, resend_stuck=True))
        source = read(order["labels"], format="yolo", names=["cat", "dog"], images=order["images"])
        source = source.filter(min_score=order["min_score"]) if order["min_score"] else source
        place = {"directory": order["directory"], "model": "m", "run": "r"}
        return said(diffgram.push(source, **place, options=options_of(order)))


def said(report):
    return {
        "exit_code": report.exit_code,
        "states": {str(state): packets for state, (packets, _) in report.states.items()},
        "failed": dict(report.tally.failed),
        "reasons": [entry.reason for entry in [*report.failed, *report.doubtful]],
        "stopped": str(report.stopped or ""),
    }


def carried_out(order):
    try:
        found = pushed(order)
    except BoxferryError as error:
        found = {"exit_code": error.exit_code, "stopped": str(error)}
    Path(order["answer"]).write_text(json.dumps(found))


def answer(number):
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main():
    """Start a process for each order that comes: forked, since making one from nothing takes as long as its work."""
    for line in sys.stdin:
        if line.startswith("wait"):
            _, status = os.waitpid(int(line.split()[1]), 0)
            answer(os.waitstatus_to_exitcode(status))
        elif child := os.fork():
            answer(child)
        else:
            os.close(0)
            os.nice(5)
            try:
                carried_out(json.loads(line))
            finally:
                sys.stderr.flush()
                os._exit(0)


class Processes:
    """Makes and ends the processes of one run."""

    def __init__(self):
        self._maker = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._maker.stdin.close()
        self._maker.wait(60)
        self._maker.stdout.close()

    def _asked(self, line):
        self._maker.stdin.write(line + "\n")
        self._maker.stdin.flush()
        return int(self._maker.stdout.readline())

    def start(self, order):
        return self._asked(json.dumps(order))

    def wait(self, number):
        return self._asked(f"wait {number}")

    def kill(self, number):
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
        self.wait(number)


# In the test's own process


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@dataclass
class Machine:
    """What one machine pushes, and where it remembers."""

    number: int
    part: int
    min_score: float
    outbox: Path


@contextmanager
def supervised(sandbox, seed):
    """The service is restarted as soon as two of its four workers have died, and now and then without a reason."""
    over, dice = Event(), random.Random(seed)

    def watch():
        while not over.wait(0.5):
            if sandbox.workers_alive < 3 or dice.random() < 0.03:
                sandbox.restart_workers()

    thread = Thread(target=watch, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def rows_of(rng):
    """Four boxes in their own quarters of a picture, so that no two are equal; two of them with a low score."""
    quarters = ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))
    places = [(x + rng.uniform(-0.1, 0.1), y + rng.uniform(-0.1, 0.1)) for x, y in quarters]
    return [
        f"{rng.randrange(2)} {x:.3f} {y:.3f} 0.2 0.2 {score}\n"
        for (x, y), score in zip(places, (0.9, 0.8, 0.3, 0.2), strict=True)
    ]


class Run:
    """One run over several machines."""

    def __init__(self, folder, seed):
        self._folder, self._seed, self._rng = folder, seed, random.Random(seed)
        self._route = ROUTES[seed % len(ROUTES)]
        self._rows = {name: rows_of(self._rng) for name in NAMES}
        self._made = 0
        self.notes = []

    def play(self):
        """Gives what is wrong at the end, or None."""
        self._write()
        with ExitStack() as stack:
            sandbox = Sandbox(self._folder / "sandbox", kill_worker=0.01, race_s=0.02, seed=self._seed)
            self._sandbox = stack.enter_context(sandbox)
            self._prepare()
            wire = FaultyWire(sandbox.host, Faults(**FAULTS, delay_s=1.5, refuse_s=0.1, seed=self._seed))
            self._host = stack.enter_context(wire).host
            self._processes = stack.enter_context(Processes())
            self._media = stack.enter_context(served(self._folder / "images"))
            with supervised(sandbox, self._seed):
                self._disturb()
                problem = self._settle()
            sandbox.wait_idle()
            return problem or self._wrong()

    def _write(self):
        (self._folder / "images").mkdir(parents=True)
        for name in NAMES:
            Picture.new("RGB", (100, 80), (self._rng.randrange(255), 0, 0)).save(self._folder / "images" / name)
        for number, part in enumerate(PARTS):
            (self._folder / f"labels-{number}").mkdir()
            for name in part:
                path = (self._folder / f"labels-{number}" / name).with_suffix(".txt")
                path.write_text("".join(self._rows[name]))

    def _prepare(self):
        with Client(server_at(self._sandbox.host)) as client:
            schema = client.schemas()[0].id
            for name in ("cat", "dog"):
                client.create_label(name, schema_id=schema)
            for name in NAMES if self._route == "existing" else ():
                client.upload(name, (self._folder / "images" / name).read_bytes(), b'{"directory_id": 1}')
        count = self._rng.randint(2, 4)
        overlapping = self._rng.random() < 0.5
        self._machines = [
            Machine(n, n % 2 if overlapping else 0, self._rng.choice(SCORES), self._new_outbox()) for n in range(count)
        ]

    def _new_outbox(self):
        self._made += 1
        return self._folder / f"outbox-{self._made}.sqlite"

    def _order(self, machine, *, do="push", resend_missing=False):
        return {
            "do": do,
            "host": self._host,
            "outbox": str(machine.outbox),
            "labels": str(self._folder / f"labels-{machine.part}"),
            "images": str(self._folder / "images"),
            "media": f"{self._media}/{{file_name}}",
            "directory": self._sandbox.directory_id,
            "route": self._route,
            "min_score": machine.min_score,
            "resend_missing": resend_missing,
            "answer": str(self._folder / f"answer-{machine.number}.json"),
        }

    # What happens to them

    def _disturb(self):
        """All push at once; most are killed, and go on from what they have then. The server goes back in time."""
        restores = self._rng.random() < 0.3
        for phase in range(self._rng.randint(1, 3)):
            running = {machine.number: self._processes.start(self._order(machine)) for machine in self._machines}
            for machine in self._rng.sample(self._machines, len(self._machines)):
                time.sleep(self._rng.random() * 0.4)
                if self._rng.random() < 0.75:
                    self._processes.kill(running.pop(machine.number))
                    self._begin_anew(machine)
            if restores and phase == 0:
                self._sandbox.backup(self._folder / "backup")
            for process in running.values():
                self._processes.wait(process)
        if restores:
            self._sandbox.restore(self._folder / "backup")
            self.notes.append("restored")

    def _begin_anew(self, machine):
        """The next process finds the outbox as it was, an empty one, or a copy of another machine's."""
        chance = self._rng.random()
        others = [m for m in self._machines if m is not machine and m.part == machine.part and m.outbox.exists()]
        if chance < 0.3:
            machine.outbox = self._new_outbox()
        elif chance < 0.6 and others:
            copied = self._rng.choice(others).outbox
            machine.outbox = self._new_outbox()
            with closing(sqlite3.connect(copied)) as source, closing(sqlite3.connect(machine.outbox)) as target:
                source.backup(target)

    # The end

    def _settle(self):
        """Each machine pushes and does what its report names, until all reports are good, one after the other."""
        for _ in range(3):  # a machine's remedy can be another one's news
            rounds = []
            for machine in self._machines:
                rounds.append(self._until_good(machine))
                if rounds[-1] is None:
                    return f"no good end at machine {machine.number}: {self._answer}"
            if max(rounds) == 1:
                return None
        return None

    def _until_good(self, machine):
        """How many orders it took; None where it does not come to a good end."""
        order = {}
        for number in range(1, MOST_ROUNDS):
            self._answer = self._done(machine, **order)
            if self._answer["exit_code"] == 0 and order.get("do") is None:
                return number
            order = self._remedy(self._answer)
        return None

    def _done(self, machine, **order):
        path = self._folder / f"answer-{machine.number}.json"
        path.unlink(missing_ok=True)
        code = self._processes.wait(self._processes.start(self._order(machine, **order)))
        return json.loads(path.read_text()) if path.exists() else {"exit_code": code or -1, "stopped": "no answer"}

    def _remedy(self, answer):
        """What a report says is to be done."""
        reasons = " ".join(answer.get("reasons", []))
        if "files have its name" in reasons or "ambiguous-file" in answer.get("failed", {}):
            self._remove_namesakes()
        if "boxferry dedupe" in reasons:
            self.notes.append("deduped")
            return {"do": "dedupe"}
        if answer.get("states", {}).get("stuck"):
            self.notes.append("resent stuck")
            return {"do": "resend-stuck"}
        if "gone" in answer.get("failed", {}) or "resend_missing" in reasons + answer.get("stopped", ""):
            self.notes.append("resent missing")
            return {"resend_missing": True}
        return {}

    def _remove_namesakes(self):
        """As a person does, who keeps the oldest."""
        self.notes.append("removed a namesake")
        for ids in self._ids().values():
            for file_id in ids[1:]:
                self._sandbox.remove_file(file_id)

    def _ids(self):
        found = {}
        for file in self._sandbox.files():
            if file["state"] != "removed":
                found.setdefault(file["original_filename"], []).append(file["id"])
        return found

    def _wrong(self):
        wanted = {
            (name, row)
            for machine in self._machines
            for name in PARTS[machine.part]
            for row in self._rows[name]
            if float(row.split()[-1]) >= machine.min_score
        }
        counts = held(self._sandbox)
        several = {name: ids for name, ids in self._ids().items() if len(ids) > 1}
        more = {reference: count for reference, count in counts.items() if count > 1}
        if several or more or len(counts) != len(wanted):
            return f"{len(counts)} boxes of {len(wanted)}; more than once: {more}; files of one name: {several}"
        return None


@contextmanager
def served(folder):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def played(folder, seed):
    began, run = time.monotonic(), Run(folder / str(seed), seed)
    problem = run.play()
    took_s, notes = time.monotonic() - began, ", ".join(run.notes) or "plain"
    what = f"run {seed} ({ROUTES[seed % len(ROUTES)]}, {took_s:.0f} s; {notes})"
    if log := os.environ.get("BOXFERRY_MACHINES_LOG"):
        with Path(log).open("a") as stream:
            stream.write(f"{what}: {problem or 'good'}\n")
    return f"{what}: {problem}" if problem else None


def test_every_box_is_there_once_whatever_machines_and_outboxes_pushed_it(tmp_path):
    """Seeded runs; the boxes are counted by their references, over all files."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = list(filter(None, pool.map(partial(played, tmp_path), range(SEED, SEED + RUNS))))
    assert wrong == []


if __name__ == "__main__":
    main()
