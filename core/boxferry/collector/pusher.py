"""The thread that pushes what a collector has written to disk: every few seconds, and until the deadline at the end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from boxferry.collector.disk_queue_push import DiskQueuePush
from boxferry.errors import OutboxBusy
from boxferry.outbox.outcome import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.collector.disk_queue import DiskQueue
    from boxferry.collector.disk_queue_push import Doing
    from boxferry.collector.report import CollectorReport
    from boxferry.deliver.report import PushResult

PASSES = 3  #: at the end: what waits for the end of an earlier packet is tried again
LONGEST_PAUSE_S = 60.0  #: between two attempts, however many have failed


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
                failed = self._files.everything(
                    lambda: -1.0 if self._closing.is_set() else 0.0, more=self._queue.rotate
                )
                pause_s = min(LONGEST_PAUSE_S, max(self._every_s, 2 * pause_s)) if failed else self._every_s
            self._finish()
        except BaseException as error:  # noqa: BLE001 # in a thread there is nothing to raise it to
            self._report.note(repr(error))

    def _left_s(self) -> float:
        return self._deadline - self._clock()

    def _finish(self) -> None:
        """Push until nothing is left, nothing can be pushed, or the time is over; then wait for the end of all."""
        for _ in range(PASSES):
            if self._left_s() > 0 and self._files.everything(self._left_s, more=self._queue.rotate):
                return
        if self._settle and self._report.pushes and self._left_s() > 0 and _under_way(self._report.pushes[-1]):
            self._report.pushed(self._settle(self._report.pushes[-1], self._left_s()))


def _under_way(report: PushResult) -> bool:
    """Whether packets of the run have not ended, and nothing keeps them from that."""
    return report.stopped is None and bool(OPEN & set(report.states))
