"""When the service that takes packets answered again after an outage, over which a gateway may hold requests back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_S = 5.0  #: seconds without an answer that are an outage
SERVICE = "/api/walrus/"  #: the paths of that service
GATEWAY = frozenset({502, 503, 504})  #: what a gateway answers in place of a service that is away


class Outages:
    """Hears of every call to one service, answered or not.

    Attributes:
        over: when the last outage ended, by the given clock; 0 where there was none.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin; `clock` gives seconds."""
        self._clock = clock
        self._since: float | None = None
        self.over = 0.0

    def heard(self, path: str, status: int) -> None:
        """Take in the status of an answer."""
        if status in GATEWAY:
            self.missed(path)
        elif path.startswith(SERVICE) and (since := self._since) is not None:
            self._since = None
            if self._clock() - since >= LONG_S:
                self.over = self._clock()

    def missed(self, path: str) -> None:
        """Take in that a call had no answer."""
        if path.startswith(SERVICE) and self._since is None:
            self._since = self._clock()
