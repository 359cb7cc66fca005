"""Measures boxferry and its peers in one run, in turn, and writes docs/performance.md and its plot.

`make bench` runs all of it; `make bench-small` (`--small`) everything at a twentieth of the size, in under two minutes,
and writes nothing. Peers have an environment of their own (`--peers PYTHON`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import calls
import inputs
import send
from page import OURS, SCANNER, TWO, Calls, Compared, Measured, Sending, page, plot

HERE = Path(__file__).parent
PEERS = {
    "coco": ("plain", "globox", "pycocotools", "supervision", "pylabel", "datumaro"),
    "yolo": ("plain", "globox", "supervision", "datumaro", "pylabel"),
    "voc": ("plain", "globox", "pylabel", "datumaro"),
    "voctext": ("plain",),
}
PATIENCE = 3  #: a tool that takes so many times as long as the fastest peer runs in the first round only


@dataclass(frozen=True, slots=True)
class Work:
    """One input and what reads it: tool → command, of which `{out}` is the output."""

    title: str
    commands: dict[str, list[str]]


def measured(command: list[str], output: Path) -> tuple[float, float]:
    """Seconds that a process says its work took, and its peak megabytes.

    Raises:
        SystemExit: it failed.
    """
    command = [part.replace("{out}", str(output)) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()[-500:] or done.stdout}")
    seconds, megabytes = done.stdout.split()[-2:]
    return float(seconds), float(megabytes)


def with_memory(command: list[str]) -> list[str]:
    """A command that also prints its peak memory: its own and that of its children."""
    program = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True); "
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024; "
        "print(done.stdout.split()[-1] if not done.returncode else '', peak); sys.exit(done.returncode)"
    )
    return [sys.executable, "-c", program, *command]


def ours(folder: Path, tiny: Path, arguments: list[str], more: tuple[str, ...] = ()) -> list[str]:
    """Boxferry's command; `{in}` is the input's folder."""

    def on(place: Path, output: str) -> list[str]:
        return ["convert", *(part.replace("{in}", str(place)) for part in arguments), "-o", output, *more]

    return [sys.executable, str(HERE / "ours.py"), *on(tiny, "{out}.tiny"), "--", *on(folder, "{out}")]


ARGUMENTS = {
    "coco": ["{in}/results.json", "--categories", "{in}/dataset.json"],
    "yolo": ["{in}/labels", "--names", "{in}/data.yaml", "--images", "{in}/images"],
    "voc": ["{in}"],
    "voctext": ["{in}/results", "--categories", "{in}/dataset.json"],
}


def works(root: Path, peers: str, scale: int) -> dict[str, Work]:
    """Make all inputs, and say what reads them."""
    tiny = root / "tiny"
    inputs.coco(tiny / "coco", images=2, each=5)
    inputs.yolo(tiny / "yolo", images=2, each=5)
    inputs.voc(tiny / "voc", images=2, each=5)
    inputs.voc_text(tiny / "voctext", images=2, rows=10)
    images = 20_000 // scale
    scanner = compiled(root)
    found = {}
    for kind, title in (
        ("coco", f"COCO results, {50 * images:,} over {images:,} images"),
        ("shuffled", "the same, shuffled"),
        ("large", f"COCO results, {250 * images:,} over {images:,} images"),
        ("many", f"COCO results, {250 * images:,} over {5 * images:,} images"),
        ("yolo", f"YOLO, {images:,} files of 10 rows, and images"),
        ("voc", f"VOC, {images:,} XML files of 10 objects"),
        ("voctext", f"VOC results, {10 * images:,} rows"),
    ):
        print(f"making: {title}", file=sys.stderr)
        folder = root / kind
        make(kind, folder, images)
        form = "coco" if kind in {"shuffled", "large", "many"} else kind
        commands = {OURS: ours(folder, tiny / form, ARGUMENTS[form])}
        if kind == "voc":
            commands[TWO] = ours(folder, tiny / form, ARGUMENTS[form], ("--jobs", "2"))
        if kind in {"coco", "large"} and scanner:
            commands[SCANNER] = [scanner, f"{folder}/results.json", f"{folder}/dataset.json", "{out}"]
        for peer in PEERS.get(kind, ()):
            commands[peer] = [peers, "-W", "ignore", str(HERE / "peers.py"), peer, kind, str(folder), "{out}"]
        found[kind] = Work(title, {tool: with_memory(command) for tool, command in commands.items()})
    return found


def make(kind: str, folder: Path, images: int) -> None:
    """One input, and what the peers need beside it."""
    if kind in {"coco", "shuffled"}:
        inputs.coco(folder, images=images, each=50, shuffled=kind == "shuffled")
    elif kind == "large":
        inputs.coco(folder, images=images, each=250)
    elif kind == "many":
        inputs.coco(folder, images=5 * images, each=50)
    elif kind == "yolo":
        inputs.yolo(folder, images=images, each=10)
        inputs.yolo_for_peers(folder)
    elif kind == "voc":
        inputs.voc(folder, images=images, each=10)
        inputs.voc_for_peers(folder)
    else:
        inputs.voc_text(folder, images=images, rows=10 * images)
    if kind == "coco":
        inputs.coco_for_peers(folder)


def compiled(root: Path) -> str | None:
    """The scanner's path; None without a C compiler."""
    if (compiler := shutil.which("cc")) is None:
        return None
    subprocess.run([compiler, "-O2", "-o", str(root / "scanner"), str(HERE / "scanner.c"), "-lm"], check=True)
    return str(root / "scanner")


def compared(work: Work, rounds: int, output: Path) -> Compared:
    """Each tool of a work, in turn; slow ones in the first round only."""
    found = Compared(work.title, {tool: Measured([], []) for tool in work.commands})
    for number in range(rounds):
        for tool, command in work.commands.items():
            if number and len(work.commands) > 2 and found.tools[tool].median > PATIENCE * found.best_peer()[1]:
                continue
            seconds, megabytes = measured(command, output)
            found.tools[tool].seconds.append(seconds)
            found.tools[tool].megabytes.append(megabytes)
            print(f"{work.title}: {tool}: {seconds:.2f} s, {megabytes:.0f} MB", file=sys.stderr)
    return found


def start_up(rounds: int) -> dict[str, float]:
    """Median seconds of whole processes."""
    program = str(Path(sys.executable).with_name("boxferry"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "boxferry --version": [program, "--version"],
        "boxferry --help": [program, "--help"],
        "boxferry convert --help": [program, "convert", "--help"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(each) for name, each in seconds.items()}


def stages(kind: str, root: Path) -> dict[str, float]:
    """The seconds of each stage of boxferry's work on an input."""
    arguments = [part.replace("{in}", str(root / kind)) for part in ARGUMENTS[kind]]
    command = [sys.executable, str(HERE / "stages.py"), str(root / "out"), *arguments]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def machine() -> str:
    """What it was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Measure, and write the page unless it is the small form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a twentieth of the size; nothing is written")
    parser.add_argument("--rounds", type=int, help="how often each is run")
    parser.add_argument("--peers", default=".venv-peers/bin/python", help="the Python that has the other tools")
    given = parser.parse_args()
    rounds = given.rounds or (2 if given.small else 4)
    with tempfile.TemporaryDirectory(prefix="boxferry-bench-") as name:
        root = Path(name)
        made = works(root, given.peers, 20 if given.small else 1)
        found = {kind: compared(work, rounds, root / "out") for kind, work in made.items()}
        where = {found[kind].title: stages(kind, root) for kind in ("coco", "yolo", "voc")}
    started = start_up(5 if given.small else 15)
    pace = send.measured_pace(8 if given.small else 60)
    long_run = send.measured_long_run(1_000 if given.small else 100_000)
    counted = [Calls(**calls.measured(count)) for count in ((200, 1_000) if given.small else (1_000, 10_000))]
    text = page(found, where, started, Sending(**pace, **long_run), counted, machine(), rounds)
    print(text)
    if not given.small:
        docs = HERE.parent / "docs"
        (docs / "performance.md").write_text(text)
        plot(found, given.peers, docs / "performance.svg")


if __name__ == "__main__":
    main()
