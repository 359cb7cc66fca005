"""Workers: other processes that do a part of the work; what comes of it is the same for any number of them."""

from __future__ import annotations

import pickle
import signal
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from boxferry.errors import BoxferryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection

T = TypeVar("T")
R = TypeVar("R")

MOST_JOBS = 64


class Workers:
    """Calls functions in processes of their own.

    Each map has its processes, which take turns: a process gets items, and gives what came of them before it gets more.
    So nothing has to be brought into order, and no thread stands between. A process ends with the one that it works
    for, however that ends: those of the standard library's executor stay for good when theirs is killed.
    """

    def __init__(self, jobs: int) -> None:
        """Have so many processes; one job works in this one.

        Raises:
            UsageError: it is below 1, or more than 64.
        """
        if not 1 <= jobs <= MOST_JOBS:
            raise UsageError(f"--jobs: {jobs}, expected 1 to {MOST_JOBS}")
        self._jobs = jobs

    def map(self, function: Callable[[T], R], items: Iterable[T], batch: int = 1) -> Iterator[R]:
        """What the function gives for each item, in the items' order; few items are taken ahead.

        Args:
            function: a function of a module, which another process can import.
            items: what can be pickled.
            batch: how many items go to a process in one go.

        Raises:
            BoxferryError: a process was ended from outside.
        """
        if self._jobs == 1:
            return map(function, items)
        return _mapped(function, iter(items), batch, self._jobs)


def _mapped(function: Callable[[T], R], items: Iterator[T], batch: int, jobs: int) -> Iterator[R]:
    workers = _started(function, jobs)
    batches: Iterator[list[T] | None] = iter(lambda: list(islice(items, batch)), [])
    waiting: deque[Connection] = deque()
    try:
        for worker, some in zip(workers, batches, strict=False):
            _send(worker, some)
            waiting.append(worker)
        while waiting:
            worker = waiting.popleft()
            found = _received(worker)
            if (some := next(batches, None)) is not None:  # before what was found is used, so that nobody waits
                _send(worker, some)
                waiting.append(worker)
            yield from found
    finally:
        for worker in workers:
            worker.close()


def _started(function: Callable[[T], R], jobs: int) -> list[Connection]:
    """Our end of a pipe to each process; a process ends when it is closed."""
    import multiprocessing

    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    ours: list[Connection] = []
    for _ in range(jobs):
        here, there = context.Pipe()
        ours.append(here)
        inherited = list(ours) if method == "fork" else []
        process: Any = context.Process  # type: ignore[attr-defined] # each kind of context has one
        process(target=_work, args=(function, there, inherited), daemon=True).start()
        there.close()
    return ours


def _work(function: Callable[[T], R], pipe: Connection, inherited: list[Connection]) -> None:
    """What a process does: it leaves Ctrl-C to the one that everything comes back to, and ends at once by SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in inherited:
        other.close()
    with suppress(EOFError, OSError):
        while True:
            items = pipe.recv()
            try:
                found: Any = [function(item) for item in items]
            except Exception as error:  # noqa: BLE001 # it is raised where the items came from
                found = error
            pipe.send_bytes(_pickled(found))


def _pickled(found: object) -> bytes:
    try:
        return pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError):
        return pickle.dumps(BoxferryError(repr(found)))


def _send(worker: Connection, items: list[Any] | None) -> None:
    try:
        worker.send(items)
    except OSError:
        raise _ended() from None


def _received(worker: Connection) -> list[Any]:
    try:
        found: list[Any] | Exception = worker.recv()
    except (EOFError, OSError):
        raise _ended() from None
    if isinstance(found, Exception):
        raise found
    return found


def _ended() -> BoxferryError:
    return BoxferryError("a worker process was killed, perhaps out of memory; try --jobs 1")
