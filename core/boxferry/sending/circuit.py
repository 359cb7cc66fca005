"""The circuit: after a failed call everybody waits a little, longer each time; after a run of them sending stops."""

from __future__ import annotations

import threading
import time
from random import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class Circuit:
    """Counts failures in a row over all connections.

    Attributes:
        patience: how many failures in a row end the sending.
    """

    def __init__(
        self,
        *,
        patience: int = 8,
        first_pause_s: float = FIRST_PAUSE_S,
        random: Callable[[], float] = random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start closed: calls go through.

        Args:
            patience: how many failures in a row end the sending.
            first_pause_s: seconds to wait after the first failure; they double with each further one.
            random: gives 0 to 1; half of each pause is left to chance, so that many senders do not come back at once.
            sleep: waits.
        """
        self.patience = patience
        self._first_pause_s = first_pause_s
        self._random = random
        self._sleep = sleep
        self._failures = 0
        self._lock = threading.Lock()

    def worked(self) -> None:
        """A call went through: the count starts again."""
        with self._lock:
            self._failures = 0

    def failed(self) -> bool:
        """A call failed: wait, then tell whether to try on."""
        with self._lock:
            self._failures += 1
            failures = self._failures
        if failures >= self.patience:
            return False
        pause = min(self._first_pause_s * 2 ** (failures - 1), LONGEST_PAUSE_S)
        self._sleep(pause * (0.5 + self._random() / 2))
        return True
