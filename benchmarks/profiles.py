"""Profiles boxferry's work on the inputs whose targets are hard, and writes docs/profiles.md.

cProfile slows Python's functions more than those in C, so the shares are a guide; docs/performance.md has measurements.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import inputs

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.packets.convert import named_packets
from boxferry.parsing import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = 14
IMAGES = 20_000
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
    found = pstats.Stats(profile)
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
    used = "used" if compiled.speedups else "not installed"
    text = "\n".join([INTRODUCTION.format(used), *tables])
    (Path(__file__).parents[1] / "docs" / "profiles.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
