"""Nothing lost, nothing doubled: pushes over a wire that breaks, killed at random instants, and gone on with.

Each run is a process of its own. It pushes a few boxes by one of the routes, through a proxy that breaks requests and
answers, is killed with SIGKILL at a random instant, perhaps again, and is at last let go on to the end. Then the
sandbox must hold every box exactly once, and the outbox must say so. Where predictions are replaced, those of the
earlier run must be gone, and the boxes that a person drew and moved must be there with their ids. The server's workers
die now and then, by chance and by the race on a new run, and its service is restarted.

BOXFERRY_CHAOS_RUNS is the number of runs (`make chaos` makes 500), BOXFERRY_CHAOS_SEED the first seed.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread

import pytest
from PIL import Image as Picture

import processes
from boxferry import Credentials, Diffgram, PushOptions, Server, read
from boxferry.diffgram.client import Client
from boxferry.errors import BoxferryError
from boxferry.outbox.outbox import Outbox
from boxferry.plan.patience import Patience
from boxferry.sandbox.annotating import save
from boxferry.sandbox.faults import Faults, FaultyWire
from boxferry.sandbox.server import Sandbox
from serving import served

RUNS = int(os.environ.get("BOXFERRY_CHAOS_RUNS", "30"))
SEED = int(os.environ.get("BOXFERRY_CHAOS_SEED", "1"))
AT_ONCE = 12
TIMEOUT_S = 0.6
DELAY_S = 0.9
REFUSE_S = 0.2
LATEST_KILL_S = 0.7  # about what a push takes here
STUCK_S = 6.0  # far above what an input takes the sandbox, a loaded machine included
KILL_WORKER = 0.01
RACE_S = 0.02
SETTLE_S = 4.0  # far above what a request lives here, a delay and a loaded machine included
FAULTS = {
    "drop_before": 0.05,
    "drop_after": 0.05,
    "delay": 0.01,
    "truncate": 0.03,
    "error_before": 0.04,
    "error_after": 0.04,
    "refuse": 0.005,
}
ROUTES = ("upload", "url", "existing", "replace")
IMAGES = ("a.png", "b.png", "c.png")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A sandbox, the same behind a breaking wire, a few images, and where they are served."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    (folder / "earlier").mkdir()
    rng = random.Random(5)
    for name in IMAGES:
        Picture.new("RGB", (100, 80), "grey").save(folder / "images" / name)
        rows = [
            f"{rng.randrange(2)} {rng.uniform(0.2, 0.8):.3f} {rng.uniform(0.2, 0.8):.3f} 0.2 0.2 0.5\n" for _ in "123"
        ]
        (folder / "labels" / name).with_suffix(".txt").write_text("".join(rows))
        (folder / "earlier" / name).with_suffix(".txt").write_text("0 0.5 0.5 0.5 0.5 0.9\n1 0.3 0.3 0.1 0.1 0.9\n")
    with (
        served(folder / "images") as media,
        Sandbox(folder / "sandbox", kill_worker=KILL_WORKER, race_s=RACE_S, seed=SEED) as sandbox,
        supervised(sandbox),
        FaultyWire(sandbox.host, Faults(**FAULTS, delay_s=DELAY_S, refuse_s=REFUSE_S, seed=SEED)) as wire,
    ):
        yield {
            "sandbox": sandbox,
            "folder": folder,
            "media": media + "/{file_name}",
            "whole": sandbox.host,
            "broken": wire.host,
        }


@contextmanager
def supervised(sandbox):
    """The service is restarted as soon as two of its four workers have died, and now and then without a reason."""
    over, dice = Event(), random.Random(SEED)

    def watch():
        while not over.wait(0.5):
            if sandbox.workers_alive < 3 or dice.random() < 0.02:
                sandbox.restart_workers()

    thread = Thread(target=watch, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def server_at(host):
    credentials = Credentials("LIVE__sandbox", "sandbox-secret")
    return Server(host=host, project="sandbox", credentials=credentials)


def push(host, folder, route, directory, outbox, media):
    """One push, as the process that is killed makes it; gives whether everything has come to a good end."""
    predictions = read(folder / "labels", format="yolo", names=["cat", "dog"], images=folder / "images")
    patience = Patience(wait_s=20.0, settle_s=SETTLE_S, stuck_s=STUCK_S, failures=6, first_pause_s=0.02)
    options = PushOptions(
        labels="skip",
        media_url=media if route == "url" else None,
        existing=route in {"existing", "replace"},
        on_existing="replace-own" if route == "replace" else "error",
        patience=patience,
    )
    diffgram = Diffgram(server_at(host), outbox=outbox, connections=2, timeout_s=TIMEOUT_S)
    with diffgram:
        report = diffgram.push(predictions, directory=directory, model="m", run="r", options=options)
        if "stuck" in report.states:
            report = diffgram.resume("r", patience=patience, resend_stuck=True)
    return set(report.states) == {"applied"}


def main():
    """Push until it has come to a good end."""
    host, folder, *rest = json.loads(sys.argv[1])
    for _ in range(60):
        try:
            if push(host, Path(folder), *rest):
                sys.exit(0)
        except BoxferryError:
            time.sleep(0.05)
    sys.exit(1)


def one_run(world, seed):
    """Kill a push at random instants, let it go on, and give what is wrong afterwards."""
    rng = random.Random(seed)
    route, folder = ROUTES[seed % len(ROUTES)], world["folder"]
    outbox = folder / f"outbox-{seed}.sqlite"
    with Client(server_at(world["whole"])) as client:
        directory = client.create_directory(f"run-{seed}").id
        if route in {"existing", "replace"}:
            for name in IMAGES:
                with (folder / "images" / name).open("rb") as image:
                    client.upload(name, image, b'{"directory_id": %d}' % directory)
    people = reviewed(world, directory, folder) if route == "replace" else set()
    arguments = [world["broken"], str(folder), route, directory, str(outbox), world["media"]]
    command, needs = ["from sending.test_chaos import main; main()", json.dumps(arguments)], ("sending.test_chaos",)
    for _ in range(rng.randrange(1, 4)):
        with TemporaryFile() as unread, processes.Process(*command, stderr=unread, needs=needs) as killed:
            time.sleep(0.02 + rng.random() * LATEST_KILL_S)
            killed.kill()
    done = processes.run(*command, timeout=240, needs=needs)
    if done.returncode != 0:
        return f"run {seed} ({route}): ended with {done.returncode}: {done.stderr[-500:]}"
    return wrong_with(world, seed, route, directory, outbox, people)


def reviewed(world, directory, folder):
    """An earlier run's predictions on each file, of which a person has moved one; and a box that the person drew.

    Gives the ids of the person's boxes.
    """
    patience = Patience(wait_s=60.0, settle_s=SETTLE_S, stuck_s=STUCK_S)
    options = PushOptions(existing=True, labels="skip", patience=patience)
    with Diffgram(server_at(world["whole"]), outbox=folder / f"first-{directory}.sqlite") as diffgram:
        earlier = read(folder / "earlier", format="yolo", names=["cat", "dog"], images=folder / "images")
        report = diffgram.push(earlier, directory=directory, model="m", run="earlier", options=options)
        while set(report.states) != {"applied"}:  # a worker died
            report = diffgram.resume("earlier", patience=patience, resend_stuck=True)
    store, people = world["sandbox"]._store, set()
    for file in (f for f in world["sandbox"].files() if f["directory_id"] == directory):
        first, *others = store.instances(file["id"])
        drawn = {"type": "box", "label_file_id": first["label_file_id"], "machine_made": False}
        drawn |= {"x_min": 1, "y_min": 1, "x_max": 5, "y_max": 5}
        saved = save(store, file | {"project": "sandbox"}, [first | {"x_max": first["x_max"] + 1}, *others, drawn])
        people |= {box["id"] for box in saved.added if not box.get("soft_delete")}
    return people


def wrong_with(world, seed, route, directory, outbox, people):
    """What the sandbox holds against what was to be there, and against what the outbox says."""
    sandbox = world["sandbox"]
    sandbox.wait_idle()
    files = [f for f in sandbox.files() if f["directory_id"] == directory]
    if sorted(f["original_filename"] for f in files) != sorted(IMAGES):
        return f"run {seed} ({route}): the files are {[f['original_filename'] for f in files]}"
    for file in files:
        boxes = sandbox._store.instances(file["id"])
        if len(there := people & {box["id"] for box in boxes}) != (2 if people else 0):
            return f"run {seed} ({route}): of a person's boxes {file['original_filename']} holds {there}"
        boxes = [box for box in boxes if box["id"] not in people]
        counts = Counter(box["creation_ref_id"] for box in boxes)
        if len(counts) != 3 or set(counts.values()) != {1}:
            return f"run {seed} ({route}): {file['original_filename']} holds {dict(counts)}"
    with Outbox(outbox) as opened:
        states = opened.counts(opened.find_run("r").id)
    return None if set(states) == {"applied"} else f"run {seed} ({route}): the outbox says {states}"


def test_every_box_arrives_exactly_once_however_the_wire_breaks_and_the_process_dies(world):
    """Seeded runs over all routes; the boxes are counted by their references."""
    with Client(server_at(world["whole"])) as client:
        (schema,) = client.schemas()
        for name in ("cat", "dog"):
            client.create_label(name, schema_id=schema.id)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [problem for problem in pool.map(partial(one_run, world), range(SEED, SEED + RUNS)) if problem]
    assert wrong == []
