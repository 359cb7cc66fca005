"""The budget of waiting: how long a run may wait for the server in all, whatever it waits for."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boxferry.observing import events
from boxferry.observing.names import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Budget:
    """Seconds that may be spent on waiting; what is spent on sending, while that goes on, does not count."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin with so many; `clock` gives seconds, `sleep` waits for some."""
        self.seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._spent_s = 0.0
        self._since: float | None = None

    @property
    def left_s(self) -> float:
        """What is left; 0 when all is spent."""
        running = 0.0 if self._since is None else self._clock() - self._since
        return max(0.0, self.seconds - self._spent_s - running)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time inside; may be entered again inside."""
        if self._since is not None:
            yield
            return
        self._since = self._clock()
        try:
            yield
        finally:
            seconds, self._since = self._clock() - self._since, None
            self._spent_s += seconds
            events.waited(Cause.PROCESSING, seconds)

    def pause(self, seconds: float) -> bool:
        """Wait so long and tell True; where less is left, do not wait, and tell False."""
        if self.left_s < seconds:
            return False
        self._sleep(seconds)
        return True
