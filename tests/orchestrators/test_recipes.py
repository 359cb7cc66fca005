"""The recipes for orchestrators, run for real: a push that is killed in the middle and retried brings every box once.

Skipped where none of them is installed; `make orchestrators` has each in an environment of its own.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image as Picture

from boxferry.sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]
RECIPES = {"airflow": "airflow_dag", "dagster": "dagster_job", "prefect": "prefect_flow"}
IMAGES = 60
LONGEST_S = 240
RETRIES = 5  #: of each recipe
STARTED = []  #: the groups of processes that a test has started


@pytest.fixture(autouse=True)
def nothing_is_left():
    """A flow that is killed leaves the server that it had started for itself."""
    yield
    while STARTED:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(STARTED.pop(), signal.SIGKILL)


@pytest.fixture(params=RECIPES)
def recipe(request):
    """The path of a recipe whose orchestrator is installed."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return ROOT / "examples" / "orchestrators" / f"{RECIPES[request.param]}.py"


@pytest.fixture
def predicted(tmp_path):
    """Sixty images with a box each."""
    for folder in ("images", "labels", "tmp", "home"):
        (tmp_path / folder).mkdir()
    for number in range(IMAGES):
        Picture.new("RGB", (64, 48)).save(tmp_path / f"images/{number}.png")
        (tmp_path / f"labels/{number}.txt").write_text("0 0.5 0.5 0.2 0.2 0.9\n")
    (tmp_path / "data.yaml").write_text("names: [cat]\n")
    return tmp_path


@pytest.fixture
def slow(tmp_path):
    """A sandbox that takes ten packets a second."""
    with Sandbox(tmp_path / "sandbox", rate_limit=10) as sandbox:
        yield sandbox


def environment(sandbox, folder, way, *, keeps):
    """That of an orchestrator's worker, whose files are all in the folder."""
    settings = {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "PUSH_BY": way,
        "RETRY_S": "0.5",
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder / "home"),
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "examples" / "orchestrators"),
        "AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES": "",
        "PREFECT_HOME": str(folder / "home"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return settings | ({"BOXFERRY_OUTBOX": str(folder / "tmp" / "kept.sqlite")} if keeps else {})


def migrated(recipe, folder, environ):
    """Airflow's database made, where the recipe is Airflow's."""
    if recipe.stem == "airflow_dag" and not (folder / "home" / "airflow.db").exists():
        migrate = [str(Path(sys.executable).parent / "airflow"), "db", "migrate"]
        subprocess.run(migrate, env=environ, check=True, capture_output=True)


def started(recipe, folder, environ):
    """The recipe as a process."""
    migrated(recipe, folder, environ)
    arguments = [folder / "labels", folder / "data.yaml", folder / "images", "night"]
    with (folder / "log").open("ab") as log:
        command = [sys.executable, recipe, *map(str, arguments)]
        running = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
    STARTED.append(running.pid)
    return running


def holders(folder):
    """The processes that have an outbox below the folder open, by their numbers."""
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            target = path.readlink()
            if target.is_relative_to(folder / "tmp") and target.suffix == ".sqlite":
                yield int(path.parts[2])


def one_that_sends(sandbox, folder, running):
    """Wait for the first files on the server; gives the number of the process that sends."""
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline and running.poll() is None:
        if len(sandbox.files()) >= 5 and (found := [pid for pid in holders(folder) if pid != os.getpid()]):
            return found[0]
        time.sleep(0.02)
    pytest.fail(f"it did not send: {(folder / 'log').read_text()[-3000:]}")


def kill_one_that_sends(sandbox, folder, running):
    """Kill the process that sends, once it does; gives its number."""
    found = one_that_sends(sandbox, folder, running)
    os.kill(found, signal.SIGKILL)
    return found


@pytest.mark.parametrize("keeps", [True, False], ids=["outbox on a volume", "no outbox"])
@pytest.mark.parametrize("way", ["command", "call"])
def test_a_push_that_is_killed_and_retried_brings_every_box_once(recipe, way, keeps, slow, predicted):
    """The command is retried by the orchestrator; a call is killed with its process, which is then started again."""
    environ = environment(slow, predicted, way, keeps=keeps)
    running = started(recipe, predicted, environ)
    killed = kill_one_that_sends(slow, predicted, running)
    assert (killed == running.pid) == (way == "call")
    code = running.wait(LONGEST_S)
    assert len(slow.files()) < IMAGES or way == "command"
    if way == "call":
        assert code == -signal.SIGKILL
        code = started(recipe, predicted, environ).wait(LONGEST_S)
    assert code == 0, (predicted / "log").read_text()[-3000:]
    assert len(slow.files()) == IMAGES
    assert {len(slow.boxes(f"{number}.png")) for number in range(IMAGES)} == {1}


@pytest.mark.skipif(not shutil.which("setpriv"), reason="nothing ties a command to its task here")
def test_a_command_ends_with_its_task_so_that_the_next_attempt_sends_alone(recipe, slow, predicted):
    """Without an outbox that both see, nothing else would keep two from sending at once."""
    environ = environment(slow, predicted, "command", keeps=False)
    running = started(recipe, predicted, environ)
    sends = one_that_sends(slow, predicted, running)
    running.kill()
    running.wait()
    deadline = time.monotonic() + 10
    while sends in holders(predicted) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sends not in holders(predicted)
    assert len(slow.files()) < IMAGES
    assert started(recipe, predicted, environ).wait(LONGEST_S) == 0, (predicted / "log").read_text()[-3000:]
    assert {len(slow.boxes(f"{number}.png")) for number in range(IMAGES)} == {1}
    assert len(slow.files()) == IMAGES


@pytest.mark.parametrize("way", ["command", "call"])
def test_what_no_retry_mends_is_not_retried(recipe, way, slow, predicted):
    """A wrong key ends the task at once: exit code 3."""
    environ = environment(slow, predicted, way, keeps=True) | {"DIFFGRAM_CLIENT_SECRET": "wrong", "RETRY_S": "1000"}
    assert started(recipe, predicted, environ).wait(LONGEST_S) == 1
    assert not slow.files()


@pytest.mark.parametrize("way", ["command", "call"])
def test_exit_codes_4_and_5_are_retried_and_no_others(recipe, way, slow, predicted):
    """As often as the recipe says, for a command that ends so, and for an error of the call."""
    environ = environment(slow, predicted, way, keeps=True) | {"RETRY_S": "0.01"}
    migrated(recipe, predicted, environ)
    command = [sys.executable, str(Path(__file__).with_name("ending.py")), str(recipe), str(predicted)]
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True, timeout=LONGEST_S)
    assert done.returncode == 0, done.stderr[-3000:]
    attempts = {code: tuple(each) for code, each in json.loads(done.stdout.splitlines()[-1]).items()}
    once, again = (1, 1), (1 + RETRIES, 1)
    assert attempts == {"1": once, "2": once, "3": once, "4": again, "5": again}


@contextlib.contextmanager
def scheduling(environ, folder):
    """Airflow with its scheduler, on SQLite; ended with all that it has started."""
    with (folder / "log").open("ab") as log:
        command = [str(Path(sys.executable).parent / "airflow"), "standalone"]
        running = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            yield running
        finally:
            os.killpg(running.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def airflow(environ, *arguments):
    """A command of Airflow's."""
    command = [str(Path(sys.executable).parent / "airflow"), *arguments]
    return subprocess.run(command, env=environ, check=False, capture_output=True, text=True)


def test_airflows_scheduler_starts_a_task_again_whose_process_was_killed(slow, predicted):
    """The Python call is in the process that is killed; the scheduler sees that, and waits for the retry."""
    pytest.importorskip("airflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environ = environment(slow, predicted, "call", keeps=True) | {
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",
    }
    given = {name: str(predicted / path) for name, path in (("labels", "labels"), ("names", "data.yaml"))}
    given |= {"images": str(predicted / "images")}
    with scheduling(environ, predicted) as running:
        deadline = time.monotonic() + LONGEST_S
        trigger = ["dags", "trigger", "boxferry_by_call", "--run-id", "night", "--conf", json.dumps(given)]
        while (told := airflow(environ, *trigger)).returncode and time.monotonic() < deadline:
            time.sleep(2)
        assert not told.returncode, told.stderr[-2000:]
        kill_one_that_sends(slow, predicted, running)
        listing = ["tasks", "states-for-dag-run", "boxferry_by_call", "night", "-o", "plain"]
        while "success" not in (states := airflow(environ, *listing).stdout) and time.monotonic() < deadline:
            time.sleep(2)
    assert "success" in states, (states, (predicted / "log").read_text()[-3000:])
    assert len(slow.files()) == IMAGES
    assert {len(slow.boxes(f"{number}.png")) for number in range(IMAGES)} == {1}
