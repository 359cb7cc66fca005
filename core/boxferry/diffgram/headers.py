"""Numbers in the headers of an answer: whatever a server or a gateway writes there, only what can be true is taken."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_RETRY_AFTER_S = 1.0


def number(text: str | None) -> float | None:
    """A number from 0 on; None for what is missing, not a number, below 0, or not finite."""
    try:
        found = math.nan if text is None else float(text)
    except ValueError:
        return None
    return found if 0 <= found < math.inf else None


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds until the server wants to be asked again: a number of them, or a date; a second where neither is there.

    A date is counted from the answer's own `Date`, so that this machine's clock does not matter.
    """
    text = headers.get("Retry-After")
    if (seconds := number(text)) is not None:
        return seconds
    wanted, now = seconds_of(text), seconds_of(headers.get("Date"))
    if wanted is None:
        return DEFAULT_RETRY_AFTER_S
    return max(0.0, wanted - (time.time() if now is None else now))


def seconds_of(text: str | None) -> float | None:
    """A date of a header, seconds since the epoch; None for what is no date."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
