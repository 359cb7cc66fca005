"""The server's clock, learnt from its answers: what was sent when is compared by it, never by this machine's."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SET_BACK_S = 3.0  #: an answer that is this much behind what is expected means that the server's clock was set


class ServerClock:
    """Seconds since the epoch as the server counts them; this machine's own as long as no answer had a `Date`.

    A `Date` header has whole seconds and has been on its way, so each answer bounds the difference from below; the
    latest bound is the best. Between answers the time goes on by the monotonic clock, which nobody can set.
    """

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, local: Callable[[], float] = time.time
    ) -> None:
        """Begin with this machine's clock; both arguments give seconds."""
        self._monotonic = monotonic
        self._local = local
        self._ahead: float | None = None  # of the monotonic clock

    def heard(self, date: str | None) -> None:
        """Take in the `Date` header of an answer; one that cannot be read says nothing."""
        try:
            bound = parsedate_to_datetime(date or "").timestamp() - self._monotonic()
        except (ValueError, TypeError, OverflowError):
            return
        if self._ahead is None or bound > self._ahead or bound < self._ahead - SET_BACK_S:
            self._ahead = bound

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._local() if self._ahead is None else self._monotonic() + self._ahead
