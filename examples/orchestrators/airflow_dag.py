"""Push predictions from Airflow 3, by the command line and by the Python call.

The file belongs in the DAGs folder; `python airflow_dag.py LABELS NAMES IMAGES RUN` runs the DAG once, without a
scheduler.

Exit codes 4 (the server gave up) and 5 (still processing), and a killed command, are retried; 1, 2 and 3 are not:
`AirflowFailException` fails a task for good. A plain BashOperator would retry all of them, and its
`skip_on_exit_code` would show a failed push as skipped, so the command is started by a task of Python's. Where the
process of a task is killed too, the scheduler starts it again: no box is sent twice.

The settings come from the environment; without BOXFERRY_OUTBOX each attempt has an empty outbox, and the server is
asked what has arrived.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

AGAIN = {4, 5}
KILLED = {137, 143}  #: by SIGKILL or SIGTERM, as a shell tells it; Python tells it by numbers under 0
#: on Linux the command ends with its task, so that none goes on to send beside the next attempt
TIED = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
RETRIES = {"retries": 5, "retry_delay": timedelta(seconds=float(os.environ.get("RETRY_S", "60")))}


def failed(message: str, exit_code: int) -> Exception:
    """What to raise for an exit code that is not 0."""
    again = exit_code in AGAIN | KILLED or exit_code < 0
    return AirflowException(message) if again else AirflowFailException(message)


@task(**RETRIES)
def push_by_command(labels: str, names: str, images: str, run: str) -> None:
    """One command; its lines are in the task's log."""
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
            raise failed(f"boxferry ended with exit code {code}", code)


@task(**RETRIES)
def push_by_call(labels: str, names: str, images: str, run: str) -> str:
    """The same from Python; an error has the exit code that the command would end with."""
    from boxferry import BoxferryError, Diffgram, read  # not each time that the scheduler reads this file

    with tempfile.TemporaryDirectory() as folder:
        outbox = os.environ.get("BOXFERRY_OUTBOX", f"{folder}/outbox.sqlite")
        try:
            with Diffgram.from_env(outbox=outbox) as diffgram:
                predictions = read(labels, names=names, images=images)
                result = diffgram.push(predictions, directory="Default", model="detector", run=run, labels="create")
                result.raise_for_failures()
                return result.summary()
        except BoxferryError as error:
            raise failed(str(error), error.exit_code) from error


PARAMS = {"labels": "out/labels", "names": "data.yaml", "images": "images", "run": ""}


@dag(schedule=None, params=PARAMS, max_active_runs=1)
def boxferry_by_command() -> None:
    """Push by the command line; the run is named as the DAG run is, which all of its attempts share."""
    push_by_command(
        "{{ params.labels }}", "{{ params.names }}", "{{ params.images }}", "{{ params.run or dag_run.run_id }}"
    )


@dag(schedule=None, params=PARAMS, max_active_runs=1)
def boxferry_by_call() -> None:
    """Push by the Python call."""
    push_by_call(
        "{{ params.labels }}", "{{ params.names }}", "{{ params.images }}", "{{ params.run or dag_run.run_id }}"
    )


by_command, by_call = boxferry_by_command(), boxferry_by_call()

if __name__ == "__main__":
    given = dict(zip(PARAMS, sys.argv[1:5], strict=True))
    done = {"command": by_command, "call": by_call}[os.environ.get("PUSH_BY", "command")].test(run_conf=given)
    sys.exit(0 if done.state == "success" else 1)
