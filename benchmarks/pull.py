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
from io import BytesIO
from pathlib import Path

from PIL import Image as Picture

from boxferry.sandbox.server import Sandbox

PROGRAM = [sys.executable, "-c", "from boxferry.cli.main import main; main()"]
MEASURED = "import resource,subprocess,sys; code=subprocess.run(sys.argv[1:]).returncode; "
MEASURED += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, 'MB'); sys.exit(code)"


def many_files(folder: Path, count: int) -> None:
    """A sandbox's folder with so many images of 640x480, put there without its routes; and a YOLO file for each."""
    picture = BytesIO()
    Picture.new("RGB", (640, 480)).save(picture, "PNG")
    with Sandbox(folder / "server") as sandbox:
        store, project = sandbox._store, sandbox.project  # noqa: SLF001 # uploading would take an hour
        facts = {"project": project, "directory_id": 1, "type": "image", "state": "added", "width": 640, "height": 480}
        for number in range(count):
            store.insert("file", facts | {"original_filename": f"{number:06}.png"})
    (folder / "labels").mkdir()
    for number in range(count):
        rows = "".join(f"{c} 0.{c + 2} 0.5 0.1 0.1 0.{c + 3}\n" for c in range(5))
        (folder / "labels" / f"{number:06}.txt").write_text(rows)


def main() -> None:
    """Push, pull half, kill, pull the rest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    count = parser.parse_args().files
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many_files(folder, count)
        command = [*PROGRAM, "sandbox", "--port", "0", "--folder", str(folder / "server")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            lines = [server.stdout.readline().strip() for _ in range(4)] if server.stdout else []
            found = dict(line.removeprefix("export ").split("=", 1) for line in lines)
            environ = os.environ | found | {"BOXFERRY_OUTBOX": str(folder / "outbox.sqlite")}
            pushed = [
                *PROGRAM,
                "push",
                str(folder / "labels"),
                "--names",
                "a,b,c,d,e",
                "--size",
                "640x480",
                "--existing",
            ]
            pushed += ["--directory", "Default", "--labels", "create", "--run", "r", "--connections", "4"]
            started = time.monotonic()
            subprocess.run(pushed, env=environ, check=True, stdout=subprocess.DEVNULL)
            print(f"pushed {count} files in {time.monotonic() - started:.0f} s")
            pull = [*PROGRAM, "pull", "r", "--all", "-o", str(folder / "out.json")]
            started = time.monotonic()
            cache = folder / "outbox.sqlite.pull" / "1.ndjson"
            with subprocess.Popen(pull, env=environ) as first:
                while not cache.exists() or cache.read_bytes().count(b"\n") < count // 2:
                    time.sleep(0.2)
                first.kill()
            kept = cache.read_bytes().count(b"\n")
            print(f"killed after {time.monotonic() - started:.1f} s, {kept} files kept")
            started = time.monotonic()
            subprocess.run([sys.executable, "-c", MEASURED, *pull], env=environ, check=True)
            print(
                f"the rest in {time.monotonic() - started:.1f} s; the cache is {'there' if cache.exists() else 'gone'}"
            )
            server.terminate()


if __name__ == "__main__":
    main()
