"""SIGTERM ends a command as Ctrl-C does: by `docker stop`, an orchestrator's cancel or time limit, systemd."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from types import FrameType


INTERRUPTED: Final = 128 + signal.SIGINT  #: the exit code after Ctrl-C


class Terminated(KeyboardInterrupt):
    """SIGTERM has come.

    Attributes:
        exit_code: what a shell says of a process that it ended.
    """

    exit_code = 128 + signal.SIGTERM


def end_in_order() -> None:
    """Raise `Terminated` where SIGTERM comes, unless whoever started the process has it ignored or handled.

    Left alone it ends a process at once with packets in flight, and process 1 of a container not at all.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
