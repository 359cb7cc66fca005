"""Measures what a collector costs an inference loop: the time of an image with it over that without, in one run.

Two loops of 25 ms an image, with fifty boxes on each. One waits, as a loop does whose model is on a device. The other
computes on one core, in 100 products of matrices an image, as a network has layers: after each it needs Python's lock,
for which the collector's threads compete. Every image is a file of its own, and is uploaded.

The server is a sandbox in a process of its own: one that takes uploads as fast as a Diffgram does, about seven a
second, and one that takes them as fast as it can, so that nearly all of the sending happens beside the loop. It would
not be on the user's machine: it is kept on the second core, which it shares with the collector's threads.

Beside the time: the CPU that taking a result costs the loop's own thread, and the CPU of the collector's threads until
all is sent. The CPU of the sandbox does not count.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # before numpy: one core for the loop
import argparse
import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace as Thing
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Picture
from sections import replaced
from send import a_sandbox

from boxferry import Diffgram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.collector.collector import Collector
    from boxferry.diffgram.settings import Server

    Work = Callable[[], None]

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BOXES = 50
NAMES = {number: f"class {number}" for number in range(80)}  #: as many as a model of COCO has
IMAGE_S = 0.025
LAYERS = 100
WIDTH, HEIGHT = 640, 480
CONNECTIONS = 4
UPLOADS = 7  #: that a Diffgram takes in a second
TARGET = 5  #: percent of the loop's time, at that pace
CALLS = 2  #: of an upload: whether its name is taken, and the image
#: each call is held back so long that all connections together make so many
AS_DIFFGRAM = ("--faults", f"delay=1,delay_s={CONNECTIONS / CALLS / UPLOADS:.3f}")
SERVERS = {f"{UPLOADS} uploads a second": AS_DIFFGRAM, "as many as it can": ()}


def waiting() -> None:
    """An image on a device, for which this thread waits."""
    time.sleep(IMAGE_S)


def computing() -> Work:
    """An image on one core of this machine."""
    size, rng = 32, np.random.default_rng(0)
    while True:
        matrix = rng.normal(size=(size, size))
        each = min(_seconds(matrix) for _ in range(20))
        if each >= IMAGE_S / LAYERS:
            break
        size += 8
    times = round(IMAGE_S / each)

    def work() -> None:
        for _ in range(times):
            matrix @ matrix

    return work


def _seconds(matrix: np.ndarray) -> float:
    """CPU of a product: what other processes do meanwhile does not count."""
    started = time.thread_time()
    matrix @ matrix
    return time.thread_time() - started


def results(folder: Path) -> Iterator[Any]:
    """Images with fifty boxes each, as Ultralytics gives them."""
    rng, first, number = np.random.default_rng(0), folder / "first.jpg", 0
    Picture.fromarray(rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)).save(first, quality=50)
    while True:
        number += 1
        path = folder / f"{number:05}.jpg"
        path.write_bytes(first.read_bytes())
        corners = rng.uniform(0, 400, (BOXES, 2))
        rows = {
            "xyxy": np.hstack([corners, corners + 60]),
            "cls": rng.integers(0, len(NAMES), BOXES).astype(float),
            "conf": rng.uniform(0.3, 1, BOXES),
        }
        shape = (HEIGHT, WIDTH)
        yield Thing(boxes=Thing(**rows, id=None), obb=None, masks=None, names=NAMES, path=str(path), orig_shape=shape)


@dataclass
class Loop:
    """What was measured of one loop at one server, a value for each block of images.

    Attributes:
        without, with_it: seconds an image on the wall.
        taking: seconds of CPU an image that the loop's thread takes to hand a result over.
        sending: seconds of CPU an image of the collector's threads, until everything is sent.
        beside: the same as far as it was spent while the loop ran.
    """

    without: list[float] = field(default_factory=list)
    with_it: list[float] = field(default_factory=list)
    taking: list[float] = field(default_factory=list)
    sending: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)

    def row(self, name: str, *, aimed: bool) -> str:
        """In Markdown; where there is a target, with whether it was reached."""
        pairs = [100 * (b / a - 1) for a, b in zip(self.without, self.with_it, strict=True)]
        times = f"{_ms(self.without)} | {_ms(self.with_it)}"
        more = f"{statistics.median(pairs):+.1f} % ({min(pairs):+.1f} to {max(pairs):+.1f})"
        if aimed:
            more += ", reached" if statistics.median(pairs) <= TARGET else ", **missed**"
        return f"| {name} | {times} | {more} | {_ms(self.taking)} | {_ms(self.beside)} | {_ms(self.sending)} |"


def _ms(seconds: list[float]) -> str:
    return f"{1e3 * statistics.median(seconds):.2f} ms"


def block(work: Work, take: Callable[[Any], None], some: list[Any]) -> tuple[float, float]:
    """Seconds on the wall, and seconds of CPU that this thread spent on taking results; both of one image."""
    started, own = time.perf_counter(), 0.0
    for result in some:
        work()
        before = time.thread_time()
        take(result)
        own += time.thread_time() - before
    return (time.perf_counter() - started) / len(some), own / len(some)


def block_beside(collector: Collector, work: Work, some: list[Any], loop: Loop) -> None:
    """A block with the collector."""
    before = _others_s()
    with collector as collect:
        seconds, taking = block(work, collect, some)
        beside = _others_s() - before
    loop.with_it.append(seconds)
    loop.taking.append(taking)
    loop.beside.append(beside / len(some))
    loop.sending.append((_others_s() - before) / len(some))


def _others_s() -> float:
    """CPU of this process but for this thread."""
    return time.process_time() - time.thread_time()


def measured(loops: dict[str, Work], server: Server, folder: Path, rounds: int, count: int) -> dict[str, Loop]:
    """Every loop, without a collector and with one, in turn."""
    found = {name: Loop() for name in loops}
    rest = results(folder)
    with Diffgram(server, outbox=folder / "outbox.sqlite", connections=CONNECTIONS) as diffgram:
        make = partial(diffgram.collector, directory="Default", model="m", run="r", labels="create", every_s=1.0)
        with make() as collect:  # a new run's first packet is waited for, labels are made, and modules imported
            collect([next(rest) for _ in range(20)])
        for _ in range(rounds):
            for name, work in loops.items():
                some = [next(rest) for _ in range(count)]
                found[name].without.append(block(work, lambda _: None, some)[0])
                block_beside(collector := make(close_s=300.0), work, some, found[name])
                if not collector.report.ok:
                    raise SystemExit(collector.report.summary())
    return found


@contextmanager
def on_the_second_core(*options: str) -> Iterator[Server]:
    """A sandbox that leaves the first core alone, where there is a second one."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores - {min(cores)} or cores)  # a process has what its parent had
    try:
        with a_sandbox(*options) as server:
            os.sched_setaffinity(0, cores)
            yield server
    finally:
        os.sched_setaffinity(0, cores)


def section(rows: list[str], rounds: int, count: int, load: float) -> str:
    """What stands in docs/performance.md."""
    columns = ("loop", "without", "with it", "more", "CPU of the loop's thread", "of the others beside it", "in all")
    table = "\n".join([f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *rows])
    return f"""## A collector beside an inference loop

`make bench-collector`, in one run: {rounds} blocks of {count} images without a collector and as many with one, in turn;
{1e3 * IMAGE_S:.0f} ms and {BOXES} boxes an image, each a file of its own that is uploaded. A loop waits, as for a
device, or computes on one core, in {LAYERS} products of matrices an image. Times and CPU are those of one image,
medians of the blocks; of what a collector adds also the range. The server is a sandbox on the second core, which takes
uploads as fast as a Diffgram does, or as fast as it can. What is not sent when the loop ends is sent after it. The
target is {TARGET} % at the pace of a Diffgram. Other work of the machine makes the numbers higher: its load was
{load:.1f} when this began.

{table}
"""


def main() -> None:
    """Measure, and write the section of the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how many blocks of each kind")
    parser.add_argument("--images", type=int, default=200, help="how many images a block has")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print, and leave the page")
    given = parser.parse_args()
    loops = {"waits": waiting, "computes": computing()}
    rows, load = [], os.getloadavg()[0]
    for pace, options in SERVERS.items():
        with tempfile.TemporaryDirectory() as folder, on_the_second_core(*options) as server:
            for name, loop in measured(loops, server, Path(folder), given.rounds, given.images).items():
                rows.append(loop.row(f"{name}; {pace}", aimed=bool(options)))
                print(rows[-1], flush=True)
    if not given.only_print:
        PAGE.write_text(replaced(PAGE.read_text(), "collector", section(rows, given.rounds, given.images, load)))


if __name__ == "__main__":
    main()
