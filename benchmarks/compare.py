"""Measures boxferry and its peers in one run, in turn, and writes docs/performance.md and its plot.

`make bench` runs all of it; `make bench-small` (`--small`) everything at a twentieth of the size, and prints the page.
Each part writes its row to `.bench/` as it ends, and the page as far as it is known: a run that was broken off goes on
with the parts that are missing (`--fresh` begins anew; rows of another commit do not count). Peers have an environment
of their own (`--peers PYTHON`); one that is not installed, or fails, is left out and named.
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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import calls
import inputs
import send
from page import OURS, PURE, SCANNER, TWO, page, plot
from sections import sections_of, with_sections

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
PEERS = {
    "coco": (
        "plain", "globox", "pycocotools", "supervision", "pylabel", "datumaro", "labelformat", "fiftyone",
        "ultralytics",
    ),
    "yolo": ("plain", "globox", "supervision", "datumaro", "pylabel", "labelformat", "fiftyone"),
    "voc": ("plain", "globox", "pylabel", "datumaro", "labelformat", "fiftyone"),
    "voctext": ("plain",),
}  # fmt: skip
TITLES = {
    "coco": "COCO results, {0:,} over {1:,} images",
    "shuffled": "the same, shuffled",
    "large": "COCO results, {0:,} over {1:,} images",
    "yolo": "YOLO, {1:,} files of 10 rows, and images",
    "voc": "VOC, {1:,} XML files of 10 objects",
    "voctext": "VOC results, {0:,} rows",
}
BOXES_AN_IMAGE = {"coco": 50, "shuffled": 50, "large": 250, "voctext": 10}
IMAGES = 20_000
PATIENCE = 2  #: a tool that takes so many times as long as the fastest peer runs in the first round only
LONGEST_S = 75  #: of one run of one tool
DISTINCT = 2_000  #: images with boxes of their own, of those by which growth is seen
GROWTH = (1, 2, 4, 8)  #: times a million boxes, and times 10,000 files; of files sixteen too

Row = dict[str, Any]


def measured(command: list[str], output: Path) -> tuple[float, float] | str:
    """Seconds that a process says its work took, and its peak megabytes; or why there are none."""
    command = [part.replace("{out}", str(output)) for part in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        return f"took more than {LONGEST_S} s"
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["failed without a word"]
        return lines[-1][:200]
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


ARGUMENTS = {
    "coco": ["{in}/results.json", "--categories", "{in}/dataset.json"],
    "yolo": ["{in}/labels", "--names", "{in}/data.yaml", "--images", "{in}/images"],
    "voc": ["{in}"],
    "voctext": ["{in}/results", "--categories", "{in}/dataset.json"],
}


def ours(folder: Path, form: str, *more: str) -> list[str]:
    """Boxferry's command on an input; the tiny one beside it is read first, so that all is imported."""

    def on(place: Path, output: str) -> list[str]:
        arguments = (part.replace("{in}", str(place)) for part in ARGUMENTS[form])
        return ["convert", *arguments, "-o", output, *more]

    tiny = folder.parent / "tiny" / form
    if not tiny.exists():
        {"coco": inputs.coco, "yolo": inputs.yolo, "voc": inputs.voc}.get(form, _tiny_text)(tiny, images=2, each=5)
    return [sys.executable, str(HERE / "ours.py"), *on(tiny, "{out}.tiny"), "--", *on(folder, "{out}")]


def _tiny_text(folder: Path, *, images: int, each: int) -> None:
    inputs.voc_text(folder, images=images, rows=images * each)


def both(folder: Path, form: str, *more: str) -> dict[str, list[str]]:
    """Boxferry with compiled functions, where they are installed, and without."""
    command = ours(folder, form, *more)
    pure = ["env", "BOXFERRY_PURE=1", *command]
    return {OURS: command, PURE: pure} if compiled_used() else {OURS: pure}


def compiled_used() -> bool:
    """Whether compiled functions are installed."""
    said = "from boxferry.parsing import compiled; print(compiled.speedups is not None)"
    environ = {name: value for name, value in os.environ.items() if name != "BOXFERRY_PURE"}
    return subprocess.check_output([sys.executable, "-c", said], env=environ, text=True).strip() == "True"


def compared(kind: str, images: int, rounds: int, peers: str) -> Row:
    """Each tool on an input, in turn; slow ones in the first round only."""
    title = TITLES[kind].format(BOXES_AN_IMAGE.get(kind, 10) * images, images)
    with tempfile.TemporaryDirectory(prefix="boxferry-bench-") as name:
        folder = Path(name) / kind
        say(f"making: {title}")
        make(kind, folder, images)
        commands, found, failed = commands_of(kind, folder, peers), dict[str, Row](), dict[str, str]()
        for number in range(1 if kind == "large" else rounds):
            for tool, command in commands.items():
                if tool in failed or (number and slow(tool, found)):
                    continue
                result = measured(with_memory(command), Path(name) / "out")
                say(f"{title}: {tool}: {result}")
                if isinstance(result, str):
                    failed[tool] = result
                    continue
                row = found.setdefault(tool, {"seconds": [], "megabytes": []})
                row["seconds"].append(result[0])
                row["megabytes"].append(result[1])
        where = stages(kind, folder, Path(name)) if kind in {"coco", "yolo", "voc"} else {}
    return {"title": title, "tools": found, "failed": failed, "stages": where}


def commands_of(kind: str, folder: Path, peers: str) -> dict[str, list[str]]:
    """Tool → its command, of which `{out}` is the output."""
    form = "coco" if kind in {"shuffled", "large"} else kind
    commands = both(folder, form)
    if kind == "voc":
        commands[TWO] = ours(folder, form, "--jobs", "2")
    if form == "coco" and kind != "shuffled" and (scanner := compiled(folder.parent)):
        commands[SCANNER] = [scanner, f"{folder}/results.json", f"{folder}/dataset.json", "{out}"]
    for peer in PEERS.get(kind, ()):
        commands[peer] = [peers, "-W", "ignore", str(HERE / "peers.py"), peer, kind, str(folder), "{out}"]
    return commands


def slow(tool: str, found: dict[str, Row]) -> bool:
    """Whether one round is enough of a tool."""
    others = [min(row["seconds"]) for name, row in found.items() if name not in {OURS, PURE, TWO, SCANNER, "plain"}]
    return bool(others) and min(found[tool]["seconds"]) > PATIENCE * min(others)


def make(kind: str, folder: Path, images: int) -> None:
    """One input, and what the peers need beside it."""
    if kind in {"coco", "shuffled", "large"}:
        inputs.coco(folder, images=images, each=BOXES_AN_IMAGE[kind], shuffled=kind == "shuffled")
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


def growth(form: str, unit: int, times: tuple[int, ...]) -> Row:
    """Boxferry on inputs of growing size, once each: boxes of `unit` images, or files of ten rows, times so many."""
    found: dict[str, Row] = {}
    for each in times:
        with tempfile.TemporaryDirectory(prefix="boxferry-bench-") as name:
            folder = Path(name) / form
            if form == "coco":
                inputs.coco(folder, images=each * unit, each=50, distinct=DISTINCT)
            else:
                inputs.yolo(folder, images=each * unit, each=10, distinct=DISTINCT)
            for tool, command in both(folder, form).items():
                result = measured(with_memory(command), Path(name) / "out")
                say(f"growth of {form}: {each} times {unit:,} images: {tool}: {result}")
                row = found.setdefault(tool, {"seconds": [], "megabytes": []})
                seconds, megabytes = (None, None) if isinstance(result, str) else result
                row["seconds"].append(seconds)
                row["megabytes"].append(megabytes)
    boxes = 50 if form == "coco" else 10
    return {"form": form, "images": [each * unit for each in times], "boxes_an_image": boxes, "tools": found}


def stages(kind: str, folder: Path, root: Path) -> dict[str, dict[str, float]]:
    """The seconds of each stage of boxferry's work on an input, with compiled functions and without."""
    arguments = [part.replace("{in}", str(folder)) for part in ARGUMENTS[kind]]
    command = [sys.executable, str(HERE / "stages.py"), str(root / "out"), *arguments]
    forms = {OURS: {}, PURE: {"BOXFERRY_PURE": "1"}} if compiled_used() else {OURS: {"BOXFERRY_PURE": "1"}}
    found = {}
    for tool, more in forms.items():
        say(f"stages of {kind}: {tool}")
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **more})
        found[tool] = json.loads(done.stdout)
    return found


def start_up(rounds: int) -> Row:
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


def say(line: str) -> None:
    """How far it is, on standard error."""
    print(line, file=sys.stderr, flush=True)


def parts(peers: str, rounds: int, *, small: bool) -> dict[str, Callable[[], Row]]:
    """What is measured, the most telling first."""
    scale = 20 if small else 1
    found: dict[str, Callable[[], Row]] = {
        kind: partial(compared, kind, IMAGES // scale, rounds, peers)
        for kind in ("coco", "yolo", "voc", "voctext", "shuffled", "large")
    }
    return found | {
        "start-up": partial(start_up, 5 if small else 15),
        "growth-coco": partial(growth, "coco", IMAGES // scale, GROWTH),
        "growth-yolo": partial(growth, "yolo", 10_000 // scale, (*GROWTH, 16)),
        "calls-1000": partial(calls.measured, 200 if small else 1_000),
        "calls-10000": partial(calls.measured, 400 if small else 10_000),
        "pace": partial(send.measured_pace, 8 if small else 60),
        "long-run": partial(send.measured_long_run, 1_000 if small else 20_000),
    }


class Rows:
    """The rows of one commit, each written as its part ends."""

    def __init__(self, path: Path, *, fresh: bool) -> None:
        """Go on with what is there."""
        self._path = path
        self._commit = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True, cwd=HERE).strip()
        path.parent.mkdir(exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        lines = path.read_text().splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines]
        self.done: dict[str, Row] = {row["part"]: row["row"] for row in rows if row["commit"] == self._commit}

    def add(self, part: str, row: Row) -> None:
        """Keep one."""
        self.done[part] = row
        with self._path.open("a") as out:
            out.write(json.dumps({"part": part, "commit": self._commit, "row": row}) + "\n")


def main() -> None:
    """Measure, and write the page as far as it is known; the small form prints it at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a twentieth of the size; nothing is written to docs")
    parser.add_argument("--fresh", action="store_true", help="begin anew, whatever an earlier run has measured")
    parser.add_argument("--only", action="append", metavar="PART", help="leave the other parts out; repeatable")
    parser.add_argument("--rounds", type=int, help="how often each is run")
    parser.add_argument("--peers", default=".venv-peers/bin/python", help="the Python that has the other tools")
    given = parser.parse_args()
    rounds = given.rounds or (1 if given.small else 3)
    rows = Rows(HERE.parent / ".bench" / ("small.ndjson" if given.small else "rows.ndjson"), fresh=given.fresh)
    docs = HERE.parent / "docs"
    for part, measure in parts(given.peers, rounds, small=given.small).items():
        if part in rows.done or (given.only and part not in given.only):
            continue
        started = time.monotonic()
        try:
            rows.add(part, measure())
        except Exception as error:  # noqa: BLE001 # the other parts count all the same
            say(f"{part}: failed: {error!r}")
            continue
        say(f"{part}: {time.monotonic() - started:.0f} s")
        if not given.small:
            before = (docs / "performance.md").read_text()
            text = with_sections(page(rows.done, machine(), rounds), sections_of(before))
            (docs / "performance.md").write_text(text)
    if given.small:
        print(page(rows.done, machine(), rounds))
    else:
        plot(rows.done, given.peers, docs / "performance.svg")


if __name__ == "__main__":
    main()
