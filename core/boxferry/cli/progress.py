"""How a push goes on, for people: a bar on a terminal, else a line now and then; on standard error."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boxferry.cli.output import say
from boxferry.sending.listener import Listener
from boxferry.sending.outbox import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.progress import Progress, TaskID

    from boxferry.sending.outbox import Entry
    from boxferry.sending.outcome import Outcome

LINE_EVERY_S = 10.0


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
        self._write(f"{', '.join(f'{n} {state}' for state, n in sorted(counts.items()))} of {self._total} packets")


class Bar(Listener):
    """A bar that shows what has ended, what was sent, the rate and the time left."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        """Draw on `progress`."""
        self._progress = progress
        self._task = task
        self._lock = threading.Lock()
        self._states: dict[int, str] = {}
        self._began = time.monotonic()

    def deleting(self, boxes: Mapping[str, int]) -> None:
        """Say what is about to go."""
        self._progress.console.print(deletion(boxes))

    def started(self, packets: int) -> None:
        """Know the whole."""
        self._progress.update(self._task, total=packets)

    def changed(self, entry: Entry, outcome: Outcome) -> None:
        """Draw it."""
        with self._lock:
            self._states[entry.id] = outcome.state
            counts = Counter(self._states.values())
        ended, seconds = sum(counts[state] for state in ENDED), time.monotonic() - self._began
        sent, refused = len(self._states), counts["refused"]
        self._progress.update(self._task, completed=ended, sent=sent, refused=refused, rate=sent / max(seconds, 1e-3))


@contextmanager
def counting(name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """What is told how many of how many are done: a bar where standard error is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def deletion(boxes: Mapping[str, int]) -> str:
    """What is about to be deleted, in one line."""
    return f"deleting {sum(boxes.values())} boxes that people made or changed, in {len(boxes)} files"


@contextmanager
def progress() -> Iterator[Listener]:
    """A bar where standard error is a terminal, else lines."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("done, {task.fields[sent]} sent, {task.fields[refused]} refused, {task.fields[rate]:.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Bar(bar, bar.add_task("push", total=None, sent=0, refused=0, rate=0.0))
