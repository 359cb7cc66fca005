"""The pace: as fast as the server's own rate limit allows, learnt from its answers, shared by all connections."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WINDOW_S = 1.0  #: the server counts in fixed windows of a second, each begun by its first request
MARGIN_S = 0.002
FIRST_ANSWER_S = 5.0  #: how long the first answer is waited for
POLL_S = 0.01
DRIFT_S = 1e-5  #: how much the estimate of the clocks' difference is loosened at each answer


class Pacer:
    """Lets as many requests of one route through in each window of the server as its limit says.

    The first request goes alone, since its answer may name a limit; until one does there is none. The end of a window
    comes in the server's clock; how far that clock is from ours is bounded by each answer, since a window cannot have
    begun after one of its requests was answered.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Start without a limit; `clock` gives seconds, `sleep` waits for some."""
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._first: float | None = None
        self._answered = False
        self._limit: int | None = None
        self._used = 0
        self._end = 0.0
        self._reset = 0.0
        self._lag: float | None = None

    def acquire(self) -> None:
        """Wait until one more request may be sent."""
        while (pause := self._take()) > 0:
            self._sleep(pause)

    def _take(self) -> float:
        """Take a place in the window and give 0, or the seconds until the next window."""
        with self._lock:
            now = self._clock()
            if self._first is None:
                self._first = now
            elif not self._answered and now < self._first + FIRST_ANSWER_S:
                return POLL_S
            if self._limit is None:
                return 0.0
            if now >= self._end + MARGIN_S:
                self._end, self._used = now + WINDOW_S, 0
            if self._used < self._limit:
                self._used += 1
                return 0.0
            return self._end + MARGIN_S - now

    def learn(self, headers: Mapping[str, str], status: int) -> float:
        """Take in what an answer says of the limit; gives the seconds to wait where the answer was 429, else 0."""
        limit, remaining, reset = (
            _number(headers.get(f"X-RateLimit-{key}")) for key in ("Limit", "Remaining", "Reset")
        )
        with self._lock:
            self._answered = True
            now = self._clock()
            if limit is not None and limit >= 1 and reset is not None:
                self._limit = int(limit)
                self._see_window(now, reset, int(limit - (remaining or 0)))
            if status != 429:
                return 0.0
            return self._refused(now, _number(headers.get("Retry-After")))

    def _see_window(self, now: float, reset: float, used: int) -> None:
        bound = now - (reset - WINDOW_S)
        self._lag = bound if self._lag is None else min(self._lag + DRIFT_S, bound)
        if reset < self._reset:
            return
        self._used = max(self._used, used) if reset == self._reset or now < self._end else used
        self._reset = reset
        self._end = reset + self._lag

    def _refused(self, now: float, retry_after_s: float | None) -> float:
        if self._limit is None:
            return retry_after_s or WINDOW_S
        self._used = self._limit
        self._end = max(self._end, now)
        return self._end + MARGIN_S - now


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
