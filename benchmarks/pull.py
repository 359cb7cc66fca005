"""Pulls a run of many files from a sandbox in another process: killed in the middle, then gone on with.

Prints how long each part took, how many files the killed pull had kept, and the peak memory of the second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import calls
import send

import filled

MEASURED = "import resource,subprocess,sys; code=subprocess.run(sys.argv[1:]).returncode; "
MEASURED += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, 'MB'); sys.exit(code)"


def kept(folder: Path) -> int:
    """How many files have been read so far."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("outbox.sqlite.pull/*.ndjson"))


def main() -> None:
    """Pull half, kill, pull the rest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    count = parser.parse_args().files
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = filled.fill(folder / "server", "boxed", count, boxes=filled.BOXES)
        with send.a_sandbox("--folder", str(folder / "server")) as server:
            calls.sent(folder / "outbox.sqlite", server, "boxed", ids)
            environ = os.environ | send.settings(server, str(folder))
            pull = [*send.PROGRAM, "pull", filled.RUN, "--all", "-o", str(folder / "out.json")]
            started = time.monotonic()
            with subprocess.Popen(pull, env=environ) as first:
                while kept(folder) < count // 2:
                    time.sleep(0.2)
                first.kill()
            print(f"killed after {time.monotonic() - started:.1f} s, {kept(folder)} files kept")
            started = time.monotonic()
            subprocess.run([sys.executable, "-c", MEASURED, *pull], env=environ, check=True)
            print(f"the rest in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
