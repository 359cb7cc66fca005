"""How reading and sending go on, for people: a bar on a terminal, else a line now and then; on standard error."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boxferry.boxes.counted import counted
from boxferry.cli.logs import draws
from boxferry.cli.output import is_quiet, say, warn
from boxferry.cli.plain import plain
from boxferry.deliver.listener import Listener
from boxferry.outbox.entry import ENDED
from boxferry.outbox.outcome import State
from boxferry.reading.sources import FileSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.progress import Progress, TaskID

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally
    from boxferry.outbox.entry import Entry
    from boxferry.outbox.outcome import Outcome
    from boxferry.reading.predictions import Predictions

LINE_EVERY_S = 10.0
FIRST_S, EVERY_S = 2.0, 0.25  #: when a bar comes, and how often it is drawn


class Warnings(Listener):
    """A line before boxes of people are deleted, and no other."""

    def deleting(self, boxes: Mapping[str, int]) -> None:
        """Say what is about to go."""
        warn(deletion(boxes))


class Lines(Listener):
    """A line every ten seconds, and one before boxes of people are deleted."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, write: Callable[[str], None] = say) -> None:
        """Begin to count."""
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()
        self._states: dict[int, str] = {}
        self._total = 0
        self._next = clock() + LINE_EVERY_S

    def deleting(self, boxes: Mapping[str, int]) -> None:
        """Say what is about to go."""
        self._write(deletion(boxes))

    def started(self, packets: int) -> None:
        """Remember the whole."""
        self._total = packets

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        """Count, and write a line where it is time for one."""
        with self._lock:
            self._states[entry.id] = outcome.state
            if self._clock() < self._next:
                return
            self._next = self._clock() + LINE_EVERY_S
            counts = Counter(self._states.values())
        self._write(
            f"{', '.join(f'{n} {state}' for state, n in sorted(counts.items()))} of {counted(self._total, 'packet')}"
        )


class Bar(Listener):
    """A bar that shows what has ended, what was sent, the rate and the time left."""

    def __init__(self, progress: Progress, task: TaskID, before: Callable[[], None]) -> None:
        """Draw on `progress`, from the start of the sending; `before` is called first."""
        self._progress = progress
        self._before = before
        self._task = task
        self._lock = threading.Lock()
        self._states: dict[int, str] = {}
        self._began = time.monotonic()

    def deleting(self, boxes: Mapping[str, int]) -> None:
        """Say what is about to go."""
        self._progress.console.print(deletion(boxes), markup=False)

    def started(self, packets: int) -> None:
        """Know the whole, and begin."""
        self._before()
        self._progress.start()
        self._progress.update(self._task, total=packets)

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        """Draw it."""
        with self._lock:
            self._states[entry.id] = outcome.state
            counts = Counter(self._states.values())
        ended, seconds = sum(counts[state] for state in ENDED), time.monotonic() - self._began
        sent, refused = len(self._states), counts[State.REFUSED]
        self._progress.update(self._task, completed=ended, sent=sent, refused=refused, rate=sent / max(seconds, 1e-3))


class Reading:
    """How far the reading of a source is: a bar on a terminal, once two seconds have gone by; by a file's bytes.

    Looking at the clock for each block that is read, and each chunk, is all that it costs where nothing is shown.
    """

    def __init__(self, name: str) -> None:
        """Show nothing yet."""
        self._name = plain(name)
        self._bar: Progress | None = None
        self._done, self._all = 0, 0
        self._found = ""
        self._next = time.monotonic() + FIRST_S

    def bytes(self, done: int, total: int) -> None:
        """So many bytes of the file have been read."""
        self._done, self._all = done, total
        self._draw()

    def step(self, chunk: Detections, tally: Tally) -> Detections:
        """A chunk has been read, and is handed on."""
        self._found = f"{tally.images:,} images, {tally.read:,} boxes"
        self._draw()
        return chunk

    def _draw(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S
        if self._bar is None:
            self._bar = _bar("{task.description}", auto_refresh=False)
            self._bar.add_task("", total=None)
            self._bar.start()
        text = f"reading {self._name}: {self._found}" if self._found else f"reading {self._name}"
        self._bar.update(self._bar.task_ids[0], completed=self._done, total=self._all or None, description=text)
        self._bar.refresh()

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self._next = math.inf


@contextmanager
def reading(predictions: Predictions) -> Iterator[tuple[Predictions, Callable[[], None]]]:
    """The same predictions, whose reading is shown where standard error is a terminal; and what takes the bar away."""
    if is_quiet() or not draws():
        yield predictions, lambda: None
        return
    shown = Reading(predictions.source.name)
    if isinstance(predictions.source, FileSource):
        predictions.source.watch = shown.bytes
    try:
        yield predictions.watched(shown.step), shown.end
    finally:
        shown.end()


@contextmanager
def counting(name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """What is told how many of how many are done: a bar where standard error is a terminal, else nothing."""
    if is_quiet() or not draws():
        yield lambda _done, _all: None
        return
    with _bar(unit, numbered=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(text: str, *, numbered: bool = False, auto_refresh: bool = True) -> Progress:
    """A bar on standard error with a text and the time left, perhaps with how many of how many; gone at its end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    numbers = [MofNCompleteColumn()] if numbered else []
    columns = (BarColumn(), *numbers, TextColumn(text, markup=False), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=auto_refresh)


def deletion(boxes: Mapping[str, int]) -> str:
    """What is about to be deleted, in one line."""
    return (
        f"deleting {counted(sum(boxes.values()), 'box')} that people made or changed, in {counted(len(boxes), 'file')}"
    )


@contextmanager
def progress(before: Callable[[], None] = lambda: None) -> Iterator[Listener]:
    """A bar where standard error is a terminal, else lines; `before` is called when sending begins."""
    if is_quiet():
        yield Warnings()
        return
    if not draws():
        yield Lines()
        return
    rates = "done, {task.fields[sent]} sent, {task.fields[refused]} refused, {task.fields[rate]:.0f}/s"
    bar = _bar(rates, numbered=True)
    try:
        yield Bar(bar, bar.add_task("push", total=None, sent=0, refused=0, rate=0.0), before)
    finally:
        bar.stop()
