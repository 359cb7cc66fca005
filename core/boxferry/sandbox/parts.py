"""What the routes work with: the data, the worker, the limiter, and who may come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from boxferry.sandbox.limits import Limiter
    from boxferry.sandbox.pool import Workers
    from boxferry.sandbox.store import Store


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
