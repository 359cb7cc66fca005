"""The thread that pushes what a collector has written to disk: every few seconds, and until the deadline at the end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from boxferry.collector.disk_queue import left_over
from boxferry.collector.disk_queue_push import DiskQueuePush
from boxferry.errors import BoxferryError, OutboxBusy, StillProcessing
from boxferry.outbox.outcome import OPEN, UNSENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.collector.disk_queue import DiskQueue
    from boxferry.collector.disk_queue_push import Doing
    from boxferry.collector.report import CollectorReport
    from boxferry.deliver.report import PushResult

PASSES = 3  #: at the end: what waits for the end of an earlier packet is tried again
LONGEST_PAUSE_S = 60.0  #: between two attempts, however many have failed
NOTED = 10  #: how often in a row another process is sending before it is noted: workers of one service take turns
TURN_S = 0.1  #: at the end: between two attempts while another process is sending


class Pusher:
    """Pushes the files of a queue. What keeps it from pushing is noted, and tried again after a while."""

    def __init__(
        self,
        queue: DiskQueue,
        doing: Doing,
        report: CollectorReport,
        *,
        settle: Callable[[PushResult, float], PushResult] | None,
        every_s: float,
        clock: Callable[[], float],
    ) -> None:
        """Prepare.

        Args:
            queue: whose files are pushed.
            doing: how.
            report: where it is written what was done.
            settle: waits for the end of what a push has sent, so many seconds; gives how it stands then.
            every_s: seconds between pushes.
            clock: seconds.
        """
        self._queue, self._report, self._settle = queue, report, settle
        self._every_s, self._clock = every_s, clock
        self._files = DiskQueuePush(queue.folder, doing, pushed=report.pushed, note=report.note, own=queue.own)
        self._doing, self._refused = doing, 0
        self._closing = threading.Event()
        self._deadline = 0.0
        self._thread = threading.Thread(target=self._work, name="boxferry-pusher", daemon=True)

    def start(self) -> None:
        """Begin: with what an earlier process has left behind."""
        self._thread.start()

    def close(self, deadline: float) -> bool:
        """Push what is left, until the deadline by the clock; tells whether that has come to its end."""
        self._deadline = deadline
        self._closing.set()
        self._thread.join(max(0.0, deadline - self._clock()))
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            pause_s = 0.0
            while not self._closing.wait(pause_s):
                problem = self._pushed_all(lambda: -1.0 if self._closing.is_set() else 0.0)
                pause_s = self._pause_s(problem, pause_s)
            self._finish()
        except BaseException as error:  # noqa: BLE001 # in a thread there is nothing to raise it to
            self._report.note(repr(error))

    def _pushed_all(self, wait_s: Callable[[], float], *, go_on: bool = True) -> BaseException | None:
        """Push all that is there, then what the outbox has; gives what keeps it from being pushed."""
        problem = self._files.everything(wait_s, more=self._queue.rotate) or (self._gone_on(wait_s) if go_on else None)
        if not isinstance(problem, OutboxBusy):
            self._refused = 0
            return problem
        self._queue.rotate()  # whoever is sending takes it along
        self._refused += not self._closing.is_set()
        if self._refused == NOTED:
            self._report.note(str(problem))
        return problem

    def _gone_on(self, wait_s: Callable[[], float]) -> BaseException | None:
        """Send what the outbox has of the run: the server was away in the middle of a push, or a process was killed."""
        if (left := wait_s()) < 0:
            return None
        try:
            report = self._doing.go_on(left)
        except BoxferryError as error:
            if not isinstance(error, OutboxBusy):
                self._report.note(str(error))
            return error
        if report is None:
            return None
        self._report.pushed(report)
        return report.stopped or (StillProcessing("unsent") if UNSENT & set(report.states) else None)

    def _pause_s(self, problem: BaseException | None, former_s: float) -> float:
        """Seconds until the next attempt: more and more where the last ones have failed, at others' turns not."""
        if problem is None or isinstance(problem, OutboxBusy):
            return self._every_s
        return min(LONGEST_PAUSE_S, max(self._every_s, 2 * former_s))

    def _left_s(self) -> float:
        return self._deadline - self._clock()

    def _finish(self) -> None:
        """Push until nothing is left, nothing can be pushed, or the time is over; then wait for the end of all.

        At first no push waits for the end of its packets: the time might be over before the next one is begun.
        """
        for number in range(1 + PASSES):
            if problem := self._at_ones_turn(waiting=number > 0):
                return self._report.note(str(problem)) if isinstance(problem, OutboxBusy) else None
        if self._settle and self._report.pushes and self._left_s() > 0 and _under_way(self._report.pushes[-1]):
            self._report.pushed(self._settle(self._report.pushes[-1], self._left_s()))
        return None

    def _none_s(self) -> float:
        return 0.0 if self._left_s() > 0 else -1.0

    def _at_ones_turn(self, *, waiting: bool) -> BaseException | None:
        """Push all that is there, once no other process is sending, or has taken it; not after the deadline."""
        problem = None
        while self._left_s() > 0:
            problem = self._pushed_all(self._left_s if waiting else self._none_s, go_on=waiting)
            if not isinstance(problem, OutboxBusy):
                return problem
            if not any(path.exists() for path in [*self._queue.own, *left_over(self._queue.folder)]):
                return None
            time.sleep(min(TURN_S, max(0.0, self._left_s())))
        return problem


def _under_way(report: PushResult) -> bool:
    """Whether packets of the run have not ended, and nothing keeps them from that."""
    return report.stopped is None and bool(OPEN & set(report.states))
