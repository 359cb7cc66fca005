"""Push predictions from Prefect 3, by the command line and by the Python call.

python prefect_flow.py LABELS NAMES IMAGES RUN; with PUSH_BY=call by the Python call.

Exit codes 4 (the server gave up) and 5 (still processing), and a killed command, are retried; 1, 2 and 3 are not.
Prefect retries within the process of the flow. Where that is killed too, whoever starts it again (a worker,
Kubernetes, systemd; in the tests a second start) goes on: no box is sent twice. The settings come from the
environment; without BOXFERRY_OUTBOX each attempt has an empty outbox, and the server is asked what has arrived.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from prefect import flow, task

from boxferry import BoxferryError, Diffgram, read

if TYPE_CHECKING:
    from prefect.states import State

AGAIN = {4, 5}
KILLED = {137, 143}  #: by SIGKILL or SIGTERM, as a shell tells it; Python tells it by numbers under 0
#: on Linux the command ends with its task, so that none goes on to send beside the next attempt
TIED = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
RETRY_S = float(os.environ.get("RETRY_S", "60"))


class PushFailed(Exception):
    """The command ended with an exit code that is not 0."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"boxferry ended with exit code {exit_code}")
        self.exit_code = exit_code


def worth_another_try(_task: object, _task_run: object, state: State[object]) -> bool:
    """Prefect's `retry_condition_fn`: whether the error of an attempt is one that time mends."""
    try:
        state.result()
    except (PushFailed, BoxferryError) as error:
        return error.exit_code in AGAIN | KILLED or error.exit_code < 0
    except Exception:  # noqa: BLE001 # whatever it is, boxferry did not say that it passes
        return False
    return False


@task(retries=5, retry_delay_seconds=RETRY_S, retry_condition_fn=worth_another_try)
def push_by_command(labels: str, names: str, images: str, run: str) -> None:
    """One command; its lines are the task's log."""
    given = [
        "--names",
        names,
        "--images",
        images,
        "--directory",
        "Default",
        "--labels",
        "create",
        "--model",
        "detector",
    ]
    with tempfile.TemporaryDirectory() as folder:
        outbox = os.environ.get("BOXFERRY_OUTBOX", f"{folder}/outbox.sqlite")
        command = [*TIED, sys.executable, "-m", "boxferry", "push", labels, *given, "--run", run, "--outbox", outbox]
        if code := subprocess.run(command, check=False).returncode:  # noqa: S603 # arguments, and no shell
            raise PushFailed(code)


@task(retries=5, retry_delay_seconds=RETRY_S, retry_condition_fn=worth_another_try)
def push_by_call(labels: str, names: str, images: str, run: str) -> str:
    """The same from Python; an error has the exit code that the command would end with."""
    with tempfile.TemporaryDirectory() as folder:
        outbox = os.environ.get("BOXFERRY_OUTBOX", f"{folder}/outbox.sqlite")
        with Diffgram.from_env(outbox=outbox) as diffgram:
            predictions = read(labels, names=names, images=images)
            result = diffgram.push(predictions, directory="Default", model="detector", run=run, labels="create")
            result.raise_for_failures()
            return result.summary()


@flow
def by_command(labels: str, names: str, images: str, run: str) -> None:
    """Push by the command line."""
    push_by_command(labels, names, images, run)


@flow
def by_call(labels: str, names: str, images: str, run: str) -> None:
    """Push by the Python call."""
    push_by_call(labels, names, images, run)


if __name__ == "__main__":
    {"command": by_command, "call": by_call}[os.environ.get("PUSH_BY", "command")](*sys.argv[1:5])
