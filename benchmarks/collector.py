"""Measures what a collector costs an inference loop: the time an image with it, over that without it, in one run.

The loop's work is a matrix product that takes as long as a detector on a GPU does (12 ms an image) and lets other
threads run meanwhile, as that does. Blocks with and without a collector alternate; the sandbox is a process of its own.
Beside it: the CPU time of the loop's own thread that taking a result costs, which other processes do not change.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace as Thing
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Picture
from send import a_sandbox

from boxferry import Diffgram, PushOptions

if TYPE_CHECKING:
    from collections.abc import Callable

BOXES = 50
BLOCK = 200
BLOCKS = 5
IMAGE_S = 0.012


def a_result(path: Path, rng: np.random.Generator) -> Any:  # noqa: ANN401 # as a framework gives it
    """Fifty boxes, as Ultralytics gives them."""
    corners = rng.uniform(0, 80, (BOXES, 2))
    boxes = Thing(
        xyxy=np.hstack([corners, corners + 15]), cls=np.zeros(BOXES), conf=rng.uniform(0.3, 1, BOXES), id=None
    )
    return Thing(boxes=boxes, obb=None, masks=None, names={0: "cat"}, path=str(path), orig_shape=(100, 100))


def work_of(seconds: float) -> Callable[[], None]:
    """Work that takes about so long."""
    size = 64
    while True:
        matrix = np.random.default_rng(0).normal(size=(size, size))
        started = time.thread_time()  # what other processes do meanwhile does not count
        for _ in range(5):
            matrix @ matrix
        if (each := (time.thread_time() - started) / 5) >= seconds / 10:
            break
        size *= 2
    times = max(1, round(seconds / each))

    def work() -> None:
        for _ in range(times):
            matrix @ matrix

    return work


def block(work: Callable[[], None], take: Callable[[Any], None], some: list[tuple[Path, Any]]) -> tuple[float, float]:
    """Seconds an image, and seconds of CPU that this thread spent on taking it."""
    started, own = time.perf_counter(), 0.0
    for _, result in some:
        work()
        before = time.thread_time()
        take(result)
        own += time.thread_time() - before
    return (time.perf_counter() - started) / len(some), own / len(some)


def main() -> None:
    """Print the ratio, and what happened to the results."""
    rng, work = np.random.default_rng(0), work_of(IMAGE_S)
    without, with_it, cpu = [], [], []
    with tempfile.TemporaryDirectory() as made, a_sandbox() as server:
        folder = Path(made)
        paths = [folder / f"{number:05}.png" for number in range(BLOCK * BLOCKS)]
        Picture.new("RGB", (100, 100)).save(paths[0])
        for path in paths[1:]:
            path.write_bytes(paths[0].read_bytes())
        with Diffgram(server, outbox=folder / "outbox.sqlite") as diffgram:
            options = PushOptions(labels="create")
            collect = diffgram.collector(directory="Default", model="m", run="r", options=options, every_s=1.0)
            for start in range(0, len(paths), BLOCK):
                some = [(path, a_result(path, rng)) for path in paths[start : start + BLOCK]]
                without.append(block(work, lambda _: None, some)[0])
                with collect:
                    seconds, own = block(work, collect, some)
                with_it.append(seconds)
                cpu.append(own)
    ratio = statistics.median(with_it) / statistics.median(without)
    sys.stdout.write(f"{statistics.median(without) * 1e3:.2f} ms an image without, ")
    sys.stdout.write(f"{statistics.median(with_it) * 1e3:.2f} with: {(ratio - 1) * 100:+.1f} %; ")
    sys.stdout.write(f"of the loop's thread {statistics.median(cpu) * 1e3:.2f} ms of CPU to take one\n")
    sys.stdout.write(f"{collect.report.summary()}\n")


if __name__ == "__main__":
    main()
