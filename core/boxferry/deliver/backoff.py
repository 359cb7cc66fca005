"""The backoff: after a failed call everybody waits a little, longer each time; after a run of them sending stops."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from random import random
from typing import TYPE_CHECKING

from boxferry.observing import events
from boxferry.observing.names import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


@dataclass(eq=False, kw_only=True)
class Backoff:
    """Counts failures in a row over all connections.

    Attributes:
        patience: how many failures in a row end the sending.
        first_pause_s: seconds to wait after the first failure; they double with each further one.
        limit_s: for how many seconds no call may work before sending ends.
        clock: seconds.
        random: gives 0 to 1; half of each pause is left to chance, so that many senders do not come back at once.
        sleep: waits.
    """

    patience: int = 8
    first_pause_s: float = FIRST_PAUSE_S
    limit_s: float = math.inf
    clock: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random
    sleep: Callable[[float], None] = time.sleep
    _failing_since: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._failures = 0
        self._lock = threading.Lock()

    def worked(self) -> None:
        """A call went through: the count starts again."""
        with self._lock:
            self._failures = 0
            self._failing_since = None

    @property
    def left_s(self) -> float:
        """Seconds for which calls may still fail."""
        since = self._failing_since
        return self.limit_s if since is None else max(0.0, self.limit_s - (self.clock() - since))

    def failed(self) -> bool:
        """A call failed: wait, then tell whether to try on."""
        with self._lock:
            self._failures += 1
            failures = self._failures
            if self._failing_since is None:
                self._failing_since = self.clock()
        pause = min(self.first_pause_s * 2 ** (failures - 1), LONGEST_PAUSE_S) * (0.5 + self.random() / 2)
        if failures >= self.patience or self.left_s < pause:
            return False
        events.retried(Cause.BACKOFF, pause)
        self.sleep(pause)
        return True
