"""Ray Data: every box arrives once, whichever workers, nodes and drivers are killed, and however often a job is run.

A run is a job of its own on one cluster: predictions of some images into a sink, whose writer is the driver or an
actor, onto a slow sandbox behind a wire that breaks. Workers that are at it are killed at random instants, in some runs
a node, in others the driver; then the job is run again, perhaps with a new outbox, until it ends well. Each box must be
there once, and each image be one file. Without Ray all of this is skipped: `make distributed` installs it.

BOXFERRY_RAY_RUNS is the number of runs (`make distributed` makes 50), BOXFERRY_RAY_SEED the first seed.
"""

import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image as Picture

pytest.importorskip("ray", reason="Ray is not installed: make distributed")

from boxferry import Diffgram
from boxferry.errors import InputError, UsageError
from boxferry.sandbox.faults import Faults, FaultyWire
from boxferry.sandbox.server import Sandbox
from integrations import ray_job
from integrations.ray_nodes import Nodes
from sending.pushing import server_of

ROOT = Path(__file__).parents[2]
RUNS = int(os.environ.get("BOXFERRY_RAY_RUNS", "3"))
SEED = int(os.environ.get("BOXFERRY_RAY_SEED", "1"))
IMAGES = 24
MOST_ATTEMPTS = 8
KILLED = (b"ray::ReadRange", b"ray::Map", b"ray::FlatMap", b"ray::Write", b"ray::_Actor")  #: not a node's own agents
FAULTS = {"drop_before": 0.02, "drop_after": 0.02, "truncate": 0.01, "error_before": 0.01, "error_after": 0.02}
pytestmark = pytest.mark.filterwarnings("default")  # Ray's own


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A sandbox that is slow, the same behind a breaking wire, images, and a cluster whose nodes know the settings."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "images").mkdir()
    for number in range(IMAGES):
        Picture.new("RGB", (100, 80), (number, 0, 0)).save(folder / "images" / f"{number}.png")
    with (
        Sandbox(folder / "sandbox", delay_s=0.05, seed=SEED) as sandbox,
        FaultyWire(sandbox.host, Faults(**FAULTS, seed=SEED)) as wire,
        Diffgram(server_of(sandbox), outbox=folder / "first.sqlite") as diffgram,
    ):
        settings = {
            "host": wire.host,
            "project": sandbox.project,
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
        }
        config = folder / "config.toml"
        config.write_text("[diffgram]\n" + "".join(f'{name} = "{value}"\n' for name, value in settings.items()))
        config.chmod(0o600)
        diffgram.sync_labels(["cat"], create=True)
        with Nodes({"DIFFGRAM_CONFIG": str(config)}) as nodes:
            yield {"folder": folder, "sandbox": sandbox, "config": config, "nodes": nodes, "diffgram": diffgram}


def order_of(world, seed, dice):
    """What the job of a run does."""
    return {
        "cluster": world["nodes"].address,
        "directory": world["diffgram"]._client.create_directory(f"run-{seed}").id,
        "images": str(world["folder"] / "images"),
        "count": IMAGES,
        "blocks": dice.choice((3, 6, 12)),
        "row_s": dice.choice((0.0, 0.03, 0.1)),
        "rows": dice.choice(("images", "boxes")),
        "writer": "actor" if seed % 3 == 0 else "driver",
        "shuffled": dice.random() < 0.5,
        "way": dice.choice(({}, {}, {"on_existing": "replace-own"}, {"replaces": "older"})),
        "outbox": str(world["folder"] / f"outbox-{seed}.sqlite"),
    }


class Job:
    """One attempt at a job, in a process of its own, and what is killed while it lasts."""

    def __init__(self, world, order):
        self._world, self._order = world, order
        path = os.pathsep.join(filter(None, sys.path))
        env = os.environ | {"DIFFGRAM_CONFIG": str(world["config"]), "PYTHONPATH": path}
        command = [sys.executable, ray_job.__file__, json.dumps(order)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
        self.killed = {"worker": 0, "node": 0, "driver": 0}
        self.node = None

    def disturb(self, dice, *, workers, driver, node):
        """Kill so many workers that are at it, perhaps a node and the driver, at random instants."""
        self.node = node
        if not self._at_work():
            return
        until = time.monotonic() + dice.uniform(0.0, 4.0) if driver else float("inf")
        while self._process.poll() is None and time.monotonic() < until and (workers or node is not None or driver):
            time.sleep(dice.uniform(0.02, 0.6))
            if workers and (at_it := self._workers()):
                workers -= 1
                self._kill(dice.choice(at_it), "worker")
            elif node is not None:
                self._world["nodes"].remove(node)
                self.node = node = None
                self.killed["node"] += 1
        if driver and self._process.poll() is None:
            self._kill(self._process.pid, "driver")

    def ended(self):
        """Wait for its end; gives its exit code and what it said last."""
        said, _ = self._process.communicate(timeout=240)
        return self._process.returncode, next((line for line in said.splitlines() if line.startswith("{")), "")

    def _at_work(self):
        """Wait until a task runs; whether one does."""
        while self._process.poll() is None:
            if self._workers():
                return True
            time.sleep(0.02)
        return False

    def _workers(self):
        """The processes of tasks and actors at this moment, by their titles, children of the cluster's own nodes."""
        nodes = self._world["nodes"].raylets
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, IndexError, ValueError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                title = (folder / "cmdline").read_bytes()
                if parent in nodes and any(kind in title for kind in KILLED):
                    found.append(int(folder.name))
        return found

    def _kill(self, pid, what):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[what] += 1


def one_run(world, seed):
    """Kill what can be killed, run the job again until it ends well; gives what is wrong then, and what was killed."""
    dice, killed = random.Random(seed), {"worker": 0, "node": 0, "driver": 0}
    order = order_of(world, seed, dice)
    for attempt in range(MOST_ATTEMPTS):
        calm = attempt >= 2
        node = world["nodes"].add() if seed % 5 == 0 and not calm else None
        job = Job(world, order)
        if not calm:
            driver = seed % 2 == 0 and attempt == 0
            job.disturb(dice, workers=dice.randrange(1, 4), driver=driver, node=node)
        code, said = job.ended()
        if job.node is not None:
            world["nodes"].remove(job.node)
        killed = {what: count + job.killed[what] for what, count in killed.items()}
        if code == 0:
            return wrong_with(world, order, json.loads(said)), killed | {"attempts": attempt + 1}
        if seed % 4 == 0:
            order["outbox"] = str(world["folder"] / f"outbox-{seed}-{attempt}.sqlite")
    return f"did not end well: {said}", killed


def wrong_with(world, order, said):
    """What the sandbox holds, and the job says, against what was to be there."""
    world["sandbox"].wait_idle()
    files = [f for f in world["sandbox"].files() if f["directory_id"] == order["directory"] and f["state"] != "removed"]
    names = sorted(f["original_filename"] for f in files)
    expected = {f"{n}.png": sorted(map(tuple, ray_job.predicted(n))) for n in range(IMAGES)}
    if names != sorted(expected):
        return f"the files are {names}"
    for file in files:
        boxes = world["sandbox"]._store.instances(file["id"])
        corners = sorted((b["x_min"], b["y_min"], b["x_max"], b["y_max"]) for b in boxes)
        if corners != expected[file["original_filename"]]:
            return f"{file['original_filename']} holds {corners}"
    if said["boxes"] != sum(map(len, expected.values())):
        return f"the job says {said}"
    return None


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_every_box_arrives_once_whatever_is_killed(world, seed):
    """Of one run: nothing lost, nothing doubled; what was killed is printed."""
    wrong, killed = one_run(world, seed)
    sys.stdout.write(f"run {seed}: {killed}\n")
    assert wrong is None


def test_nothing_that_is_pickled_holds_credentials(world, tmp_path):
    """The sink as tasks and actors are given it."""
    import ray.cloudpickle

    from boxferry.integrations.ray import DiffgramDatasink

    secret = server_of(world["sandbox"]).credentials.client_secret.encode()
    there = {"directory": "Default", "model": "m", "run": "r"}
    with Diffgram(server_of(world["sandbox"]), outbox=tmp_path / "outbox.sqlite") as diffgram:
        sinks = [DiffgramDatasink(**there, diffgram=diffgram), DiffgramDatasink(**there, writer="actor")]
        for sink in sinks:
            for data in (pickle.dumps(sink), ray.cloudpickle.dumps(sink)):
                assert secret not in data
        with pytest.raises(UsageError, match="credentials would be pickled"):
            DiffgramDatasink(**there, diffgram=diffgram, writer="actor")


def test_what_ends_a_task_is_one_line_on_the_driver(world, tmp_path):
    """Ray wraps it in the task's traceback, and adds how often it has tried."""
    import ray

    from boxferry.integrations.ray import DiffgramDatasink

    cause = InputError("a.png: 1 boxes, 0 labels\nFailed to apply UDF transform after 1/1 attempts")
    with Diffgram(server_of(world["sandbox"]), outbox=tmp_path / "outbox.sqlite") as diffgram:
        sink = DiffgramDatasink(directory="Default", model="m", run="r", diffgram=diffgram)
        with pytest.raises(InputError) as raised:
            sink.on_write_failed(ray.exceptions.RayTaskError("Write", "Traceback …", cause).as_instanceof_cause())
        assert str(raised.value) == "a.png: 1 boxes, 0 labels"
        with pytest.raises(UsageError, match="make another"):
            sink.on_write_start()


@pytest.mark.parametrize(
    "wrong",
    [{"timeout_s": "60"}, {"timeout_s": -1.0}, {"node": 3}, {"node": "a"}, {"outbox": "o.sqlite", "writer": "actor"}],
    ids=str,
)
def test_options_that_cannot_be_are_an_error_before_the_work_begins(world, tmp_path, wrong):
    from boxferry.integrations.ray import DiffgramDatasink

    given = {"directory": "Default", "model": "m", "run": "r"} | wrong
    with Diffgram(server_of(world["sandbox"]), outbox=tmp_path / "outbox.sqlite") as diffgram:
        given |= {} if "writer" in wrong else {"diffgram": diffgram}
        with pytest.raises(UsageError, match=next(iter(wrong))):
            DiffgramDatasink(**given)


def test_by_ray_client_a_task_writes_and_the_clients_process_is_told_so(world, tmp_path):
    """The client has no settings of the server; the actor takes those of its node."""
    if not world["nodes"].client:
        pytest.skip("Ray Client is not installed: make distributed")
    directory = world["diffgram"]._client.create_directory("by client").id
    job = [sys.executable, Path(__file__).with_name("ray_client_job.py"), world["nodes"].client]
    order = [str(world["folder"] / "images"), str(tmp_path / "outbox.sqlite"), str(directory)]
    done = subprocess.run([*job, *order], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert "does not run in a process that is connected by Ray Client" in said.pop("refused")
    assert said == {"images": 12, "boxes": 12, "ended": True}  # the actor, though the sink is still there
    files = [file for file in world["sandbox"].files() if file["directory_id"] == directory]
    assert [len(world["sandbox"]._store.instances(file["id"])) for file in files] == [1] * 12


def example(world, tmp_path, name, *arguments):
    """Run an example on the cluster."""
    env = {"DIFFGRAM_CONFIG": str(world["config"]), "RAY_ADDRESS": world["nodes"].address}
    env |= {"BOXFERRY_OUTBOX": str(tmp_path / "outbox.sqlite")}
    command = [sys.executable, ROOT / "examples" / name, *arguments]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def test_the_example_that_sends_runs(world, tmp_path):
    """As it stands: it predicts, sends, and reads back."""
    done = example(world, tmp_path, "ray_sink.py", str(world["folder"] / "images"))
    assert f"{IMAGES} images, {IMAGES} boxes read" in done.stdout
    assert f"{IMAGES} images came back" in done.stdout


def test_the_example_that_converts_runs(world, tmp_path):
    """COCO datasets into lines, a file a task."""
    fixture = json.loads((ROOT / "fixtures" / "coco" / "instances.json").read_text())
    files = [tmp_path / f"{number}.json" for number in range(2)]
    for number, file in enumerate(files):
        images = [image | {"file_name": f"{number}-{image['file_name']}"} for image in fixture["images"]]
        file.write_text(json.dumps(fixture | {"images": images}))
    done = example(world, tmp_path, "ray_convert.py", str(tmp_path / "out"), *map(str, files))
    images, boxes = 2 * len(fixture["images"]), 2 * len(fixture["annotations"])
    assert done.stdout.strip().endswith(f"{images} images, {boxes} boxes read, 0 dropped")
    lines = [line for path in (tmp_path / "out").glob("*.ndjson") for line in path.read_text().splitlines()]
    assert len(lines) == images


def test_two_files_of_one_name_are_an_error_of_the_example(tmp_path):
    """One would take the other's place."""
    command = [sys.executable, ROOT / "examples" / "ray_convert.py", tmp_path / "out", "a/part-0.json", "b/part-0.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1][:25]) == (1, "two of the files have one")
