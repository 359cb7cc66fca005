"""Days and ages, as lists for people show them."""

from __future__ import annotations

import time

MINUTE, HOUR, DAY = 60, 3600, 86400  #: seconds


def day(seconds: float) -> str:
    """A day and time of this machine's zone, of seconds since the epoch; empty for none."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds > 1 else ""


def ago(seconds: float) -> str:
    """An age: '5 min', '3 h 20 min', '12 d'."""
    seconds = max(0, int(seconds))
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < 2 * DAY:
        return f"{seconds // HOUR} h {seconds % HOUR // MINUTE} min"
    return f"{seconds // DAY} d"
