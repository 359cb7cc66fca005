"""What the routes work with: the data, the worker, who may come in, and how often.

The rate limit is a fixed window of a second per remote address and route, begun by its first request.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from boxferry.sandbox.pool import Workers
    from boxferry.sandbox.store import Store


WINDOW_S = 1.0
OTHER_ROUTES = 10_000


@dataclass(frozen=True)
class Verdict:
    """What the limiter says of one request; `headers` go with the answer whatever it is."""

    allowed: bool
    headers: dict[str, str]


class Limiter:
    """Counts requests; switched off, it lets everything through and adds no header."""

    def __init__(self, packets_per_second: int | None, *, clock: Callable[[], float] = time.time) -> None:
        """Allow so many packets a second by a clock (seconds since the epoch); None switches the limiter off."""
        self._packets = packets_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def see(self, address: str, route: str, *, is_packet: bool) -> Verdict:
        """Count one request."""
        if self._packets is None:
            return Verdict(allowed=True, headers={})
        limit = self._packets if is_packet else OTHER_ROUTES
        with self._lock:
            now = self._clock()
            end, used = self._windows.get((address, route), (0.0, 0))
            if now >= end:
                end, used = now + WINDOW_S, 0
            self._windows[address, route] = (end, used + 1)
        reset = int(end) + 1  # whole seconds, rounded up
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - used - 1)),
            "X-RateLimit-Reset": str(reset),
            "Retry-After": str(max(0, int(reset - now))),
        }
        return Verdict(allowed=used < limit, headers=headers)


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key.

    Attributes:
        client_id, client_secret: as Basic auth has them.
        project: the project that it opens.
        role: 'editor', or 'viewer', who may only read.
    """

    client_id: str
    client_secret: str
    project: str
    role: str = "editor"


@dataclass(frozen=True, kw_only=True)
class Sandboxed:
    """What the routes work with.

    Attributes:
        store: the data.
        worker: does the background work, in several threads.
        keys: who may come in.
        limiter: how often.
        delay_s: how long a packet waits before it is worked on.
        video_s: how long after its upload was answered the frames of a video are worked on.
        loses: tells of each packet whether its work is lost: it is accepted, and nobody ever does it.
        buckets: a folder of folders, each standing for a bucket that the server has a connection to.
        seed: makes what is by chance repeatable.
    """

    store: Store
    worker: Workers
    keys: tuple[Key, ...]
    limiter: Limiter
    delay_s: float
    video_s: float
    loses: Callable[[], bool]
    buckets: Path
    seed: int = 0
