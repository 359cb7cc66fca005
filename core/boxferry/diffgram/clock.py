"""The server's clock and its outages, learnt from its answers: this machine's clock is not compared with it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from boxferry.diffgram.headers import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_S = 5.0  #: seconds without an answer that are an outage
DATE_S = 1.0  #: by so much two processes differ in the server's time, which its answers give in whole seconds
HELD_S = 3600.0  #: for longer no gateway holds a request back
SERVICE = "/api/walrus/"  #: the paths of that service
GATEWAY = frozenset({502, 503, 504})  #: what a gateway answers in place of a service that is away
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
        if (told := seconds_of(date)) is None:
            return
        bound = told - self._monotonic()
        if self._ahead is None or bound > self._ahead or bound < self._ahead - SET_BACK_S:
            self._ahead = bound

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._local() if self._ahead is None else self._monotonic() + self._ahead


class Outages:
    """Hears of every call to the service that takes packets: a gateway may hold requests back over an outage.

    Moments are kept by the monotonic clock: what the server's clock said then may have been a second behind, and how
    far, later answers tell.
    """

    def __init__(self, clock: Callable[[], float], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin; `clock` gives seconds since the epoch by the server's clock, `monotonic` those since some moment."""
        self._clock, self._monotonic = clock, monotonic
        self._since: float | None = None
        self._over: float | None = None
        self._first: float | None = None

    @property
    def over(self) -> float:
        """When the last outage ended, by the server's clock; 0 where there was none."""
        return self._by_server(self._over)

    def back(self, sent: float) -> float:
        """When the service answered again after an outage that something sent earlier may have waited for; else 0.

        Of what another process sent before the service first answered this one, it is unknown whether an outage lay
        in between; no gateway holds a request back for longer than `HELD_S`.
        """
        first = self._by_server(self._first)
        unknown = self._first is not None and LONG_S - DATE_S <= first - sent <= HELD_S
        return max(self.over, first) if unknown else self.over

    def _by_server(self, moment: float | None) -> float:
        return 0.0 if moment is None else self._clock() - (self._monotonic() - moment)

    def heard(self, path: str, status: int) -> None:
        """Take in the status of an answer."""
        if status in GATEWAY:
            self.missed(path)
        elif path.startswith(SERVICE):
            self._answered()

    def _answered(self) -> None:
        now = self._monotonic()
        if self._first is None:
            self._first = now
        since, self._since = self._since, None
        if since is not None and now - since >= LONG_S:
            self._over = now

    def missed(self, path: str) -> None:
        """Take in that a call had no answer."""
        if path.startswith(SERVICE) and self._since is None:
            self._since = self._monotonic()
