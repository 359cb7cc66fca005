"""The moment that a report begins at: so long ago, or a day. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from boxferry.errors import UsageError

SPAN = re.compile(r"(\d{1,5})\s*([hdw])")
SECONDS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def moment_since(text: str, now: float) -> float:
    """Seconds since the epoch.

    Args:
        text: '36h', '7d', '2w', or a day or time in ISO 8601; without a zone it is UTC.
        now: seconds since the epoch.

    Raises:
        UsageError: it is not one of these, or still to come.
    """
    if found := SPAN.fullmatch(text.strip().lower()):
        return now - int(found[1]) * SECONDS[found[2]]
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"since: '{text}', expected a span such as 36h, 7d or 2w, or a day such as 2026-11-20"
        ) from None
    moment = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    if moment > now:
        raise UsageError(f"since: '{text}' is in the future: by the server's clock it is {day_of(now)}")
    return moment


def day_of(seconds: float) -> str:
    """The day of a moment, 'YYYY-MM-DD', UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
