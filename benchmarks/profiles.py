"""Profiles boxferry's work on the inputs whose targets are hard, and writes docs/profiles.md.

cProfile slows Python's functions more than those in C, so the shares are a guide; docs/performance.md has measurements.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import inputs
import send

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.parsing import compiled
from boxferry.plan.named import named_packets

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = 14
IMAGES = 20_000
PACKETS = 1_500
INTRODUCTION = """# Profiles

`make profile` wrote this: the functions in which most time is spent, by cProfile, which slows Python's functions more
than those in C; so the shares are a guide, and no measurement ([performance](performance.md) has those). The
[compiled functions](speedups.md) were {0}; cProfile counts each into the function that calls it.
"""


def work(source: Path, **given: str) -> None:
    """Read, fit, build packets."""
    for chunk in read(source, **given).fitted(Tally()):  # type: ignore[arg-type] # names of files
        named_packets(chunk, model="model", run="run")


def profiled(title: str, function: Callable[[], None]) -> str:
    """A table of the functions with the most time of their own."""
    profile = cProfile.Profile()
    profile.runcall(function)
    return table_of(title, pstats.Stats(profile))


def profiled_sending() -> str:
    """The same of sending, by its threads' CPU: what waits for an answer does not count."""
    found: list[cProfile.Profile] = []
    run = threading.Thread.run

    def with_profile(self: threading.Thread) -> None:
        profile = cProfile.Profile(time.thread_time)
        found.append(profile)
        profile.runcall(run, self)

    with send.with_files(PACKETS) as (server, folder, first):
        threading.Thread.run = with_profile  # type: ignore[method-assign] # the one place that every thread passes
        _, _, outbox, _ = send.send(server, folder, first, PACKETS, connections=4)
        threading.Thread.run = run  # type: ignore[method-assign]
        outbox.close()
    return packages_of(f"Sending {PACKETS:,} packets of 50 boxes", pstats.Stats(*found))


def packages_of(title: str, found: pstats.Stats) -> str:
    """The share of each package, for work that is spread thin; what is built in counts for its caller."""
    shares: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in found.stats.items():  # type: ignore[attr-defined] # it is there
        for (caller, _, _), (_, _, part, _) in callers.items() if file == "~" else ():
            shares[package(caller)] += part
        shares[package(file)] += 0 if file == "~" and callers else own
    rows = [f"| {name} | {share / shares.total():.0%} |" for name, share in shares.most_common(SHOWN)]
    return f"## {title}\n\n| package | own time |\n|---|---|\n" + "\n".join(rows) + "\n"


def package(file: str) -> str:
    """The folder or module of the standard library, the package of another's, or the room of boxferry's."""
    parts = [part.removesuffix(".py") for part in Path(file.strip("<>").removeprefix("frozen ")).parts]
    if "boxferry" in parts:
        at = len(parts) - 1 - parts[::-1].index("boxferry")
        return ".".join(parts[at : at + 2])
    start = 1 + max((at for at, part in enumerate(parts) if part.startswith(("python3", "site-packages"))), default=-1)
    return parts[start] if start < len(parts) else "python"


def table_of(title: str, found: pstats.Stats) -> str:
    """The functions with the most time of their own, as a section of the page."""
    whole = found.total_tt  # type: ignore[attr-defined] # it is there
    ranked = sorted(found.stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined] # likewise
    rows = [
        f"| {name.replace('<', '').replace('>', '')} | {place(file)} | {calls:,} | {own / whole:.0%} |"
        for (file, _, name), (_, calls, own, _, _) in ranked[:SHOWN]
    ]
    rest = sum(each[2] for _, each in ranked[SHOWN:]) / whole
    table = "\n".join([*rows, f"| {len(ranked) - SHOWN} others | | | {rest:.0%} |"])
    return f"## {title}\n\n| function | where | calls | own time |\n|---|---|---|---|\n{table}\n"


def place(file: str) -> str:
    """A module, without a line, which the next change to it would make wrong; empty for what is built in."""
    parts = Path(file).parts
    known = next((at for at, part in enumerate(parts) if part.startswith("boxferry")), max(0, len(parts) - 2))
    return "" if file == "~" else "/".join(parts[known:])


def main() -> None:
    """Make the inputs, profile, write."""
    with tempfile.TemporaryDirectory(prefix="boxferry-bench-") as name:
        root = Path(name)
        results = inputs.coco(root / "coco", images=IMAGES, each=50)
        labels = inputs.yolo(root / "yolo", images=IMAGES, each=10)
        files = inputs.voc(root / "voc", images=IMAGES, each=10)
        rows = inputs.voc_text(root / "voctext", images=IMAGES, rows=10 * IMAGES)
        works: dict[str, Callable[[], None]] = {
            "COCO results, 1,000,000": lambda: work(results, categories=str(root / "coco" / "dataset.json")),
            "YOLO, 20,000 files": lambda: work(
                labels, names=str(root / "yolo" / "data.yaml"), images=str(root / "yolo" / "images")
            ),
            "VOC, 20,000 XML files": lambda: work(files),
            "VOC results, 200,000 rows": lambda: work(rows, categories=str(root / "voctext" / "dataset.json")),
        }
        tables = [profiled(title, function) for title, function in works.items()]
    tables.append(profiled_sending())
    used = "used" if compiled.speedups else "not installed"
    text = "\n".join([INTRODUCTION.format(used), *tables])
    (Path(__file__).parents[1] / "docs" / "profiles.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
