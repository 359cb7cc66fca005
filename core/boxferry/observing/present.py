"""The observers that the process itself has: its log, and OpenTelemetry where something in it uses that."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from boxferry.observing.logged import Logged

if TYPE_CHECKING:
    from boxferry.observing.observer import Observer

#: by which a process names an SDK that the API loads
PROVIDERS: Final = ("OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER")


def present() -> tuple[Observer, ...]:
    """Those that would hear something; none of them costs anything where it would not."""
    log = (Logged(),) if Logged.log.isEnabledFor(logging.INFO) else ()
    return (*log, *_telemetry())


def _telemetry() -> tuple[Observer, ...]:
    """OpenTelemetry, where an SDK can be there: whoever sets one up has imported its API, or names it as above."""
    if "opentelemetry.trace" not in sys.modules and not any(map(os.environ.get, PROVIDERS)):
        return ()
    try:
        from boxferry.observing.telemetry import telemetry
    except ImportError:  # the variables are there, the package is not
        return ()
    return (telemetry(),)
