"""Measures sending against a sandbox in a process of its own: its pace under a rate limit, its CPU and its memory.

Each packet is for a file of its own that is there, as in a push. Prints the share of the server's limit that was
reached and the share of answers that were 429; then the client's CPU a packet (outbox included), how much memory a long
run takes beyond one of a tenth, and how long `status` and `resume` take on it.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.deliver.run_to_end import SendingOptions, run_to_end
from boxferry.diffgram.client import Client
from boxferry.diffgram.pacing import Pacer
from boxferry.diffgram.settings import Credentials, Server
from boxferry.outbox.entry import Entry
from boxferry.outbox.outbox import Outbox
from boxferry.plan.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.outbox.entry import Run

PROGRAM = [sys.executable, "-c", "from boxferry.cli.main import main; main()"]
LIMIT = 20
DIRECTORY = "files"


@contextmanager
def a_sandbox(*options: str) -> Iterator[Server]:
    """A sandbox in a process of its own, so that its CPU and memory are not ours."""
    command = [*PROGRAM, "sandbox", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        lines = [running.stdout.readline().strip() for _ in range(4)] if running.stdout else []
        found = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        credentials = Credentials(found["DIFFGRAM_CLIENT_ID"], found["DIFFGRAM_CLIENT_SECRET"])
        try:
            yield Server(host=found["DIFFGRAM_HOST"], project=found["DIFFGRAM_PROJECT"], credentials=credentials)
        finally:
            running.terminate()


@contextmanager
def with_files(count: int, *options: str) -> Iterator[tuple[Server, Path, int]]:
    """A sandbox that has so many files, a folder for an outbox, and the id of the first file."""
    with tempfile.TemporaryDirectory(prefix="boxferry-send-") as name:
        folder = Path(name)
        (folder / "client").mkdir()
        filling = [sys.executable, Path(__file__).with_name("filled.py"), folder / "server", DIRECTORY, str(count)]
        first = int(subprocess.check_output(filling, text=True))
        with a_sandbox("--folder", str(folder / "server"), *options) as server:
            yield server, folder / "client", first


def entries(client: Client, first: int, count: int) -> Iterator[Entry]:
    """Packets of fifty boxes each for files that are there."""
    (schema,) = client.schemas()
    label = client.create_label("cat", schema_id=schema.id)
    box = b'{"type":"box","label_file_id":%d,"x_min":%d,"y_min":1,"x_max":%d,"y_max":9,"machine_made":true,'
    box += b'"score":0.5,"model_ref":"m","model_run_ref":"r","creation_ref_id":"boxferry:%016x:%d,1,%d,9:cat"}'
    for number in range(count):
        boxes = b",".join(box % (label, x, x + 5, number, x, x + 5) for x in range(50))
        body = b'{"file_id":%d,"mode":"update","instance_list":[%b]}' % (first + number, boxes)
        name = f"{number:06}.png"
        yield Entry(route="existing", mode="append", file_name=name, file_id=first + number, body=body, boxes=50)


def send(server: Server, folder: Path, first: int, count: int, connections: int) -> tuple[float, float, Outbox, Run]:
    """Send so many packets, and give wall and CPU seconds."""
    outbox = Outbox(folder / "outbox.sqlite")
    with Client(server, connections=connections) as client:
        directory = client.find_directory(DIRECTORY).id
        run = outbox.run(host=server.host, project=server.project, directory_id=directory, model="m", name="r")
        outbox.add(run.id, entries(client, first, count))
        started, cpu = time.monotonic(), time.process_time()
        options = SendingOptions(patience=Patience(wait_s=0), verify=False)
        run_to_end(client, outbox, run, options, connections=connections, on_change=lambda *_: None)
        return time.monotonic() - started, time.process_time() - cpu, outbox, run


def timed(command: str, server: Server, folder: Path, *options: str) -> float:
    """Seconds that a command takes on the run, as a whole process."""
    environ = dict(os.environ) | settings(server, folder)
    started = time.monotonic()
    done = subprocess.run([*PROGRAM, command, "r", *options], check=False, capture_output=True, env=environ, text=True)
    if done.returncode not in {0, 1, 5}:  # 1 and 5 say something of the run, which is not what is timed
        raise SystemExit(f"{command}: {done.stderr[-500:]}")
    return time.monotonic() - started


def settings(server: Server, folder: Path) -> dict[str, str]:
    """The environment of a command on an outbox in a folder."""
    return {
        "DIFFGRAM_HOST": server.host,
        "DIFFGRAM_PROJECT": server.project,
        "DIFFGRAM_CLIENT_ID": server.credentials.client_id,
        "DIFFGRAM_CLIENT_SECRET": server.credentials.client_secret,
        "BOXFERRY_OUTBOX": str(folder / "outbox.sqlite"),
    }


def measured_pace(seconds: int) -> dict[str, float]:
    """Against a server with the limit on: the share of it that was reached, and that of answers that were 429."""
    statuses: list[int | None] = []
    learn = Pacer.learn

    def counting(self: Pacer, headers: object, status: int | None, **more: object) -> float:
        statuses.append(status)
        return learn(self, headers, status, **more)  # type: ignore[arg-type] # handed on as it came

    Pacer.learn = counting  # type: ignore[method-assign] # the one place that sees every answer
    with with_files(LIMIT * seconds, "--rate-limit", str(LIMIT)) as (server, folder, first):
        wall, _, outbox, run = send(server, folder, first, LIMIT * seconds, connections=8)
        states = outbox.counts(run.id)
        accepted = sum(states.get(state, (0, 0))[0] for state in ("accepted", "applied"))
        outbox.close()
    Pacer.learn = learn  # type: ignore[method-assign]
    share, limited = accepted / wall / LIMIT, statuses.count(429) / len(statuses)
    return {"seconds": wall, "limit": LIMIT, "share": share, "limited": limited}


def measured_long_run(count: int) -> dict[str, float]:
    """Without a limit: CPU, memory, and how quickly the outbox answers."""
    with with_files(max(1, count // 10)) as (server, folder, first):
        _, _, outbox, _ = send(server, folder, first, max(1, count // 10), connections=4)
        outbox.close()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with with_files(count) as (server, folder, first):
        wall, cpu, outbox, _ = send(server, folder, first, count, connections=4)
        outbox.close()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        status = timed("status", server, folder)
        resume = timed("resume", server, folder, "--no-wait")
    return {
        "packets": count,
        "per_second": count / wall,
        "cpu_ms": 1e3 * cpu / count,
        "grown_mb": grown / 1024,
        "status_s": status,
        "resume_s": resume,
    }


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long to send under the limit")
    parser.add_argument("--packets", type=int, default=20_000, help="how many packets the long run has")
    given = parser.parse_args()
    for name, value in (measured_pace(given.seconds) | measured_long_run(given.packets)).items():
        print(f"{name}: {value:g}")


if __name__ == "__main__":
    main()
