"""Push predictions from Dagster, by the command line and by the Python call.

python dagster_job.py LABELS NAMES IMAGES RUN; with PUSH_BY=call by the Python call.

Exit codes 4 (the server gave up) and 5 (still processing), and a killed command, are retried; 1, 2 and 3 are not:
`RetryRequested` against `Failure(allow_retries=False)`. Where the process of the step is killed too, the run is
started again (`run_retries` of the instance, or by hand; in the tests by hand): no box is sent twice. The settings
come from the environment; without BOXFERRY_OUTBOX each attempt has an empty outbox, and the server is asked what
has arrived.
"""

import os
import shutil
import subprocess
import sys
import tempfile

from dagster import Config, Failure, OpExecutionContext, RetryRequested, job, op

from boxferry import BoxferryError, Diffgram, read

AGAIN = {4, 5}
KILLED = {137, 143}  #: by SIGKILL or SIGTERM, as a shell tells it; Python tells it by numbers under 0
#: on Linux the command ends with its task, so that none goes on to send beside the next attempt
TIED = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
RETRY_S = float(os.environ.get("RETRY_S", "60"))


class Push(Config):
    """What is pushed."""

    labels: str
    names: str
    images: str
    run: str


def failed(message: str, exit_code: int) -> Exception:
    """What to raise for an exit code that is not 0."""
    if exit_code in AGAIN | KILLED or exit_code < 0:
        return RetryRequested(max_retries=5, seconds_to_wait=RETRY_S)
    return Failure(message, metadata={"exit_code": exit_code}, allow_retries=False)


@op
def push_by_command(context: OpExecutionContext, config: Push) -> None:
    """One command; its lines are on the step's standard error."""
    given = ["--names", config.names, "--images", config.images, "--directory", "Default", "--labels", "create"]
    with tempfile.TemporaryDirectory() as folder:
        outbox = os.environ.get("BOXFERRY_OUTBOX", f"{folder}/outbox.sqlite")
        given += ["--model", "detector", "--run", config.run, "--outbox", outbox]
        command = [*TIED, sys.executable, "-m", "boxferry", "push", config.labels, *given]
        code = subprocess.run(command, check=False).returncode  # noqa: S603 # arguments, and no shell
    context.log.info(f"attempt {context.retry_number + 1}: exit code {code}")
    if code:
        raise failed(f"boxferry ended with exit code {code}", code)


@op
def push_by_call(context: OpExecutionContext, config: Push) -> None:
    """The same from Python; an error has the exit code that the command would end with."""
    with tempfile.TemporaryDirectory() as folder:
        outbox = os.environ.get("BOXFERRY_OUTBOX", f"{folder}/outbox.sqlite")
        try:
            with Diffgram.from_env(outbox=outbox) as diffgram:
                predictions = read(config.labels, names=config.names, images=config.images)
                result = diffgram.push(
                    predictions, directory="Default", model="detector", run=config.run, labels="create"
                )
                result.raise_for_failures()
        except BoxferryError as error:
            raise failed(str(error), error.exit_code) from error
    context.log.info(result.summary())


@job
def by_command() -> None:
    """Push by the command line."""
    push_by_command()


@job
def by_call() -> None:
    """Push by the Python call."""
    push_by_call()


if __name__ == "__main__":
    way = os.environ.get("PUSH_BY", "command")
    settings = dict(zip(("labels", "names", "images", "run"), sys.argv[1:5], strict=True))
    run_config = {"ops": {f"push_by_{way}": {"config": settings}}}
    done = {"command": by_command, "call": by_call}[way].execute_in_process(run_config=run_config, raise_on_error=False)
    sys.exit(0 if done.success else 1)
