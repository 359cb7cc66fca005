"""Where boxferry's seconds go: `python stages.py OUTPUT SOURCE OPTIONS…` as JSON, stage → seconds.

Each stage is measured with all that come before it, from the start, and the difference is its own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.formats import read_file
from boxferry.plan.named import named_packets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from boxferry.boxes.detections import Detections

ROUNDS = 3


def chunks_of(source: str, given: dict[str, str], *, fitted: bool) -> Iterator[Detections]:
    """What is read, fitted or not."""
    predictions = read(source, **given)  # type: ignore[arg-type] # names of files
    yield from predictions.fitted(Tally()) if fitted else predictions.chunks(Tally())


def through(chunks: Iterable[object]) -> None:
    """To the end."""
    for _ in chunks:
        pass


def main() -> None:
    """Measure each."""
    output, source, *options = sys.argv[1:]
    given = dict(zip((name.removeprefix("--") for name in options[::2]), options[1::2], strict=True))
    paths = [str(path) for path in sorted(Path(source).rglob("*.*"))] if Path(source).is_dir() else [source]

    def packets() -> Iterator[list[bytes]]:
        for chunk in chunks_of(source, given, fitted=True):
            yield named_packets(chunk, model="model", run="run")

    def written() -> None:
        with Path(output).open("wb") as out:
            for made in packets():
                out.write(b"\n".join(made))

    stages: dict[str, Callable[[], None]] = {
        "the bytes": lambda: through(map(read_file, paths)),
        "boxes out of them": lambda: through(chunks_of(source, given, fitted=False)),
        "the fit": lambda: through(chunks_of(source, given, fitted=True)),
        "packets": lambda: through(packets()),
        "writing": written,
    }
    found, before = {}, 0.0
    for name, stage in stages.items():
        seconds = min(_timed(stage) for _ in range(ROUNDS))
        found[name], before = max(0.0, seconds - before), seconds
    print(json.dumps(found))


def _timed(stage: Callable[[], None]) -> float:
    started = time.perf_counter()
    stage()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
