"""The threads that work inputs off: how they take them, wait, die, and are replaced."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.sandbox.store import NEVER, now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.sandbox.store import Row, Store

log = logging.getLogger("boxferry.sandbox")

LONGEST_PAUSE_S = 3600.0


class Abandoned(Exception):
    """An input is left as it is, 'processing' for good.

    Attributes:
        code: the word in the broken status line by which an upload is answered; None where it is a plain status 500.
    """

    def __init__(self, words: str, *, code: str | None = None) -> None:
        super().__init__(words)
        self.code = code


class WorkerDied(Abandoned):
    """The same, and the thread that worked on it ends."""


@dataclass(frozen=True, kw_only=True)
class Later:
    """Work that goes on after an input was answered, such as that on a video's frames; a restart forgets it.

    Attributes:
        due: when, seconds since the epoch by this machine's clock.
        job: the work.
    """

    due: float
    job: Callable[[], None]


@dataclass(eq=False)
class _Team:
    """Threads that were started together.

    Attributes:
        alive: how many of them have not died.
        dismissed: they end after the input in hand.
    """

    threads: list[threading.Thread] = field(default_factory=list)
    alive: int = 0
    dismissed: bool = False


class Workers:
    """Threads that process the inputs that are due, several at a time."""

    def __init__(self, store: Store, process: Callable[[Row], None], *, count: int = 4) -> None:
        """Prepare; `start` begins.

        Args:
            store: has the inputs.
            process: carries one input out, in one of the threads.
            count: how many threads there are.
        """
        self._store = store
        self._process = process
        self._count = count
        lock = threading.Lock()
        self._wake = threading.Condition(lock)  # there is work
        self._quiet = threading.Condition(lock)  # work was put down
        self._team = _Team()
        self._in_hand = 0
        self._later: list[Later] = []
        self._busy = False
        self._paused_until = 0.0

    def start(self) -> None:
        """Begin with what waits. What was being worked on when an earlier run ended is not taken up again."""
        self._team = _Team(alive=self._count)
        self._team.threads = [
            threading.Thread(target=self._run, args=(self._team,), name=f"boxferry-sandbox-worker-{n}", daemon=True)
            for n in range(self._count)
        ]
        for thread in self._team.threads:
            thread.start()

    def stop(self) -> None:
        """End after the inputs in hand; later work is forgotten."""
        with self._wake:
            self._team.dismissed = True
            self._later.clear()
            self._wake.notify_all()
        for thread in self._team.threads:
            thread.join()

    @property
    def alive(self) -> int:
        """How many threads have not died."""
        return self._team.alive

    @property
    def busy(self) -> bool:
        """Whether the machine's CPU is taken to be busy: no input is begun then."""
        return self._busy

    @busy.setter
    def busy(self, value: bool) -> None:
        with self._wake:
            self._busy = value
            self._wake.notify_all()

    def pause(self, seconds: float) -> None:
        """Begin no input for so long."""
        with self._wake:
            self._paused_until = now() + seconds

    def notify(self) -> None:
        """Something is in the queue."""
        with self._wake:
            self._wake.notify()

    def later(self, delay_s: float, job: Callable[[], None]) -> None:
        """Do a job after so many seconds."""
        with self._wake:
            self._later.append(Later(due=now() + delay_s, job=job))
            self._wake.notify()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Work that is done elsewhere, on an upload, counts as in hand."""
        with self._wake:
            self._in_hand += 1
        try:
            yield
        finally:
            with self._wake:
                self._put_down()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is in hand, and nothing waits that will be worked on; False at the end of the time."""
        deadline = time.monotonic() + timeout_s
        with self._wake:
            while self._in_hand or self._waits():
                if (left := deadline - time.monotonic()) <= 0:
                    return False
                self._quiet.wait(min(left, 0.05))
        return True

    def _waits(self) -> bool:
        if not self.alive:
            return False
        query = "SELECT id FROM input WHERE status = 'init' AND due < ? LIMIT 1"
        return bool(self._later) or self._store.row(query, NEVER) is not None

    def _put_down(self) -> None:
        self._in_hand -= 1
        self._quiet.notify_all()

    def _run(self, team: _Team) -> None:
        while (job := self._next(team)) is not None:
            died = not _survived(job)
            with self._wake:
                team.alive -= died
                self._put_down()
            if died:
                return

    def _next(self, team: _Team) -> Callable[[], None] | None:
        """The next work, once it is due; None for a team that was dismissed."""
        with self._wake:
            while not team.dismissed:
                due, job = (None, None) if self._busy else self._taken()
                if job is not None:
                    self._in_hand += 1
                    return job
                self._wake.wait(None if due is None else min(max(0.0, due - now()), LONGEST_PAUSE_S))
        return None

    def _taken(self) -> tuple[float | None, Callable[[], None] | None]:
        """When the next work is due, and the work, taken, if that is now; None and None where nothing waits."""
        row = self._store.first_waiting()
        waiting = [*self._later, *([Later(due=row["due"], job=lambda: self._process(row))] if row else [])]
        if not waiting:
            return None, None
        first = min(waiting, key=lambda each: each.due)
        due = max(first.due, self._paused_until)
        if due > now():
            return due, None
        if first in self._later:
            self._later.remove(first)
        elif row:
            self._store.begin(row["id"])
        return due, first.job


def _survived(job: Callable[[], None]) -> bool:
    """Do a job; tells whether the thread lives on."""
    try:
        job()
    except WorkerDied as death:
        log.info("a worker died: %s", death)
        return False
    except Abandoned as end:
        log.info("an input stays as it is: %s", end)
    return True
