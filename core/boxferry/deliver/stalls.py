"""Tells inputs that the server is at work on from those that it will never apply."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from boxferry.destination import InputState as State
from boxferry.destination import begun, input_state
from boxferry.plan.patience import STUCK_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.destination import InputRecord

VIDEOS_TAKE = 3.0  #: how many times longer a video may be without a sign of progress
PASSED_OVER = 3  #: later inputs that end before one that was never begun is taken for lost


class _Seen(NamedTuple):
    """How an unfinished input looked, and since when, by the monotonic clock."""

    sign: tuple[str | None, float | None]
    since: float


class Stalls:
    """Remembers how far each input was at each look.

    A worker of the server that dies leaves its input as it was, for good; a server whose workers are all dead leaves
    every input so. One whose CPU is busy begins none for minutes, and goes on later: what was not begun is not stuck.
    """

    def __init__(self, *, stuck_s: float = STUCK_S, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin; an input that does not move for `stuck_s` seconds is suspect."""
        self._stuck_s = stuck_s
        self._clock = clock
        self._open: dict[int, _Seen] = {}
        self._ended: set[int] = set()
        self._moved = clock()
        self._waiting = 0

    def see(self, records: Iterable[InputRecord]) -> None:
        """Take in what some inputs look like now."""
        for record in records:
            if record.id is not None:
                self._see(record.id, record)

    def see_unfinished(self, records: Iterable[InputRecord]) -> None:
        """Take in all inputs of the project that have not ended; what is not among them any more has."""
        listed = {record.id: record for record in records if record.id is not None}
        for gone in self._open.keys() - listed.keys():
            self._end(gone)
        self.see(listed.values())
        self._waiting = len(listed)

    def _see(self, number: int, record: InputRecord) -> None:
        if input_state(record) is not State.WORKING:
            return self._end(number)
        sign = (record.status, record.percent_complete)
        known = self._open.get(number)
        if known is None or known.sign != sign:
            self._open[number] = _Seen(sign, self._clock())
            self._moved = self._clock() if known else self._moved
        return None

    def _end(self, number: int) -> None:
        if self._open.pop(number, None) is not None:
            self._moved = self._clock()
        self._ended.add(number)

    @property
    def idle_s(self) -> float:
        """For how long nothing of the project has moved, as far as it was looked at."""
        return self._clock() - self._moved

    def silence(self) -> str:
        """What a server on which nothing moves is likely to have; empty while something does."""
        if self.idle_s < self._stuck_s:
            return ""
        waiting = f"{max(self._waiting, len(self._open))} inputs wait on the server"
        return (
            f"{waiting} and none has progressed for {self.idle_s:.0f} s: its workers may be dead or its CPU busy; "
            "if this continues, restart its service"
        )

    def reason(self, record: InputRecord, *, video: bool = False) -> str:
        """Why the server will never apply an input; empty while it may."""
        known = self._open.get(record.id or 0)
        limit_s = self._stuck_s * (VIDEOS_TAKE if video else 1.0)
        if known is None or (still_s := self._clock() - known.since) < limit_s:
            return ""
        later = self.passed_over(record)
        if not begun(record):
            lost = later >= PASSED_OVER and not video
            return f"input {record.id} was never started, while {later} later ones ended" if lost else ""
        where = f"input {record.id} has been '{record.status}' for {still_s:.0f} s"
        if later:
            return f"{where}, while {later} later ones ended: the server's worker has died on it"
        if self.idle_s >= limit_s:
            return f"{where}, and nothing else progresses: the server's workers are dead; restart its service"
        return ""

    def passed_over(self, record: InputRecord) -> int:
        """How many later inputs have ended."""
        return sum(number > (record.id or 0) for number in self._ended)
