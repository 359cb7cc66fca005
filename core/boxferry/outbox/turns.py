"""Who may send from an outbox: one process at a time, and in it one thread after the other."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boxferry.errors import OutboxBusy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_turns: dict[Path, threading.RLock] = {}


def _forget_turns() -> None:
    """In a forked child: the threads that hold a turn are not there, so that none would ever be given back."""
    _turns.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_turns)


@contextmanager
def turn(outbox: Path) -> Iterator[None]:
    """Wait for the other threads of this process that send from the outbox; a thread may take it twice.

    Args:
        outbox: its path; links to one file are one outbox.
    """
    with _turns.setdefault(outbox.resolve(), threading.RLock()):
        yield


@contextmanager
def right_to_send(outbox: Path) -> Iterator[None]:
    """The right to send from an outbox: other threads of this process wait, other processes are refused.

    Raises:
        OutboxBusy: another process has it.
    """
    busy = f"{outbox}: another process is sending from this outbox; wait for it to end"
    with turn(outbox), locked(f"{outbox.resolve()}.lock", busy):
        yield


@contextmanager
def locked(path: str, busy: str) -> Iterator[None]:
    """A lock between processes.

    Args:
        path: the lock's file.
        busy: what the error says where another process has it.

    Raises:
        OutboxBusy: another process has it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OutboxBusy(busy) from None
    try:
        yield
    finally:
        lock.release()
