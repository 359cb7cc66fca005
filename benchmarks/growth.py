"""Measures examples/ray_convert.py on two cores: its time and memory for 1, 2, 4 and 8 million boxes.

Parquet files and COCO datasets of 250,000 boxes each, 50 an image. One run measures both at all sizes; the section of
docs/performance.md is written by it. Memory is the peak of the resident memory of a worker of Ray, and of all of
them together, less what they have before the first file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import ray
from sections import replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))

import ray_convert  # noqa: E402 # an example is no package

SHARD, AN_IMAGE, CORES = 250_000, 50, 2
LABELS = np.array(["cat", "dog", "car", "bus"])


def columns(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of a file: the image of each box, its corners, its label and its score."""
    rng = np.random.default_rng(number)
    image = np.repeat(np.arange(SHARD // AN_IMAGE), AN_IMAGE)
    corner = rng.uniform(0, 500, (SHARD, 2))
    corners = np.hstack((corner, corner + rng.uniform(2, 100, (SHARD, 2)))).round(2)
    return image, corners, rng.integers(0, len(LABELS), SHARD), rng.uniform(0, 1, SHARD).round(3)


def parquet(path: Path, number: int) -> None:
    """A row for each box."""
    image, corners, label, score = columns(number)
    names = np.array([f"{number:03}-{n:06}.jpg" for n in range(SHARD // AN_IMAGE)])
    found = {"image": names[image], "label": LABELS[label], "score": score}
    found |= {name: corners[:, n] for n, name in enumerate(("x_min", "y_min", "x_max", "y_max"))}
    found |= {"image_width": np.full(SHARD, 640), "image_height": np.full(SHARD, 640)}
    pa.parquet.write_table(pa.table(found), path)


def coco(path: Path, number: int) -> None:
    """A dataset with its images and categories."""
    image, corners, label, score = columns(number)
    corners[:, 2:] -= corners[:, :2]
    boxes = [
        {"id": n, "image_id": i, "category_id": c, "bbox": b, "score": s}
        for n, (i, b, c, s) in enumerate(
            zip(image.tolist(), corners.round(2).tolist(), label.tolist(), score.tolist(), strict=True)
        )
    ]
    images = [
        {"id": n, "file_name": f"{number:03}-{n:06}.jpg", "width": 640, "height": 640} for n in range(SHARD // AN_IMAGE)
    ]
    categories = [{"id": n, "name": str(name)} for n, name in enumerate(LABELS)]
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": boxes}))


class Memory(threading.Thread):
    """Watches the resident memory of the workers of Ray that are at a task."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.largest_mb, self.together_mb = 0.0, 0.0
        self._over = threading.Event()

    def run(self) -> None:
        """Look twenty times a second."""
        while not self._over.wait(0.05):
            found = list(resident_mb())
            self.largest_mb, self.together_mb = max(self.largest_mb, *found, 0.0), max(self.together_mb, sum(found))

    def stop(self) -> None:
        """End."""
        self._over.set()
        self.join()


def resident_mb() -> Iterator[float]:
    """The megabytes of each worker that is at a task, without those that it shares with others."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::Map(timed)" in (folder / "cmdline").read_bytes():
                pages = (folder / "statm").read_text().split()
                yield (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGESIZE") / 1e6
        except OSError:
            continue  # it has ended


def timed(row: dict[str, Any]) -> dict[str, Any]:
    """Convert one file; with the seconds that the worker's process has worked on it, whatever else the machine did."""
    began = time.process_time()
    return {**ray_convert.convert(row), "cpu_s": time.process_time() - began}


def measured(kind: str, files: list[Path], out: Path) -> dict[str, float]:
    """Convert so many files."""
    memory = Memory()
    memory.start()
    started = time.perf_counter()
    found = ray_convert.converted([str(file) for file in files], out, task=timed)
    seconds = time.perf_counter() - started
    memory.stop()
    read, dropped = int(found.boxes.sum()), int(found.dropped.sum())
    if (read, dropped) != (SHARD * len(files), 0):
        raise SystemExit(f"{kind}: {read} boxes read, {dropped} dropped")
    peaks = {"worker_mb": memory.largest_mb, "together_mb": memory.together_mb}
    return {"boxes": read, "seconds": seconds, "cpu_s": float(found.cpu_s.sum()), **peaks}


def table(kind: str, rows: list[dict[str, float]]) -> str:
    """The rows in Markdown."""
    lines = [
        f"| {row['boxes'] / 1e6:g} M | {row['seconds']:.1f} s | {row['cpu_s']:.1f} s | "
        f"{row['cpu_s'] / row['boxes'] * 1e6:.1f} s | {row['worker_mb']:.0f} MB | {row['together_mb']:.0f} MB |"
        for row in rows
    ]
    columns_of = ("time", "workers' CPU", "a million", "memory of a worker", "of both")
    head = f"| {' | '.join((kind, *columns_of))} |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(lines) + "\n"


def section(tables: str) -> str:
    """What stands in docs/performance.md."""
    return f"""## Growth in a job of Ray Data

`examples/ray_convert.py` on two cores: files of {SHARD:,} boxes, {AN_IMAGE} an image, into lines of the format
`boxferry`, a file a task. One run (`make bench-ray`). The time is that on the wall, with whatever else the machine did;
a worker's memory is its peak, without what processes share.

{tables}"""


def main() -> None:
    """Measure both kinds at all sizes, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--print", action="store_true", dest="only_print", help="print, and leave the page")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(EXAMPLES), str(ROOT / "benchmarks"), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    ray.init("local", num_cpus=CORES, include_dashboard=False, log_to_driver=False, configure_logging=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    kinds: dict[str, tuple[str, Callable[[Path, int], None]]] = {
        "Parquet": (".parquet", parquet),
        "COCO": (".json", coco),
    }
    tables = []
    with tempfile.TemporaryDirectory() as made:
        for kind, (suffix, write) in kinds.items():
            files = [Path(made) / f"{n:03}{suffix}" for n in range(max(given.millions) * 1_000_000 // SHARD)]
            for number, file in enumerate(files):
                write(file, number)
            rows = []
            for millions in given.millions:
                rows.append(measured(kind, files[: millions * 1_000_000 // SHARD], Path(made) / f"{kind}-{millions}"))
                print(kind, rows[-1], flush=True)
            tables.append(table(kind, rows))
    if not given.only_print:
        page = ROOT / "docs" / "performance.md"
        page.write_text(replaced(page.read_text(), "growth", section("\n".join(tables))))


if __name__ == "__main__":
    main()
