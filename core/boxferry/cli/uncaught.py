"""What Python itself writes on standard error, warnings and errors that nothing catches: JSON where log lines are."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from boxferry.cli.logs import is_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_log = logging.getLogger("python")


def log_uncaught() -> None:
    """Have the process do so from now on."""
    sys.excepthook = _logged(_error, sys.excepthook)
    sys.unraisablehook = _logged(_unraisable, sys.unraisablehook)
    threading.excepthook = _logged(_in_thread, threading.excepthook)
    warnings.showwarning = _logged(_warning, warnings.showwarning)


def _logged(log: Callable[..., None], usual: Callable[..., object]) -> Callable[..., None]:
    """What logs where lines are JSON when it is called, else does as usual."""

    def hook(*given: Any, **named: Any) -> None:
        (log if is_json() else usual)(*given, **named)

    return hook


def _error(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, where: str = ""
) -> None:
    _log.error("%s%s: %s", where, kind.__name__, error, exc_info=(kind, error or kind(), trace))


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    _error(found.exc_type, found.exc_value, found.exc_traceback, f"ignored in {found.object!r}: ")


def _in_thread(found: threading.ExceptHookArgs) -> None:
    name = found.thread.name if found.thread else "that has ended"
    _error(found.exc_type, found.exc_value, found.exc_traceback, f"in thread {name}: ")


def _warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    _log.warning("%s:%d: %s: %s", filename, lineno, category.__name__, " ".join(str(message).split()))
