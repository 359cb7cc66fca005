"""The pace: as fast as the server's own rate limit allows, learnt from its answers, shared by all connections."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from boxferry.diffgram.headers import number, retry_after_s
from boxferry.observing import events
from boxferry.observing.names import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WINDOW_S = 1.0  #: the server counts in fixed windows of a second, each begun by its first request
MARGIN_S = 0.002
FIRST_ANSWER_S = 5.0  #: how long the first answer is waited for
POLL_S = 0.01
DRIFT_S = 1e-5  #: how much the bound between the clocks is loosened at each answer
LEADS = 32  #: how many windows back the way to the server is remembered
TRIPS = 64  #: how many requests back the time from a request to its answer is remembered
TRUSTED = 4  #: from how many on it is relied upon; the first ones have a connection's set-up in them
LARGEST_LIMIT = 1_000_000  #: requests a window; a larger limit is none
CLOCK_SET_S = 3600.0  #: a window that ends so much earlier than the last one was said to: the server's clock was set


class HeldError(Exception):
    """Nothing may leave for longer than the caller waits.

    Attributes:
        seconds: for how long.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"held for {seconds:.0f} s")
        self.seconds = seconds


class Pacer:
    """Lets as many requests of one route through in each window of the server as its limit says.

    The first request goes alone, since its answer may name a limit; until one does there is none.

    When a window ends is said in the server's clock. Each answer bounds how far that is from ours, since a window has
    begun before one of its requests was answered: from the bound on it is certain that the window is over. But a
    request that leaves only then comes late by the whole way to the server and back, in every window. So the moments at
    which the requests left that opened the last windows are kept too: what leaves as late as the latest of them, and a
    margin, arrives when the next window may begin, however far away the server is.

    Where the end is said in whole seconds, rounded up, that is no help. Then a window is over a second after the
    request that opened it was answered; and what leaves a second after that request left arrives in time too, if it
    waits for as much longer as that answer took than the quickest of the last ones.
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
        self._flight = 0  # requests that have left and are not answered yet
        self._used = 0  # requests of the window, as the server last said
        self._reset = 0.0  # the window's end, server's clock
        self._refused_in = 0.0  # the end of the last window that refused a request, server's clock
        self._bound = math.inf  # our clock is ahead of the server's by this at most
        self._leads: deque[float] = deque(maxlen=LEADS)  # departures that opened windows, less the windows' begins
        self._trips: deque[float] = deque(maxlen=TRIPS)  # seconds from a request to its answer
        self._opener: tuple[float, float] | None = None  # the request that opened the window: when it left, its trip
        self._over = math.inf  # when the window is over for certain, our clock
        self._opens = 0.0  # from when a request arrives in the next window, our clock
        self._held = 0.0  # until when nothing leaves, our clock

    def acquire(self, *, within_s: float = math.inf) -> float:
        """Wait until one more request may leave; gives the moment, by the clock, for `learn`.

        Each `acquire` is followed by one `learn`, whatever became of the request.

        Args:
            within_s: for how many seconds an answer of 429 may hold everything back.

        Raises:
            HeldError: it does so for longer; no `learn` follows.
        """
        waited_s = 0.0
        while True:
            with self._lock:
                now = self._clock()
                if self._held - now > within_s:
                    raise HeldError(self._held - now)
                if (pause := self._pause(now)) <= 0:
                    self._first = now if self._first is None else self._first
                    self._flight += 1
                    break
            self._sleep(pause)
            waited_s += pause
        events.waited(Cause.RATE_LIMIT, waited_s)
        return now

    def _pause(self, now: float) -> float:
        """Seconds until it is worth asking again; 0 when a request may leave."""
        if now < self._held:
            return self._held - now
        if not self._answered and self._flight and now < (self._first or 0.0) + FIRST_ANSWER_S:
            return POLL_S
        if self._limit is None or self._used + self._flight < self._limit:
            return 0.0
        if now < self._opens < math.inf:
            return self._opens - now
        if now >= self._opens:
            self._used, self._opens = 0, math.inf
        return 0.0 if self._flight < self._limit else POLL_S

    def learn(self, headers: Mapping[str, str], status: int | None, *, departed: float) -> None:
        """Take in what an answer says of the limit.

        Args:
            headers: the answer's.
            status: the answer's, None where there was no answer.
            departed: what `acquire` gave.
        """
        limit, remaining, reset = (number(headers.get(f"X-RateLimit-{key}")) for key in ("Limit", "Remaining", "Reset"))
        with self._lock:
            now = self._clock()
            self._flight -= 1
            self._answered = self._answered or status is not None
            if limit is not None and 1 <= limit <= LARGEST_LIMIT and reset is not None:
                self._limit = int(limit)
                self._see(now, departed, reset, used=int(limit - min(remaining or 0, limit)), refused=status == 429)
            if status == 429 and (self._limit is None or departed >= self._over):
                self._hold(now, retry_after_s(headers))

    def _see(self, now: float, departed: float, reset: float, *, used: int, refused: bool) -> None:
        """Take in the state of one window; one that is over already says nothing any more."""
        if self._reset - CLOCK_SET_S > reset:
            self._forget()
        if reset < self._reset:
            return
        if reset > self._reset:
            self._reset, self._used, self._opener, self._over = reset, 0, None, now + WINDOW_S
        self._used = max(self._used, used)
        self._refused_in = reset if refused else self._refused_in
        self._trips.append(now - departed)
        if reset.is_integer():
            self._see_whole(now, departed, opened=used == 1 and not refused)
        else:
            self._see_exact(now, departed, reset, opened=used == 1, refused=refused)

    def _see_whole(self, now: float, departed: float, *, opened: bool) -> None:
        """Find the next window's begin where the server says whole seconds: by the request that opened this one."""
        if opened:
            self._opener = departed, now - departed
        if self._opener is None:
            self._opens = self._over + MARGIN_S
            return
        left, trip = self._opener
        known = len(self._trips) >= TRUSTED and self._refused_in != self._reset
        late = trip - min(self._trips) if known else trip
        self._opens = left + late + WINDOW_S + MARGIN_S

    def _see_exact(self, now: float, departed: float, reset: float, *, opened: bool, refused: bool) -> None:
        """Find the next window's begin where the server says when this one ends."""
        bound = now - (reset - WINDOW_S)
        if any(lead > bound for lead in self._leads):  # none can be, unless the server's clock was set
            self._leads.clear()
        self._bound = min(self._bound + DRIFT_S, bound)
        if refused:
            self._leads.append(departed - reset + MARGIN_S)
        elif opened:
            self._leads.append(departed - (reset - WINDOW_S))
        self._over = reset + self._bound
        self._opens = reset + self._lead()

    def _lead(self) -> float:
        """When a request has to leave at the earliest, counted from the end of the window in the server's clock."""
        if len(self._leads) < TRUSTED or self._refused_in == self._reset:
            return self._bound + MARGIN_S
        return min(max(self._leads), self._bound) + MARGIN_S

    def _hold(self, now: float, seconds: float) -> None:
        """Stop everything for a while and begin anew."""
        self._held = now + (seconds or WINDOW_S)
        self._forget()

    def _forget(self) -> None:
        """What was known of the limit does not hold any more."""
        self._bound, self._reset, self._used, self._over = math.inf, 0.0, 0, math.inf
        self._leads.clear()
